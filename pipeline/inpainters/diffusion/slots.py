"""Keep the slots of one batch filled with candidates of several regions.

A slot holds one trajectory. Slots of one working size are stepped together, whatever
region, picture and step they belong to, and a slot that falls free is filled at once.
Each call of `advance` steps one working size: the one that most slots have, since a
call of the UNet costs an accelerator about the same however many samples it has.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch

from detectors.geometry import Size
from pipeline.inpainters.contract import Made
from pipeline.inpainters.diffusion.careful import Careful
from pipeline.inpainters.diffusion.memory import Ladder, Need
from pipeline.inpainters.diffusion.region import Preparation, Region
from pipeline.inpainters.diffusion.tickets import Slot, Work, fullest
from pipeline.inpainters.diffusion.trajectory import Trajectory
from pipeline.inpainters.diffusion.trouble import attempt, too_little
from pipeline.records import PaintRequest

WINDOW = 4
"""Regions per slot up to which more are welcome. With a choice of regions, those that
were tried least go first, and the end of a run leaves fewer slots empty: see the
occupancy that tests/bench/repair.py measures."""


@dataclass(frozen=True, slots=True, eq=False)
class Tools:
    """What a batch works with."""

    preparation: Preparation
    careful: Careful
    ladder: Ladder
    slots: int
    speculates: bool
    """A slot that would stay empty costs nothing to fill, as on an accelerator."""


@dataclass(slots=True)
class Tally:
    """How well the slots were used."""

    steps: int = 0
    """Calls of the denoiser."""

    filled: int = 0
    """Slots in use, summed over the steps."""

    def occupancy(self, slots: int) -> float:
        """Return the mean share of slots in use, 0..1."""
        return self.filled / (self.steps * slots) if self.steps else 0.0


class SlotBatch:
    """Candidates of several regions side by side, on one model."""

    def __init__(self, tools: Tools, *, sparing: bool) -> None:
        """Start empty.

        Args:
            tools: The parts of the engine.
            sparing: Of each region, begin one candidate after the other, and more of
                them at a time only where that costs nothing.
        """
        self._tools = tools
        self._sparing = sparing
        self._works: dict[int, Work] = {}
        self._slots: list[Slot] = []
        self._tickets = 0
        self.tally = Tally()

    @property
    def room(self) -> bool:
        works = self._works.values()
        if self._sparing:
            return len(works) < WINDOW * self._tools.slots
        left = sum(work.waiting + work.running for work in works)
        return left < WINDOW * self._tools.slots

    def submit(self, request: PaintRequest, *, preview_at: float = 0.0) -> int:
        """Encode what the candidates of a request share, and put it in the queue."""
        began = time.perf_counter()
        region = self._prepared(request)
        self._tickets += 1
        work = self._works[self._tickets] = Work(self._tickets, request, region)
        work.prepared_s = time.perf_counter() - began
        if region is None:
            work.give_up(too_little(request.working))
        elif preview_at:
            steps = len(region.conditions.schedule.timesteps)
            work.preview_step = math.ceil(steps * preview_at)
        self._resize(request.working)
        return work.ticket

    def advance(self) -> Sequence[Made]:
        """Take one step with one working size, and return what came of it.

        Raises:
            EnvironmentProblem: the device is lost.
        """
        self._fill()
        made: list[Made] = []
        batch = fullest(self._slots)
        if batch:
            batch = batch[: self._tools.ladder.rung(batch[0].size).slots]
            self.tally.steps += 1
            self.tally.filled += len(batch)
            if self._tools.careful.step(batch):
                made += self._previews(batch)
            self._collect(batch)
            self._resize(batch[0].size)
        for work in list(self._works.values()):
            made += self._handed_out(work)
        return made

    def settle(self, ticket: int) -> None:
        self._works.pop(ticket, None)
        self._slots = [slot for slot in self._slots if slot.ticket != ticket]

    def drop(self, ticket: int, number: int, cost: float) -> None:
        for slot in self._slots:
            if (slot.ticket, slot.number) == (ticket, number):
                self._slots.remove(slot)
                self._works[ticket].set_aside(slot, cost)
                return

    def _prepared(self, request: PaintRequest) -> Region | None:
        """Prepare a request; None when there is no memory for it."""
        preparation, ladder = self._tools.preparation, self._tools.ladder
        size = request.working
        while True:
            need: Need = "text"
            tried = 1
            if attempt(partial(preparation.read, request)) is not None:
                rung, painted = ladder.rung(size), ladder.painted(size)
                region = attempt(
                    partial(preparation.prepare, request, painted, rung.encoded)
                )
                if region is not None:
                    return region
                need, tried = "encode", min(preparation.pictures, rung.encoded)
            if not ladder.climb_down(size, need, tried):
                return None

    def _resize(self, size: Size) -> None:
        """Begin again what is not painted as large as memory now suffices for."""
        painted = self._tools.ladder.painted(size)
        for work in self._works.values():
            region = work.region
            if work.size != size or region is None or region.place.working == painted:
                continue
            running = [slot for slot in self._slots if slot.ticket == work.ticket]
            again = self._prepared(work.request)
            if again is not None:
                work.begin_again(again, running)
            else:
                work.break_off(running, too_little(size))
                self._slots = [s for s in self._slots if s not in running]

    def _fill(self) -> None:
        """Begin candidates until no slot of any working size is free."""
        sizes = dict.fromkeys(w.size for w in self._works.values() if w.waiting)
        for size in sizes:
            running = sum(slot.size == size for slot in self._slots)
            for _ in range(self._tools.ladder.rung(size).slots - running):
                work = self._next_work(size)
                slot = None if work is None else work.begin()
                if slot is None:
                    break
                self._slots.append(slot)

    def _next_work(self, size: Size) -> Work | None:
        """Choose the region to begin a candidate of."""
        able = [w for w in self._works.values() if w.size == size and w.waiting]
        if not self._sparing:
            return able[0] if able else None
        if not self._tools.speculates:
            able = [work for work in able if not work.running]
        return min(able, key=lambda w: (w.running, w.begun, w.ticket), default=None)

    def _previews(self, batch: Sequence[Slot]) -> list[Made]:
        """Show those that have come to where a preview is due."""
        due = []
        for slot in batch:
            if 0 < slot.preview_step <= slot.trajectory.steps_done:
                slot.preview_step = 0
                if not slot.problem and not slot.trajectory.finished:
                    due.append(slot)
        shown = self._tools.careful.decode(due, [_guess(s.trajectory) for s in due])
        if shown is None:
            return []
        pairs = zip(due, shown, strict=True)
        return [
            Made(slot.ticket, candidate, preview=True)
            for slot, candidate in pairs
            if candidate.pixels is not None
        ]

    def _collect(self, batch: Sequence[Slot]) -> None:
        """Decode what is finished, and free the slots of what has ended."""
        painted = self._tools.ladder.painted(batch[0].size)
        done = [
            slot
            for slot in batch
            if slot.trajectory.finished
            and not slot.problem
            and slot.region.place.working == painted
        ]
        ended = self._tools.careful.decode(done, [s.trajectory.latents for s in done])
        if ended is None:
            done, ended = [], []
        broken = [slot for slot in batch if slot.problem and slot not in done]
        ended += [slot.failed() for slot in broken]
        for slot, candidate in zip([*done, *broken], ended, strict=True):
            self._slots.remove(slot)
            self._works[slot.ticket].end(candidate)

    def _handed_out(self, work: Work) -> list[Made]:
        shown = work.hand_out()
        last = False
        if work.exhausted:
            again = work.take_up()
            if again is not None:
                self._slots.append(again)
            else:
                last = True
                shown += work.left_aside()
                del self._works[work.ticket]
        made = [Made(work.ticket, candidate) for candidate in shown]
        return [*made, Made(work.ticket, None, last=True)] if last else made


def _guess(trajectory: Trajectory) -> torch.Tensor:
    """Return (C, h, w) float32: what the latents will be when finished, by now."""
    if trajectory.predicted is None:
        raise ValueError("a preview needs at least one step")
    shared = trajectory.conditions
    if shared.extra is not None:
        return trajectory.predicted
    # A plain UNet guesses the surroundings too, though they stay as they were.
    return (1 - shared.mask) * shared.encoded + shared.mask * trajectory.predicted
