"""Many pictures: what runs where, and what happens when it breaks."""
