"""Draw the pictures of the gate's rules."""
