"""What a person decides after the run: read, remembered, and carried out."""
