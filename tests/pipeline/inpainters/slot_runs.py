"""Batches over tiny networks, run to the end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from detectors.geometry import Size
from pipeline.inpainters.contract import Batch, Made
from pipeline.inpainters.diffusion.checkpoint import Checkpoint
from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.inpainters.diffusion.load import load_checkpoint
from pipeline.models import LocatedModel
from pipeline.records import Candidate, PaintRequest
from pipeline.settings import InpaintSettings
from tests.pipeline.inpainters.requests import hole, request, stripes

SIZE = Size(64, 64)
STEPS = 4
LIMIT = 2000
"""Calls of `advance` after which a batch counts as hanging."""


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    located = LocatedModel("tiny", folder)
    return load_checkpoint(located, (), torch.device("cpu"), dtype)


def painter(model: Checkpoint, **changes: object) -> DiffusionInpainter:
    options = {"steps": STEPS, "scheduler": "dpmpp-2m-karras", "batch": 3} | changes
    return DiffusionInpainter(model, InpaintSettings.model_validate(options))


def region(number: int, **changes: object) -> PaintRequest:
    """Ask for three variations of a region; each number is another picture."""
    options = {"working": SIZE, "seeds": (5, 6, 7), "patch": number} | changes
    pixels, mask = stripes(64, 64, seed=number), hole(64, 64, (16, 24, 48, 48))
    return request(pixels, mask, **options)  # type: ignore[arg-type]


def finished(
    batch: Batch,
    requests: Sequence[PaintRequest],
    on_made: Callable[[Batch, Made], None] = lambda _batch, _made: None,
) -> Mapping[int, list[Candidate]]:
    """Run a batch until every request has ended, and return candidates by patch."""
    open_ones = {batch.submit(one): one.patch.number for one in requests}
    shown: dict[int, list[Candidate]] = {one.patch.number: [] for one in requests}
    for _ in range(LIMIT):
        if not open_ones:
            return shown
        for made in batch.advance():
            if made.candidate is not None and not made.preview:
                shown[open_ones[made.ticket]].append(made.candidate)
            on_made(batch, made)
            if made.last:
                del open_ones[made.ticket]
    raise AssertionError("the batch hangs")


class Calls:
    """Counts the samples that a network is run on."""

    def __init__(self, network: torch.nn.Module, method: str = "") -> None:
        self.batches: list[int] = []
        self.sizes: list[tuple[int, ...]] = []
        target = getattr(network, method) if method else network
        target.register_forward_pre_hook(self._note, with_kwargs=True)

    def _note(
        self, _: torch.nn.Module, given: tuple[torch.Tensor, ...], named: object
    ) -> None:
        self.batches.append(int(given[0].shape[0]))
        self.sizes.append(tuple(given[0].shape[2:]))
