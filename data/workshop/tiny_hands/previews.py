"""Measure what a preview tells of the end: rho, and what dropping by it would save.

Candidates are previewed after a quarter and a half of their steps; each preview costs,
by the program's own score, what the picture would cost if it were finished like that.
"rho" is the correlation of that cost with the finished candidate's, within a region
(each region's mean taken away) and between all. "saved" is the share of the denoising
steps that dropping the worse half of the previews saves, "lost" by how much the best
that is left costs more than the best of all, "kept" how often it is the same one.

Run: python -m workshop.tiny_hands.previews --model FOLDER --hands 40 --n 8
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from pipeline.inpainters.diffusion.engine import DiffusionInpainter
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox, build_toolbox
from workshop.tiny_hands.repairs import Case, draw_case, settings_for, trial_of

SHARES = (0.25, 0.5)
KEPT_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Course:
    """The cost of one candidate over the original: previewed, and in the end."""

    share: float
    hand: int
    number: int
    preview: float
    end: float


def courses(
    case: Case, share: float, settings: Settings, toolbox: Toolbox
) -> list[Course]:
    """Paint all variations of one hand, with a preview of each after some steps.

    Raises:
        ValueError: the engine shows no previews.
    """
    inpainter = toolbox.inpainter
    if not isinstance(inpainter, DiffusionInpainter):
        raise ValueError("only the engine `diffusion` shows previews")
    trial, _gallery = trial_of(case, settings, toolbox, inpainter)
    batch = inpainter.open(sparing=False)
    batch.submit(trial.ask(settings.plan.strength), preview_at=share)
    seen: dict[int, float] = {}
    ends: dict[int, float] = {}
    ended = False
    while not ended:
        for made in batch.advance():
            ended = ended or made.last
            if made.candidate is None:
                continue
            cost = trial.appraise(made.candidate)
            if cost is not None:
                (seen if made.preview else ends)[made.candidate.number] = cost
    both = sorted(seen.keys() & ends.keys())
    return [Course(share, case.seed, n, seen[n], ends[n]) for n in both]


@dataclass(frozen=True, slots=True)
class Worth:
    """What previews at one share of the steps are worth."""

    share: float
    regions: int
    rho: float
    rho_within: float
    saved: float
    lost: float
    kept: float


def worth(share: float, found: Sequence[Course]) -> Worth:
    """Sum up one share of the steps."""
    by_hand: dict[int, list[Course]] = {}
    for course in found:
        by_hand.setdefault(course.hand, []).append(course)
    groups = [group for group in by_hand.values() if len(group) > 1]
    previews = np.array([course.preview for group in groups for course in group])
    ends = np.array([course.end for group in groups for course in group])
    within_previews, within_ends = (
        np.concatenate([np.array(x) - np.mean(x) for x in columns])
        for columns in (
            [[course.preview for course in group] for group in groups],
            [[course.end for course in group] for group in groups],
        )
    )
    lost, same, dropped = [], [], 0
    for group in groups:
        ranked = sorted(group, key=lambda course: course.preview)
        left = ranked[: max(1, round(KEPT_SHARE * len(ranked)))]
        dropped += len(ranked) - len(left)
        best = min(course.end for course in group)
        lost.append(min(course.end for course in left) - best)
        same.append(lost[-1] == 0.0)
    return Worth(
        share,
        len(groups),
        float(np.corrcoef(previews, ends)[0, 1]),
        float(np.corrcoef(within_previews, within_ends)[0, 1]),
        dropped / len(ends) * (1 - share),
        float(np.mean(lost)),
        float(np.mean(same)),
    )


def table(rows: Sequence[Worth]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| preview at | regions | rho | rho within a region | saved | lost | kept |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.share:.0%} | {row.regions} | {row.rho:.2f} | {row.rho_within:.2f} | "
        f"{row.saved:.0%} | {row.lost:.3f} | {row.kept:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--hands", type=int, default=40)
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    settings = settings_for(given.model, given.n, given.steps)
    toolbox = build_toolbox(settings, with_inpainter=True)
    found: list[Course] = []
    for number in range(given.hands):
        case = draw_case(number)
        for share in SHARES:
            found += courses(case, share, settings, toolbox)
    toolbox.close()
    rows = [worth(share, [c for c in found if c.share == share]) for share in SHARES]
    print(table(rows))
    if given.json:
        kept = {
            "rows": [asdict(row) for row in rows],
            "courses": [asdict(course) for course in found],
        }
        given.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
