"""The stages one picture goes through, in running order: see `pipeline.flow`."""
