"""What engines compute for the best of N, counted exactly: the bench without a clock.

The scripted scores and the engines are those of `make bench-repair`.
"""

import pytest
import torch

from tests.bench.repair import measured
from tests.bench.repair_work import STEPS_RUN, Networks, Script, networks, pictures

REGIONS, VARIATIONS, PASSES = 6, 3, 0.4
SCRIPT = Script(VARIATIONS, PASSES, REGIONS)
NEEDED = sum(SCRIPT.runs_needed(region) for region in range(REGIONS))
GUIDED = 2


@pytest.fixture(scope="module")
def nets() -> Networks:
    torch.set_num_threads(1)
    return networks()


def test_the_script_passes_where_it_says() -> None:
    script = Script(8, 0.3, 64)

    for region in range(64):
        costs = [script.cost(region, number) for number in range(8)]
        passing = (number for number, cost in enumerate(costs, 1) if cost < 0.3)
        assert script.runs_needed(region) == next(passing, 8)


def test_so_few_regions_need_as_many_variations_as_endlessly_many_would() -> None:
    script = Script(8, 0.3, 64)

    needed = sum(script.runs_needed(region) for region in range(64)) / 64

    assert script.runs_expected == pytest.approx(3.1412, abs=1e-4)
    assert needed == pytest.approx(script.runs_expected, rel=0.01)


def test_half_of_the_pictures_are_clean() -> None:
    shown = pictures(64)

    assert sum(not one.regions for one in shown) * 2 == len(shown)
    assert sorted(r for one in shown for r in one.regions) == list(range(64))


def test_ours_computes_what_the_policy_needs_and_nothing_more(nets: Networks) -> None:
    run = measured("ours", nets, REGIONS, SCRIPT)

    assert run.unet_samples == NEEDED * STEPS_RUN * GUIDED
    assert run.encoded == REGIONS
    assert run.decoded == NEEDED
    assert run.text_calls == 2


def test_ours_without_a_stop_encodes_once_as_well(nets: Networks) -> None:
    run = measured("ours-all", nets, REGIONS, SCRIPT)

    assert run.unet_samples == REGIONS * VARIATIONS * STEPS_RUN * GUIDED
    assert run.encoded == REGIONS
    assert run.decoded == REGIONS * VARIATIONS
    assert run.text_calls == 2


def test_a_loop_over_diffusers_pipeline_does_more_for_the_same(nets: Networks) -> None:
    loop = measured("pipe-loop-stop", nets, REGIONS, SCRIPT)
    ours = measured("ours", nets, REGIONS, SCRIPT)

    assert loop.unet_samples == ours.unet_samples
    assert loop.encoded == 2 * NEEDED
    assert loop.text_calls == 2 * NEEDED
    assert (loop.passed, loop.mean_cost) == (ours.passed, ours.mean_cost)


def test_as_asdff_does_it_everything_is_done_for_every_variation(
    nets: Networks,
) -> None:
    run = measured("asdff", nets, 1, Script(2, PASSES, 1))

    assert run.unet_samples == 2 * STEPS_RUN * GUIDED
    assert run.encoded == 2 * 2
    assert run.text_calls == 2 * 2
