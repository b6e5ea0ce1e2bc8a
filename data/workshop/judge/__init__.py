"""The learned hand judge: how it is converted, trained, measured and shipped."""
