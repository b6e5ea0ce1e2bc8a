"""Fine-tune the landmark network into the judge; stop it at will, it resumes.

Run: `PYTHONPATH=data python -m workshop.judge.train --samples FOLDER --out FOLDER
--minutes 60`. New shards in the folder of samples are taken in as they appear.
"""

import argparse
import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workshop.judge.augment import Strength
from workshop.judge.batches import Batch, Draw, Pool, draw_batch, load_pool
from workshop.judge.beginning import fresh_net, optimisers_for, prepare, weights_of
from workshop.judge.losses import losses_of, total_of
from workshop.judge.measure import measure_pool
from workshop.judge.warm_start import fit_glance
from workshop.precision import autocast

TRUNK_RATE, HEAD_RATE, GLANCE_RATE = 3e-4, 2e-3, 8e-4
WARM_UP = 40
EMA = 0.99
SAVE_EVERY_S = 180.0
MEASURE_EVERY_S = 600.0
RELOAD_EVERY_S = 420.0
PAIRS = "render=3,edit=2,through-render=2,through-edit=1"
"""Of each origin in a batch; an origin without samples is left out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything is, and how long it may take."""

    samples: Path
    out: Path
    minutes: float
    skip: tuple[str, ...]
    seed: int
    draw: Draw
    workers: int
    start: Path | None
    """What to begin from: another run's checkpoint, shipped weights, or None."""
    pace: float
    """Share of the usual rates; weights that are good already are lost at 1."""


class Trainer:
    """One run: the network, its average over time, and the optimiser."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        torch.manual_seed(plan.seed)
        self.net = prepare(fresh_net())
        self.average = copy.deepcopy(self.net).eval().requires_grad_(False)
        trunk = [p for p in self.net.trunk.parameters() if p.requires_grad]
        inside = {id(p) for p in self.net.trunk.parameters()}
        heads = [p for p in self.net.parameters() if id(p) not in inside]
        known = {id(p) for p in self.net.glance.parameters()}
        glance = [p for p in heads if id(p) in known]
        parts = [
            (trunk, plan.pace * TRUNK_RATE),
            ([p for p in heads if id(p) not in known], plan.pace * HEAD_RATE),
            (glance, plan.pace * GLANCE_RATE),
        ]
        self.optimisers = optimisers_for(parts)
        self._learning = [*trunk, *heads]
        self._threads = ThreadPoolExecutor(plan.workers)
        self.step, self.spent_s = 0, 0.0
        self.log = plan.out / "log.jsonl"
        self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.plan.out / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            if self.plan.start is not None:
                self.net.load_state_dict(weights_of(self.plan.start), strict=False)
                self.average.load_state_dict(self.net.state_dict())
            return
        stored: dict[str, Any] = torch.load(self.checkpoint, weights_only=True)
        self.net.load_state_dict(stored["net"])
        self.average.load_state_dict(stored["average"])
        for optimiser, kept in zip(self.optimisers, stored["optimisers"], strict=True):
            tops = [group["top"] for group in optimiser.param_groups]
            optimiser.load_state_dict(kept)
            for group, top in zip(optimiser.param_groups, tops, strict=True):
                group["top"] = top
        self.step, self.spent_s = int(stored["step"]), float(stored["spent_s"])
        print(f"resumed at step {self.step}, {self.spent_s / 60:.1f} min", flush=True)

    def warm_start(self, pool: Pool) -> None:
        """Give the glance a first opinion, and let the rest of the head hold back."""
        last = self.net.head[-1]
        if isinstance(last, nn.Linear):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        found = fit_glance(
            self.net,
            pool,
            load_pool(self.plan.samples, held_out=True),
            self.plan.seed,
        )
        self.average.load_state_dict(self.net.state_dict())
        self.record({**found, "held_out": _measure(self, self.plan)})
        self.save()

    def save(self) -> None:
        """Write the checkpoint, wholly or not at all."""
        stored = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [each.state_dict() for each in self.optimisers],
            "step": self.step,
            "spent_s": self.spent_s,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(stored, part)
        part.rename(self.checkpoint)

    def learn(self, draws: Sequence[Callable[[], Batch]]) -> dict[str, float]:
        """Take one step on several batches at once, one thread each.

        Threads that meet once a step use a busy machine far better than threads that
        meet in every layer.
        """
        self._set_rates()
        self.net.train()
        parts = list(self._threads.map(self._gradients, draws))
        for number, parameter in enumerate(self._learning):
            parameter.grad = torch.stack([part[0][number] for part in parts]).mean(0)
        nn.utils.clip_grad_norm_(self._learning, 4.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        self._follow()
        names = parts[0][1]
        return {
            name: sum(part[1][name] for part in parts) / len(parts) for name in names
        }

    def _gradients(
        self, draw: Callable[[], Batch]
    ) -> tuple[Sequence[Tensor], dict[str, float]]:
        batch = draw()
        with autocast():
            said = self.net(batch.pixels)
        losses = losses_of(said, batch)
        found = torch.autograd.grad(total_of(losses), self._learning)
        return found, {name: float(loss.detach()) for name, loss in losses.items()}

    def _set_rates(self) -> None:
        share = min(1.0, self.spent_s / (self.plan.minutes * 60))
        fade = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share))
        warm = min(1.0, (self.step + 1) / WARM_UP)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["top"] * fade * warm

    def _follow(self) -> None:
        keep = min(EMA, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.net.parameters(), strict=True)
            for slow, fast in pairs:
                slow.lerp_(fast, 1 - keep)
            buffers = zip(self.average.buffers(), self.net.buffers(), strict=True)
            for kept, fresh in buffers:
                kept.copy_(fresh)

    def record(self, entry: dict[str, Any]) -> None:
        """Append one line to the log, and show it."""
        line = json.dumps({"step": self.step, "min": self.spent_s / 60, **entry})
        with self.log.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)


def run(plan: Plan) -> None:
    """Train until the time is used up.

    Raises:
        ValueError: there is no pair to learn from.
    """
    pool = load_pool(plan.samples, held_out=False, skip=plan.skip)
    if not pool.pairs:
        raise ValueError(f"{plan.samples} holds no pair; run make_renders first")
    plan.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(plan)
    if trainer.step == 0 and plan.start is None:
        trainer.warm_start(pool)
    elif trainer.step == 0:
        trainer.record({"held_out": _measure(trainer, plan)})
    rng = np.random.default_rng([plan.seed, trainer.step])
    saved = measured = reloaded = time.monotonic()
    sums: dict[str, float] = {}
    shown = 0
    while trainer.spent_s < plan.minutes * 60:
        start = time.monotonic()
        draws = [
            partial(draw_batch, pool, plan.draw, chance, Strength())
            for chance in rng.spawn(plan.workers)
        ]
        for name, value in trainer.learn(draws).items():
            sums[name] = sums.get(name, 0.0) + value
        shown += 1
        trainer.spent_s += time.monotonic() - start
        now = time.monotonic()
        if shown == 20:
            mean = {name: round(value / shown, 4) for name, value in sums.items()}
            trainer.record({"loss": mean, "step_s": round(now - start, 2)})
            sums, shown = {}, 0
        if now - saved > SAVE_EVERY_S:
            trainer.save()
            saved = now
        if now - reloaded > RELOAD_EVERY_S:
            pool = load_pool(plan.samples, held_out=False, skip=plan.skip)
            trainer.record({"pairs": {k: len(v) for k, v in pool.pairs.items()}})
            reloaded = now
        if now - measured > MEASURE_EVERY_S:
            trainer.save()
            trainer.record({"held_out": _measure(trainer, plan)})
            measured = time.monotonic()
    trainer.save()
    trainer.record({"held_out": _measure(trainer, plan)})


def _measure(trainer: Trainer, plan: Plan) -> dict[str, float]:
    pool: Pool = load_pool(plan.samples, held_out=True)
    return measure_pool(trainer.average, pool, most=120)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--skip", nargs="*", default=[], help="flaws to leave out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pairs", default=PAIRS)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--singles", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pairs = {
        name: int(count)
        for name, _, count in (part.partition("=") for part in given.pairs.split(","))
    }
    run(
        Plan(
            given.samples,
            given.out,
            given.minutes,
            tuple(given.skip),
            given.seed,
            Draw(pairs, given.singles),
            given.workers,
            given.start,
            given.pace,
        )
    )


if __name__ == "__main__":
    main()
