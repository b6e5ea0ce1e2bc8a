"""How far the work on one picture has come."""

from dataclasses import dataclass, replace

from detectors.arrays import RgbArray
from detectors.findings import Finding
from detectors.geometry import Box
from pipeline.records import Attempt, Choice, Inspection


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Everything found, tried and decided so far; each step returns a new one."""

    pixels: RgbArray
    """(H, W, 3) uint8 RGB: the picture as accepted so far."""

    inspection: Inspection
    """What the detectors say about `pixels`."""

    attempts: tuple[Attempt, ...] = ()
    choices: tuple[Choice, ...] = ()
    checkpoints: tuple[str, ...] = ()
    """One picture per pass that changed something, below the state folder."""

    tried_passes: int = 0
    """Passes gone through, the one in which nothing was better included."""

    passes: int = 0
    """Passes that changed the picture; only these wear it out."""

    settled: tuple[Box, ...] = ()
    """Patches that stay as they are: tried, and nothing around them changed since."""

    asked: tuple[Finding, ...] = ()
    """Places that the user's own mask asks for."""

    remarks: tuple[str, ...] = ()

    def remarking(self, *remarks: str) -> "Work":
        """Return the same work with more remarks, each told once."""
        return replace(self, remarks=tuple(dict.fromkeys((*self.remarks, *remarks))))
