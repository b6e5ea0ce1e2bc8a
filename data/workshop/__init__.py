"""Scripts that make pictures and weights; run from a checkout."""
