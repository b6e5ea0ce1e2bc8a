"""Train the scout, which points at places where a small hand may be."""
