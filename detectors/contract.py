"""What every detector offers, and one line of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from detectors.arrays import RgbArray
from detectors.findings import Finding, Kind


class Detector(Protocol):
    """Looks at one picture and names the places it looked at, flawed or not."""

    @property
    def name(self) -> str: ...

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Every kind it can report."""
        ...

    def inspect(self, pixels: RgbArray) -> list[Finding]:
        """Return what it saw; [] means that it looked and there was nothing to judge.

        Args:
            pixels: (H, W, 3) uint8 RGB, any size from 16x16 up. A cut-out of a picture
                is judged like a picture of its own.

        Raises:
            DetectorFailed: it could not look.
            DeviceLost: nor could it at any other picture, in this process.
        """
        ...

    def close(self) -> None:
        """Free what it holds; calling it twice does no harm."""
        ...


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """One line of the catalogue."""

    name: str
    sentence: str
    """What it finds, in a few words."""

    target: str
    """`module:function`; the function takes keyword options and returns a Detector."""

    needs: tuple[str, ...] = ()
    """Names in `detectors.weights` that must be there."""

    package: str = ""
    """An optional package that must be installed, or ""."""


Options = Mapping[str, Any]
"""Options of one detector as the settings hold them, already validated there."""
