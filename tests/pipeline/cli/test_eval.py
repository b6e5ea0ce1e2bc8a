"""nightmend eval hands: labels in, figures out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli import main as program
from pipeline.cli.eval import read_labels
from pipeline.errors import ExitCode, UsageError


def write_labels(folder: Path, *rows: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_labels_are_read_with_what_is_known(tmp_path: Path) -> None:
    path = write_labels(
        tmp_path,
        "file,label,fingers,group,style",
        "a.png,malformed,6,one,anime",
        "b.png,ok,5-6,,",
        "c.png,wellformed,?,two,",
    )

    first, second, third = read_labels(path)

    assert (first.flawed, first.fingers, first.group, first.style) == (
        True,
        6,
        "one",
        "anime",
    )
    assert (second.flawed, second.fingers, second.group) == (False, None, "b.png")
    assert third.fingers is None


def test_only_file_and_label_are_needed(tmp_path: Path) -> None:
    found = read_labels(write_labels(tmp_path, "label,file", "bad,x.jpg"))

    assert [(one.file, one.flawed) for one in found] == [("x.jpg", True)]


def test_an_unknown_label_is_named_with_its_line(tmp_path: Path) -> None:
    path = write_labels(tmp_path, "file,label", "a.png,ok", "b.png,fine")

    with pytest.raises(UsageError, match=r":3.*'fine'"):
        read_labels(path)


def test_missing_labels_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_labels(tmp_path / "none.csv")


def test_a_picture_without_a_hand_stays_in_the_figures(tmp_path: Path) -> None:
    slope = np.tile(np.arange(96, dtype=np.uint8)[:, None, None], (1, 96, 3))
    Image.fromarray(slope).save(tmp_path / "a.png")
    path = write_labels(tmp_path, "file,label,set", "a.png,bad,x", "a.png,ok,x")
    out = tmp_path / "out.json"

    code = program.main(["eval", "hands", "--labels", str(path), "--json", str(out)])

    assert code == ExitCode.OK
    found = json.loads(out.read_text("utf-8"))
    assert found["all"]["n_bad"] == found["all"]["n_ok"] == 1
    assert found["cannot_tell_share"] == 1.0
    assert found["by_set"]["x"]["all"]["auc"] == 0.5
    assert [row["score"] for row in found["rows"]] == [0.5, 0.5]


def test_a_missing_picture_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_labels(tmp_path, "file,label", "gone.png,ok")

    code = program.main(["eval", "hands", "--labels", str(path)])

    assert code == ExitCode.USAGE
    assert "gone.png" in capsys.readouterr().err
