"""Turn latents into candidates: decoded, looked over, and at the window's size."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.inpainters.colours import matched
from pipeline.inpainters.cutouts import to_window
from pipeline.inpainters.diffusion.latent_mask import rounded
from pipeline.inpainters.diffusion.latents import LatentCodec
from pipeline.inpainters.diffusion.quality_gate import problem_of
from pipeline.inpainters.diffusion.region import Region
from pipeline.records import Candidate


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """A candidate before it is decoded."""

    region: Region
    number: int
    seed: int
    latents: torch.Tensor
    """(C, h, w) float32; those that are finished together have one size."""

    took_s: float
    note: str = ""
    """What was changed on its way, "" when nothing."""


class Finishing:
    """Decodes candidates of any regions together."""

    def __init__(self, codec: LatentCodec, *, match_colours: bool = False) -> None:
        """Keep what decodes.

        Args:
            codec: Decodes latents.
            match_colours: Take back the decoder's shift of colours, see
                `pipeline.inpainters.colours`.
        """
        self._codec = codec
        self._match_colours = match_colours

    def finish(
        self, raws: Sequence[Raw], at_once: int, took_s: float = 0.0
    ) -> list[Candidate]:
        """Return one candidate per latent, in order.

        Args:
            raws: What to decode.
            at_once: How many the decoder may hold; its peak memory grows with it.
            took_s: Seconds to add to each.
        """
        latents = torch.stack([raw.latents for raw in raws])
        decoded, again = self._codec.decode(latents, at_once)
        made = []
        for raw, painted, twice in zip(raws, decoded, again, strict=True):
            notes = raw.region.notes
            if twice:
                notes = (*notes, "the VAE was run again in float32")
            if raw.note:
                notes = (*notes, raw.note)
            soft = rounded(raw.region.soft)
            problem = problem_of(painted, raw.region.picture, soft)
            usable = None if painted is None or problem else painted
            if usable is not None and self._match_colours:
                usable = matched(usable, raw.region.picture, raw.region.soft)
            made.append(
                Candidate(
                    patch=raw.region.request.patch.number,
                    number=raw.number,
                    seed=raw.seed,
                    pixels=(
                        None if usable is None else to_window(usable, raw.region.place)
                    ),
                    took_s=raw.took_s + took_s,
                    problem=problem,
                    notes=notes,
                )
            )
        return made
