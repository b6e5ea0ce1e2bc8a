"""Everything in a picture file that is not pixels: read it, check it, carry it over."""

from pipeline.metadata.carry import carry, read_provenance
from pipeline.metadata.provenance import Provenance, Repair
from pipeline.metadata.recipes import read_recipe

__all__ = ["Provenance", "Repair", "carry", "read_provenance", "read_recipe"]
