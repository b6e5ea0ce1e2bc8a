"""Settings of what is opened, and of the detectors that look at it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.basics import Pixels, Section, Share


class LoadSettings(Section):
    """Which files are opened."""

    max_megapixels: Annotated[float, Field(gt=0, le=1000)] = 100.0
    """Larger pictures are skipped before they are decoded; in millions of pixels."""

    max_file_mib: Annotated[int, Field(ge=1, le=4096)] = 256
    """Larger files are skipped before they are read; in MiB."""


class DetectSettings(Section):
    """Who looks."""

    detectors: tuple[str, ...] = ("hands", "faces", "quality")
    """Names from `nightmend detectors`, in the order in which they look."""

    min_confidence: Share = 0.5
    """A finding below this is not acted on; it is still shown."""


class HandsSettings(Section):
    """The detector `hands`."""

    min_side_px: Pixels = 6
    """Smaller hands are not judged; the short side of the hand's box. A hand of 32 px
    that is seen from its side can be less than 12 px wide."""

    suspect_above: Share = 0.5
    """Calibrated probability of a flaw from which a hand counts as malformed."""

    cannot_tell_margin: Share = 0.0
    """Hands within this distance of `suspect_above` are reported as "cannot tell"."""

    second_look: bool = True
    """Look again at enlarged cut-outs around people and arms, for small hands."""

    max_hands: Annotated[int, Field(ge=1, le=64)] = 16
    """The most hands that are judged in one picture."""


class FacesSettings(Section):
    """The detector `faces`."""

    confidence: Share = 0.5
    """Faces that the finder is less sure of are ignored."""

    min_side_px: Pixels = 96
    """Short side that a 512 px model needs to draw a face; scaled with the model."""

    malformed_above: Share = 0.5
    """Probability of damage from which a face counts as malformed."""

    max_faces: Annotated[int, Field(ge=1, le=256)] = 64
    """The most faces that are judged in one picture."""


class SegmentsSettings(Section):
    """The detector `segments`: Ultralytics weights that the user names."""

    weights: Path | None = None
    """A .pt file with a pinned digest or in safe format, or an .onnx file."""

    sha256: str = ""
    """Digest the weights must have, in hex; "" refuses files that need unpickling."""

    classes: tuple[str, ...] = ()
    """Class names that count as findings; () means all."""

    confidence: Share = 0.3
    """Detections that the weights are less sure of are ignored."""

    min_area_share: Share = 0.0
    """Smaller findings are dropped; share of the picture's area."""

    max_area_share: Share = 1.0
    """Larger findings are dropped; share of the picture's area."""

    severity: Literal["note", "warning", "error"] = "warning"
    """How much its findings weigh."""


class PeopleSettings(Section):
    """The detector `people`."""

    confidence: Share = 0.4
    """People that the finder is less sure of are ignored."""

    stray_parts: bool = False
    """Report hands and faces that belong to nobody as `body/stray-part`."""


class QualitySettings(Section):
    """The detector `quality`: the picture as a whole."""

    dark_below: Share = 0.06
    """Mean lightness (L*/100) under which a picture counts as very dark."""

    bright_above: Share = 0.94
    """Mean lightness (L*/100) above which a picture counts as very bright."""

    uniform_below: Annotated[float, Field(ge=0, le=64)] = 3.0
    """Standard deviation of lightness under which a picture is uniform; of 255."""

    blurred_above: Share = 0.85
    """Estimated probability of blur from which a picture counts as blurred."""

    size_multiple: Annotated[int, Field(ge=1, le=128)] = 8
    """Sides that are no multiple of this count as odd; in pixels."""

    max_aspect: Annotated[float, Field(ge=1, le=100)] = 3.0
    """Long side over short side beyond which the aspect counts as odd."""

    information_below: Annotated[float, Field(ge=0, le=8)] = 0.5
    """Entropy of the grey levels under which a picture says little; bits a pixel."""

    expect_colour: bool = False
    """Report pictures without any colour as `image/grey`."""
