"""Finds flawed regions in folders of pictures, repaints them, keeps the best."""

__version__ = "0.1.0"
