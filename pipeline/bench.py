"""What the work on one picture needs at every step."""

from dataclasses import dataclass

from pipeline.album import Keeps
from pipeline.inpainters.contract import Inpainter
from pipeline.records import Picture
from pipeline.settings import Settings
from pipeline.stages.score import Scale


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What stays the same for all regions of one picture."""

    picture: Picture
    inpainter: Inpainter
    album: Keeps
    settings: Settings
    scale: Scale
