"""The record of what was done, in SQLite, written by one process only."""
