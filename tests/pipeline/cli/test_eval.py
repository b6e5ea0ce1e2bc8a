"""nightmend eval hands: labels in, figures out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.cli import main as program
from pipeline.cli.eval import fingers_of, read_labels
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


@pytest.mark.parametrize(
    ("text", "fingers"),
    [
        ("6", 6),
        ("6.0", 6),
        ("6+", 6),
        ("6-7", 6),
        ("3 - 4", 3),
        ("5", 5),
        ("5-6", None),
        ("4-6", None),
        ("5+", None),
        ("?", None),
        ("", None),
        ("²", None),
    ],
)
def test_fingers_are_read_as_people_and_tables_write_them(
    text: str, fingers: int | None
) -> None:
    assert fingers_of(text) == fingers


def test_titles_and_labels_are_read_in_any_case_and_empty_rows_left_out(
    tmp_path: Path,
) -> None:
    path = write_labels(tmp_path, "File, Label", "a.png,OK", ",", "b.png, Bad")

    assert [(one.file, one.flawed) for one in read_labels(path)] == [
        ("a.png", False),
        ("b.png", True),
    ]


def test_labels_in_another_encoding_are_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("file,label\nh\u00e4nd.png,ok\n".encode("latin-1"))

    with pytest.raises(UsageError, match="UTF-8"):
        read_labels(path)


def test_what_cannot_be_read_is_named_and_the_rest_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A deep, a grey and a turned picture are looked at; a text and a gap are not."""
    slope = np.tile(np.arange(96, dtype=np.uint8)[:, None], (1, 64))
    Image.fromarray(slope.astype(np.uint16) * 256).save(tmp_path / "deep.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(slope).save(tmp_path / "grey.bmp")
    Image.fromarray(slope).save(tmp_path / "turned.jpg", exif=turned)
    (tmp_path / "text.png").write_text("no picture")
    rows = [
        "deep.png,bad",
        "grey.bmp,ok",
        "text.png,ok",
        "turned.jpg,ok",
        "gone.png,ok",
    ]
    path = write_labels(tmp_path, "file,label", *rows)
    out = tmp_path / "out.json"

    code = program.main(["eval", "hands", "--labels", str(path), "--json", str(out)])

    found = json.loads(out.read_text("utf-8"))
    assert code == ExitCode.SOME_FAILED
    assert (found["all"]["n_bad"], found["all"]["n_ok"]) == (1, 2)
    assert [text.split(":")[0] for text in found["failed"]] == ["text.png", "gone.png"]
    assert "gone.png" in capsys.readouterr().err
