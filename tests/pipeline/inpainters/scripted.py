"""A pipeline that fails as told, in the place of one of diffusers'."""

from typing import Any

import numpy as np
import torch

from pipeline.inpainters.transformer.engine import TransformerInpainter
from pipeline.inpainters.transformer.families import FAMILIES
from pipeline.inpainters.transformer.load import Whole
from pipeline.settings import InpaintSettings

CPU = torch.device("cpu")


class Scripted:
    """Stands in for diffusers' pipeline: fails as told, then paints one grey level."""

    vae_scale_factor = 4
    dtype = torch.float16

    def __init__(self, troubles: list[BaseException | float]) -> None:
        self.troubles = troubles
        self.sizes: list[tuple[int, int]] = []
        self.tiled = 0
        self.vae = self

    def enable_tiling(self) -> None:
        self.tiled += 1

    def to(self, kind: Any) -> None:
        self.dtype = kind

    def __call__(self, **given: Any) -> Any:
        self.sizes.append((given["width"], given["height"]))
        trouble = self.troubles.pop(0) if self.troubles else 0.5
        if isinstance(trouble, BaseException):
            raise trouble
        noise = np.random.default_rng(1).uniform(0, 0.1, (*self.sizes[-1][::-1], 3))
        return type("Told", (), {"images": [noise + trouble]})


def scripted(*troubles: BaseException | float) -> tuple[Scripted, TransformerInpainter]:
    pipe = Scripted([*troubles])
    whole = Whole(
        "scripted", FAMILIES[0], pipe, frozenset({"strength"}), CPU, torch.float16
    )
    return pipe, TransformerInpainter(whole, InpaintSettings(steps=4))
