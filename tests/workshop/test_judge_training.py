"""The judge's training stops at will and goes on where it was."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from workshop.judge.batches import Draw
from workshop.judge.make_from_pairs import samples_of
from workshop.judge.samples import write_shard
from workshop.judge.train import Plan, Trainer, run
from workshop.tiny_hands import pictures

from detectors import weights
from detectors.hand_learned import WEIGHTS
from detectors.hand_nets import HandNets


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A training on one pair, from the weights that ship, for a second or so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "SHARD", 1)
        shard = pictures.render_shard(0)
    samples = tmp_path / "samples"
    samples.mkdir()
    pair = samples_of(shard, 0, HandNets.open(), "lesson")
    write_shard(samples / "drawn-0.npz", pair)
    return Plan(
        samples=samples,
        out=tmp_path / "out",
        minutes=0.01,
        skip=(),
        seed=0,
        draw=Draw({"render": 1}, 0),
        workers=1,
        start=weights.own(WEIGHTS, None),
        pace=0.3,
    )


def test_nothing_to_learn_from_is_said_at_once(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no pair"):
        run(replace(plan, samples=tmp_path))


def logged(plan: Plan) -> list[dict[str, object]]:
    lines = (plan.out / "log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_it_goes_on_with_the_step_and_the_weights_where_it_stopped(plan: Plan) -> None:
    run(plan)
    stopped = torch.load(plan.out / "checkpoint.pt", weights_only=True)

    longer = replace(plan, minutes=float(stopped["spent_s"]) / 60 + 0.001)
    resumed = Trainer(longer)
    kept = resumed.net.state_dict()

    assert stopped["step"] > 0
    assert resumed.step == stopped["step"]
    assert resumed.spent_s == pytest.approx(stopped["spent_s"])
    assert all(torch.equal(kept[name], value) for name, value in stopped["net"].items())

    run(longer)
    assert logged(plan)[-1]["step"] == stopped["step"] + 1


def test_a_training_that_was_killed_over_its_checkpoint_keeps_the_last_one(
    plan: Plan,
) -> None:
    run(plan)
    before = (plan.out / "checkpoint.pt").read_bytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", _killed)
        with pytest.raises(KeyboardInterrupt):
            Trainer(plan).save()

    assert (plan.out / "checkpoint.pt").read_bytes() == before


def _killed(_: Path, __: Path) -> None:
    raise KeyboardInterrupt
