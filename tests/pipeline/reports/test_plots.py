"""Figures are SVG that the page's policy and both themes can live with."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detectors.geometry import Size
from pipeline.records import FindingRow, Outcome, Status
from pipeline.reports import plots
from tests.support.reports import BOX, clean, repaired


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[plots.Plot, ...]:
    return plots.plots((repaired(tmp_path), clean(tmp_path, "b.png", "2" * 64)))


def test_a_repair_has_costs_kinds_and_times(drawn: tuple[plots.Plot, ...]) -> None:
    costs, kinds, stages = drawn

    assert "1 of 1 regions cost less" in costs.told
    assert kinds.told == "hand/extra-digit: 1 of 1"
    assert stages.told == "detect: 1.0 s; paint: 1.5 s; score: 0.5 s"


def test_no_figure_has_a_style_a_script_or_a_colour_of_its_own(
    drawn: tuple[plots.Plot, ...],
) -> None:
    for plot in drawn:
        ElementTree.fromstring(plot.svg)
        assert "style" not in plot.svg
        assert "<script" not in plot.svg
        assert not re.search(r'(?:fill|stroke)="#(?!none)', plot.svg)
        assert "fill-" in plot.svg


def test_figures_of_one_run_are_the_same_every_time(
    drawn: tuple[plots.Plot, ...], tmp_path: Path
) -> None:
    again = plots.plots((repaired(tmp_path), clean(tmp_path, "b.png", "2" * 64)))

    assert again == drawn


def test_a_run_without_numbers_has_no_figure() -> None:
    torn = Outcome("a.png", "", Status.UNREADABLE, Size(0, 0), problem="torn")

    assert plots.plots((torn,)) == ()
    assert plots.plots(()) == ()


def test_a_hostile_kind_stays_text(tmp_path: Path) -> None:
    base = repaired(tmp_path)
    row = FindingRow("segments", "segments/<b>$x^2$&amp;", BOX, 0.9)
    outcome = Outcome(
        "a.png",
        "1" * 64,
        Status.REPAIRED,
        findings=(row,),
        choices=base.choices,
    )

    figures = {plot.title: plot for plot in plots.plots((outcome,))}

    svg = figures["Pictures repaired, by kind of flaw"].svg
    assert "&lt;b&gt;$x^2$&amp;amp;" in svg
    assert "<b>" not in svg


def test_a_single_bar_is_no_thicker_than_one_of_four(
    drawn: tuple[plots.Plot, ...],
) -> None:
    _, kinds, _ = drawn
    corners = re.findall(r'd="(M [^"]* z)', kinds.svg.replace("\n", " "))
    height = float(re.findall(r'viewBox="0 0 \S+ (\S+)"', kinds.svg)[0])

    tops = [[float(y) for y in re.findall(r"[ML] \S+ (\S+)", d)] for d in corners]

    bars = [max(ys) - min(ys) for ys in tops if max(ys) - min(ys) < 0.9 * height]
    assert bars
    assert max(bars) < height / 4
