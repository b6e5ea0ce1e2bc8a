"""Settings are merged in one order, and mistakes are explained."""

from pathlib import Path

import pytest

from pipeline.errors import ExitCode, SettingsError
from pipeline.settings import Settings
from pipeline.settings_file import find_file, load_settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nothing_given_means_the_defaults() -> None:
    loaded = load_settings(None)

    assert loaded.settings == Settings()
    assert loaded.origins == {}


def test_options_win_over_set_over_file_over_defaults(tmp_path: Path) -> None:
    file = write(
        tmp_path / "x.toml",
        "[mask]\ngrow_px = 1\nmerge_px = 1\nmin_area_px = 1\n",
    )

    loaded = load_settings(
        file,
        overrides=["mask.merge_px=2", "mask.min_area_px=2"],
        options={"mask.min_area_px": 3, "mask.use_people": None},
    )

    mask = loaded.settings.mask
    assert (mask.grow_px, mask.merge_px, mask.min_area_px) == (1, 2, 3)
    assert mask.use_people is True
    assert loaded.origins == {
        "mask.grow_px": f"file {file}",
        "mask.merge_px": "--set",
        "mask.min_area_px": "option",
    }


@pytest.mark.parametrize(
    ("text", "section", "name", "value"),
    [
        ("mask.grow_px=20", "mask", "grow_px", 20),
        ("mask.use_people=false", "mask", "use_people", False),
        ("inpaint.engine=classical", "inpaint", "engine", "classical"),
        ('inpaint.engine="classical"', "inpaint", "engine", "classical"),
        ("plan.strength = 0.5", "plan", "strength", 0.5),
        ('detect.detectors=["faces"]', "detect", "detectors", ("faces",)),
        ("prompt.prompt=a=b", "prompt", "prompt", "a=b"),
    ],
)
def test_set_reads_toml_values_and_bare_words(
    text: str, section: str, name: str, value: object
) -> None:
    settings = load_settings(None, overrides=[text]).settings

    assert getattr(getattr(settings, section), name) == value


def test_set_reaches_into_a_table_of_words() -> None:
    settings = load_settings(None, overrides=["prompt.before.hand=a paw"]).settings

    assert settings.prompt.before["hand"] == "a paw"


def test_set_reaches_into_the_settings_of_one_kind() -> None:
    settings = load_settings(None, overrides=["plan.by_kind.face.strength=0.4"])

    assert settings.settings.plan.by_kind["face"].strength == 0.4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plan.by_kind.face.strength=4", "(--set) = 4: input should be less than"),
        (
            "plan.by_kind.face.strenght=0.4",
            "(--set): there is no such setting; did you mean plan.by_kind.face.stren",
        ),
        ("plan.by_kind.face=0.4", "(--set) = 0.4: it must be a table of settings"),
    ],
)
def test_a_mistake_in_the_settings_of_one_kind_is_one_sentence(
    text: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=r"plan\.by_kind\.face") as caught:
        load_settings(None, overrides=[text])

    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["mask.grow_px", "grow_px=3", "=3"])
def test_a_malformed_set_shows_how_to_write_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"section\.key=value") as caught:
        load_settings(None, overrides=[text])

    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("mask.grow=3", "mask.grow_px"),
        ("plan.strenght=0.5", "plan.strength"),
        ("maks.grow_px=3", "mask"),
        ("inpaint.variations=3", "plan.variations"),
    ],
)
def test_an_unknown_key_names_its_nearest_neighbour(wrong: str, right: str) -> None:
    with pytest.raises(SettingsError, match=rf"did you mean {right}"):
        load_settings(None, overrides=[wrong])


def test_a_wrong_value_names_key_value_range_and_origin(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", "[plan]\nstrength = 7\n")

    with pytest.raises(SettingsError) as caught:
        load_settings(file)

    text = str(caught.value)
    assert "plan.strength" in text
    assert "7" in text
    assert "less than or equal to 1" in text
    assert str(file) in text


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"mask\.grow_px.*plan\.mode"):
        load_settings(None, overrides=["mask.grow_px=-1", "plan.mode=sideways"])


def test_a_value_where_a_section_belongs_is_one_sentence(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", "mask = 3\n")

    with pytest.raises(SettingsError, match="mask"):
        load_settings(file, overrides=["mask.grow_px=3"])
    with pytest.raises(SettingsError, match="mask"):
        load_settings(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"[mask\n", "not valid TOML"), (b"\xff\xfe", "not valid TOML")],
)
def test_a_broken_file_is_one_sentence_with_its_name(
    tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)

    with pytest.raises(SettingsError, match=says) as caught:
        load_settings(file)

    assert "broken.toml" in str(caught.value)


def test_a_missing_or_oversize_file_is_one_sentence(tmp_path: Path) -> None:
    big = write(tmp_path / "big.toml", "#" * 1_000_001)

    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="larger than"):
        load_settings(big)


def test_the_closest_file_wins_and_the_search_ends_at_the_repository(
    tmp_path: Path,
) -> None:
    outside = write(tmp_path / "nightmend.toml", "")
    root = tmp_path / "repository"
    inner = root / "pictures" / "today"
    inner.mkdir(parents=True)

    assert find_file(inner) == outside
    (root / ".git").mkdir()
    assert find_file(inner) is None
    table = write(root / "pyproject.toml", "[tool.other]\n")
    assert find_file(inner) is None
    table.write_text("[tool.nightmend.mask]\ngrow_px = 5\n")
    assert find_file(inner) == table
    assert load_settings(None, start=inner).settings.mask.grow_px == 5
    near = write(root / "pictures" / ".nightmend.toml", "[mask]\nmerge_px = 7\n")
    loaded = load_settings(None, start=inner)
    assert (loaded.file, loaded.settings.mask.grow_px) == (near, 8)


def test_weights_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "x.toml", '[segments]\nweights = "w/hand.pt"\n')

    weights = load_settings(file).settings.segments.weights

    assert weights == tmp_path / "w" / "hand.pt"
