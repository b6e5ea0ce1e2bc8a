"""The gate: what a check's findings mean for a build."""
