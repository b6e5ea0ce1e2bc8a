"""Step and decode candidates side by side so that what fails fails alone.

Out of memory means fewer at a time; any other error is looked for one by one, and costs
the candidate that it belongs to.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch

from pipeline.inpainters.diffusion.denoise import Denoiser
from pipeline.inpainters.diffusion.finishing import Finishing, Raw
from pipeline.inpainters.diffusion.memory import Ladder
from pipeline.inpainters.diffusion.tickets import Slot
from pipeline.inpainters.diffusion.trajectory import start
from pipeline.inpainters.diffusion.trouble import (
    attempt,
    check_device,
    first_line,
    too_little,
)
from pipeline.records import Candidate


class Careful:
    """Runs the networks over slots of one working size."""

    def __init__(
        self, denoiser: Denoiser, finishing: Finishing, ladder: Ladder
    ) -> None:
        self._denoiser = denoiser
        self._finishing = finishing
        self._ladder = ladder

    def step(self, batch: Sequence[Slot]) -> bool:
        """Move each candidate one step on; those that cannot get a problem.

        Returns:
            False when memory ran out; the same candidates may then be tried again,
            fewer at a time.

        Raises:
            EnvironmentProblem: the device is lost.
        """
        began = time.perf_counter()
        before = [slot.trajectory.steps_done for slot in batch]
        trajectories = [slot.trajectory for slot in batch]
        try:
            moved = attempt(lambda: self._denoiser.step(trajectories))
        except RuntimeError as error:
            check_device(error)
            self._step_alone(batch, before, error)
            return True
        if moved is None:
            _restart_torn(batch)
            if not self._ladder.climb_down(batch[0].size, "unet", len(batch)):
                for slot in batch:
                    slot.problem = too_little(slot.size)
            return False
        each_s = (time.perf_counter() - began) / len(batch)
        for slot in batch:
            slot.took_s += each_s
        return True

    def decode(
        self, slots: Sequence[Slot], latents: Sequence[torch.Tensor]
    ) -> list[Candidate] | None:
        """Return one candidate for each slot and its (C, h, w) latents.

        None when memory suffices for a smaller working size only: they are then to be
        painted again.
        """
        return self._decoded(slots, latents, resize=True)

    def _decoded(
        self, slots: Sequence[Slot], latents: Sequence[torch.Tensor], *, resize: bool
    ) -> list[Candidate] | None:
        if not slots:
            return []
        size, painted = slots[0].size, self._ladder.painted(slots[0].size)
        while self._ladder.painted(size) == painted:
            rung = self._ladder.rung(size)
            raws = [
                Raw(s.region, s.number, s.trajectory.seed, each, s.took_s, rung.note)
                for s, each in zip(slots, latents, strict=True)
            ]
            try:
                made = attempt(partial(self._finish, raws, rung.decoded))
            except RuntimeError as error:
                check_device(error)
                return self._decode_alone(slots, latents, error)
            if made is not None:
                return made
            tried = min(len(slots), rung.decoded)
            if not self._ladder.climb_down(size, "decode", tried, resize=resize):
                for slot in slots:
                    slot.problem = too_little(size)
                return [slot.failed() for slot in slots]
        return None

    def _step_alone(
        self, batch: Sequence[Slot], before: Sequence[int], error: RuntimeError
    ) -> None:
        """After a step that failed, find out whose fault it was."""
        _restart_torn(batch)
        if len(batch) == 1:
            batch[0].problem = batch[0].problem or first_line(error)
            return
        for slot, steps in zip(batch, before, strict=True):
            if slot.trajectory.steps_done == steps and not slot.problem:
                self.step([slot])

    def _decode_alone(
        self,
        slots: Sequence[Slot],
        latents: Sequence[torch.Tensor],
        error: RuntimeError,
    ) -> list[Candidate]:
        if len(slots) == 1:
            slots[0].problem = first_line(error)
            return [slots[0].failed()]
        made: list[Candidate] = []
        for slot, each in zip(slots, latents, strict=True):
            # Those before it came out at this size, so it is not changed any more.
            made += self._decoded([slot], [each], resize=False) or ()
        return made

    def _finish(self, raws: Sequence[Raw], at_once: int) -> list[Candidate]:
        began = time.perf_counter()
        made = self._finishing.finish(raws, at_once)
        each_s = (time.perf_counter() - began) / len(raws)
        return [replace(one, took_s=one.took_s + each_s) for one in made]


def _restart_torn(batch: Sequence[Slot]) -> None:
    """Start those again whose scheduler was interrupted; once each."""
    for slot in batch:
        trajectory = slot.trajectory
        if not trajectory.torn:
            continue
        if slot.restarted:
            slot.problem = "its scheduler failed twice"
        slot.restarted = True
        slot.trajectory = start(trajectory.conditions, trajectory.seed)
