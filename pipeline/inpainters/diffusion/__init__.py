"""The diffusion engine: an own denoise loop over the parts of a checkpoint."""
