"""Spoil well-formed hand pictures in one way at a time, with sound twins.

`edit(crop, points, rng, kind)` returns the changed cut-out and where it was changed.
Controls (`CONTROLS`) leave the anatomy as it is but the same traces of editing, so that
whoever learns from pairs does not learn to see the editing.
"""

from workshop.edits.changes import CONTROLS, FLAWS, KINDS, Edited, edit

__all__ = ["CONTROLS", "FLAWS", "KINDS", "Edited", "edit"]
