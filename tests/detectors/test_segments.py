import hashlib
import importlib.util
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from detectors.errors import (
    DetectorMisconfigured,
    DeviceLost,
    WeightsMissing,
    WeightsWrong,
)
from detectors.findings import Severity
from detectors.geometry import Size
from detectors.segments import SegmentsDetector, build
from pipeline.settings import SegmentsSettings

NAMES = {number: f"class {number}" for number in range(80)} | {0: "person", 33: "kite"}
NUMBERS = {name: number for number, name in NAMES.items()}


def _network(path: Path, kind: str, sure: tuple[tuple[str, float], ...]) -> str:
    """Save a network that sees one class everywhere at each scale; return its digest.

    Args:
        path: Where to save it.
        kind: Name of an Ultralytics network, such as "yolov8n-seg".
        sure: For the fine, middle and coarse scale, a class and how sure to be.
    """
    # Not at the top: it must come after the detector has set the environment.
    from ultralytics import YOLO  # noqa: PLC0415

    torch.manual_seed(0)
    model: Any = YOLO(f"{kind}.yaml", verbose=False)
    model.model.names = dict(NAMES)
    head = model.model.model[-1]
    with torch.no_grad():
        for branch, (label, odds) in zip(head.cv3, sure, strict=True):
            branch[-1].weight.zero_()
            branch[-1].bias.fill_(-20.0)
            branch[-1].bias[NUMBERS[label]] = float(np.log(odds / (1 - odds)))
        for branch in getattr(head, "cv4", ()):  # the mask is the sum of the prototypes
            branch[-1].weight.zero_()
            branch[-1].bias.fill_(1.0)
    model.save(str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("weights") / "boxes.pt"
    return path, _network(
        path, "yolov8n", (("kite", 0.01), ("kite", 0.6), ("person", 0.8))
    )


@pytest.fixture(scope="module")
def outlines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("weights") / "outlines.pt"
    return path, _network(
        path, "yolov8n-seg", (("kite", 0.01), ("kite", 0.01), ("kite", 0.8))
    )


def _build(weights: tuple[Path, str], **changes: Any) -> SegmentsDetector:
    path, digest = weights
    settings = SegmentsSettings(weights=path, sha256=digest, **changes)
    return build(**settings.model_dump())


def _picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (200, 320, 3), dtype=np.uint8)


def test_every_region_of_every_class_is_found_with_its_confidence(
    boxes: tuple[Path, str],
) -> None:
    found = _build(boxes).inspect(_picture())

    assert {one.kind for one in found} == {"segment/kite", "segment/person"}
    assert {round(one.confidence, 2) for one in found} == {0.8, 0.6}
    assert all(one.box.clipped(Size(320, 200)) == one.box for one in found)
    assert all(one.outline is None for one in found)


def test_only_the_classes_asked_for_are_found(boxes: tuple[Path, str]) -> None:
    detector = _build(boxes, classes=("person",))

    assert {one.kind for one in detector.inspect(_picture())} == {"segment/person"}
    assert set(detector.kinds) == {"segment/person"}


def test_regions_that_the_network_is_less_sure_of_are_dropped(
    boxes: tuple[Path, str],
) -> None:
    found = _build(boxes, confidence=0.7).inspect(_picture())

    assert {one.kind for one in found} == {"segment/person"}


def test_size_bounds_are_shares_of_the_picture(boxes: tuple[Path, str]) -> None:
    everything = _build(boxes).inspect(_picture())
    small = _build(boxes, max_area_share=0.2).inspect(_picture())
    large = _build(boxes, min_area_share=0.2).inspect(_picture())

    area = 320 * 200
    assert small
    assert large
    assert len(small) + len(large) == len(everything)
    assert all(one.box.area <= 0.2 * area for one in small)
    assert all(one.box.area >= 0.2 * area for one in large)


def test_an_outline_has_the_shape_of_its_box(outlines: tuple[Path, str]) -> None:
    found = _build(outlines).inspect(_picture())

    drawn = [one for one in found if one.outline is not None]
    assert drawn
    for one in drawn:
        assert one.outline is not None
        assert one.outline.shape == (one.box.height, one.box.width)
        assert one.outline.dtype == np.bool_
        assert one.outline.any()


def test_two_looks_at_one_picture_agree(outlines: tuple[Path, str]) -> None:
    detector = _build(outlines)

    first, second = detector.inspect(_picture()), detector.inspect(_picture())

    assert [(one.box, one.confidence) for one in first] == [
        (one.box, one.confidence) for one in second
    ]


def test_severity_is_the_users_choice(boxes: tuple[Path, str]) -> None:
    kinds = _build(boxes, severity="error").kinds

    assert {kind.severity for kind in kinds.values()} == {Severity.ERROR}
    assert all(kind.mend for kind in kinds.values())


def test_a_pickle_without_a_digest_is_refused_and_its_digest_is_shown(
    boxes: tuple[Path, str],
) -> None:
    path, digest = boxes

    with pytest.raises(DetectorMisconfigured, match=f"segments.sha256={digest}"):
        build(**SegmentsSettings(weights=path).model_dump())


def test_a_file_with_another_digest_is_refused_before_it_is_opened(
    boxes: tuple[Path, str],
) -> None:
    with pytest.raises(WeightsWrong, match=r"segments\.sha256 says 0000"):
        _build((boxes[0], "0" * 64))


def test_a_missing_file_and_no_file_are_two_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"no weights at .*nothing\.pt"):
        _build((tmp_path / "nothing.pt", "0" * 64))
    with pytest.raises(DetectorMisconfigured, match="has no weights"):
        build(**SegmentsSettings().model_dump())


def test_a_class_that_the_weights_do_not_know_is_answered_with_near_ones(
    boxes: tuple[Path, str],
) -> None:
    with pytest.raises(DetectorMisconfigured, match=r"knows no class 'persn'.*person"):
        _build(boxes, classes=("persn",))


@pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is not None, reason="onnxruntime is there"
)
def test_an_onnx_file_without_its_runtime_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"any")

    with pytest.raises(WeightsMissing, match="pip install onnxruntime"):
        build(**SegmentsSettings(weights=tmp_path / "net.onnx").model_dump())


def test_any_other_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.pkl").write_bytes(b"any")

    with pytest.raises(DetectorMisconfigured, match=r"\.pt or an \.onnx"):
        build(**SegmentsSettings(weights=tmp_path / "net.pkl").model_dump())


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["NIGHTMEND_TEST_MARK"],)


def test_a_trusted_digest_still_runs_no_code_from_the_pickle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.pt"
    monkeypatch.setenv("NIGHTMEND_TEST_MARK", str(mark))
    torch.save({"model": _Evil()}, path, pickle_module=pickle)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    with pytest.raises(WeightsWrong, match="safely"):
        _build((path, digest))

    assert not mark.exists()


def test_a_truncated_file_is_one_clear_error(
    boxes: tuple[Path, str], tmp_path: Path
) -> None:
    path = tmp_path / "short.pt"
    path.write_bytes(boxes[0].read_bytes()[:5000])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()

    with pytest.raises(WeightsWrong, match=r"cannot load .*short\.pt"):
        _build((path, digest))


class _OnALostDevice:
    ckpt_path = "weights.pt"

    def predict(self, *_: object, **__: object) -> Any:
        raise torch.AcceleratorError("CUDA error: an illegal access\nCompile with ...")


def test_a_lost_device_is_told_from_a_picture_that_fails() -> None:
    detector = SegmentsDetector(
        _OnALostDevice(), {0: "x"}, Severity.ERROR, confidence=0.5, area_shares=(0, 1)
    )

    with pytest.raises(DeviceLost, match=r"segments: CUDA error: an illegal access$"):
        detector.inspect(np.zeros((8, 8, 3), np.uint8))


def test_nothing_is_written_beside_the_pictures(
    boxes: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    _build(boxes).inspect(_picture())

    assert list(tmp_path.iterdir()) == []


def test_pillow_opens_pictures_as_before() -> None:
    assert Image.open.__module__ == "PIL.Image"
