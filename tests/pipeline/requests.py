"""Small paint requests for tests."""

import numpy as np

from detectors.findings import Finding
from detectors.geometry import Box, Size
from pipeline.records import PaintRequest, Patch
from tests.support.fakes import GREY, draw, mask_of


def paint_request(size: Size, box: Box, *, patch: int = 0) -> PaintRequest:
    """Ask for four variations of one box in a grey picture."""
    mask = mask_of(size, box)
    finding = Finding("hands", "hand/malformed", box, 0.9)
    return PaintRequest(
        patch=Patch(patch, box, mask[box.rows, box.columns], (finding,)),
        mode="only-masked",
        reason="for a test",
        window=Box.whole(size),
        working=size,
        pixels=draw(size, {Box.whole(size): GREY}),
        mask=mask,
        cover=mask.astype(np.float32),
        strength=0.75,
        content="original",
        mask_blur_px=0,
        prompt="",
        negative_prompt="",
        seeds=(11, 12, 13, 14),
    )
