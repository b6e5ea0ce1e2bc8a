"""Engines that repaint the masked part of a cut-out, one file each."""
