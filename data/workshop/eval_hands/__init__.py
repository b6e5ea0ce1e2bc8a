"""Measure the hands detector on renders, on edits and on real hands."""
