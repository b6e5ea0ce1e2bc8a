"""What every detector of the catalogue promises, whatever it looks for."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skimage import data

from detectors import catalogue, weights
from detectors.arrays import RgbArray
from detectors.contract import Detector
from detectors.errors import DetectorError
from detectors.findings import Finding, Severity
from detectors.geometry import Box
from pipeline.settings import SegmentsSettings, Settings

NAMES = tuple(spec.name for spec in catalogue.BUILT_IN)


@pytest.fixture(scope="module")
def segments_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a small network that was never trained: `segments` brings none."""
    from detectors import segments  # noqa: PLC0415  sets the environment first

    assert segments.NAME == "segments"
    from ultralytics import YOLO  # noqa: PLC0415

    path = tmp_path_factory.mktemp("weights") / "untrained.pt"
    YOLO("yolov8n-seg.yaml", verbose=False).save(str(path))
    return path


@pytest.fixture(scope="module")
def options(segments_weights: Path) -> dict[str, dict[str, Any]]:
    """Return the default options of every detector, by name."""
    settings = Settings().model_dump()
    digest = hashlib.sha256(segments_weights.read_bytes()).hexdigest()
    own = SegmentsSettings(weights=segments_weights, sha256=digest, confidence=0.001)
    return settings | {"segments": own.model_dump()}


@pytest.fixture(scope="module", params=NAMES)
def detector(
    request: pytest.FixtureRequest, options: dict[str, dict[str, Any]]
) -> Iterator[Detector]:
    built = catalogue.build(request.param, options[request.param])
    yield built
    built.close()


def _grey(height: int, width: int) -> RgbArray:
    return np.full((height, width, 3), 128, np.uint8)


def _noise(height: int, width: int) -> RgbArray:
    rng = np.random.default_rng(4)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def _astronaut() -> RgbArray:
    """Return a quarter of the picture, to keep this suite quick."""
    cut: RgbArray = np.ascontiguousarray(data.astronaut()[0:256, 96:352])
    return cut


def _check(found: list[Finding], detector: Detector, pixels: RgbArray) -> None:
    """Assert what holds for every finding of every detector."""
    whole = Box(0, 0, pixels.shape[1], pixels.shape[0])
    for one in found:
        assert one.detector == detector.name
        assert one.kind in detector.kinds
        assert 0.0 <= one.confidence <= 1.0
        assert type(one.confidence) is float
        assert one.box.area > 0
        assert one.box.clipped(whole.size) == one.box
        if one.outline is not None:
            assert one.outline.shape == (one.box.height, one.box.width)
            assert one.outline.dtype == np.bool_
            assert one.outline.any()


def _plain(found: list[Finding]) -> list[tuple[object, ...]]:
    return [
        (
            *(one.kind, one.box, one.confidence, one.message, one.marks, one.remedy),
            None if one.outline is None else one.outline.tobytes(),
        )
        for one in found
    ]


def test_its_name_and_kinds_are_those_of_the_catalogue(detector: Detector) -> None:
    assert detector.name in NAMES
    assert detector.kinds
    for kind, about in detector.kinds.items():
        family, _, rest = kind.partition("/")
        assert family
        assert rest
        assert kind == kind.lower()
        assert " " not in kind
        assert about.sentence
        assert not (about.mend and about.severity == Severity.FINE)


@pytest.mark.parametrize(
    ("height", "width"), [(16, 16), (16, 900), (700, 17), (33, 47), (240, 320)]
)
def test_pictures_of_any_size_and_shape_are_looked_at(
    detector: Detector, height: int, width: int
) -> None:
    for pixels in (_grey(height, width), _noise(height, width)):
        _check(detector.inspect(pixels), detector, pixels)


def test_an_ordinary_picture_gives_findings_that_hold_together(
    detector: Detector,
) -> None:
    pixels = _astronaut()

    _check(detector.inspect(pixels), detector, pixels)


def test_the_picture_itself_is_not_changed(detector: Detector) -> None:
    pixels = _astronaut()
    before = pixels.copy()

    detector.inspect(pixels)

    np.testing.assert_array_equal(pixels, before)


def test_a_picture_that_may_not_be_written_to_is_fine(detector: Detector) -> None:
    pixels = _astronaut().copy()
    pixels.flags.writeable = False

    _check(detector.inspect(pixels), detector, pixels)


def test_a_view_without_a_copy_gives_the_same_answer(detector: Detector) -> None:
    pixels = _astronaut()
    view = np.pad(pixels, ((5, 3), (9, 7), (0, 0)))[5:-3, 9:-7]
    turned = np.asfortranarray(pixels)

    expected = _plain(detector.inspect(pixels))

    assert _plain(detector.inspect(view)) == expected
    assert _plain(detector.inspect(turned)) == expected


def test_looking_twice_gives_the_same_answer_whatever_came_between(
    detector: Detector,
) -> None:
    first = _plain(detector.inspect(_astronaut()))
    detector.inspect(_noise(90, 130))

    assert _plain(detector.inspect(_astronaut())) == first


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((32, 32, 3), np.float32),
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((0, 32, 3), np.uint8),
        np.zeros((32, 32, 3), np.int64),
    ],
    ids=["float", "grey", "with alpha", "empty", "int64"],
)
def test_anything_but_rgb_bytes_is_refused(
    detector: Detector, wrong: npt.NDArray[Any]
) -> None:
    with pytest.raises(ValueError, match="pixels must be"):
        detector.inspect(wrong)


def test_closing_twice_does_no_harm(options: dict[str, dict[str, Any]]) -> None:
    for name in NAMES:
        built = catalogue.build(name, options[name])
        built.close()
        built.close()


@pytest.mark.parametrize(
    ("name", "need"),
    [(spec.name, need) for spec in catalogue.BUILT_IN for need in spec.needs],
)
def test_broken_weights_stop_it_before_the_first_picture(
    name: str,
    need: str,
    options: dict[str, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = weights.PACKAGED[need]
    broken = tmp_path / entry.package / entry.path
    broken.parent.mkdir(parents=True)
    (tmp_path / entry.package / "__init__.py").write_text("")
    broken.write_bytes(b"x" * entry.n_bytes)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(DetectorError, match="pip install"):
        catalogue.build(name, options[name])


def test_an_option_that_no_detector_has_is_refused(
    options: dict[str, dict[str, Any]],
) -> None:
    for name in NAMES:
        with pytest.raises(DetectorError, match="no_such_option"):
            catalogue.build(name, options[name] | {"no_such_option": 1})
