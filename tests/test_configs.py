"""Every file in configs/ loads, and the generated ones are fresh."""

import tomllib
from pathlib import Path

import pytest

from pipeline import settings_docs
from pipeline.settings import Settings
from pipeline.settings_file import load_settings

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
FILES = sorted(CONFIGS.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_settings_file_loads(file: Path) -> None:
    assert load_settings(file).file == file


def test_the_default_file_holds_the_defaults_and_all_of_them() -> None:
    file = CONFIGS / "default.toml"
    written = tomllib.loads(file.read_text())

    assert load_settings(file).settings == Settings()
    for entry in settings_docs.entries():
        if entry.default is None:
            assert f"# {entry.name} = (not set)" in file.read_text()
        else:
            assert written[entry.section][entry.name] == entry.default


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("default.toml", settings_docs.default_toml()),
        ("README.md", settings_docs.readme()),
    ],
)
def test_generated_files_are_fresh(name: str, text: str) -> None:
    assert (CONFIGS / name).read_text() == text, (
        "stale; run: python -m pipeline.settings_docs"
    )


def test_every_setting_says_what_it_does_and_what_it_takes() -> None:
    silent = [
        f"{entry.section}.{entry.name}"
        for entry in settings_docs.entries()
        if not entry.sentence or not entry.allowed
    ]

    assert silent == []


def test_every_file_has_its_purpose_in_the_table() -> None:
    assert set(settings_docs.PURPOSES) == {file.name for file in FILES}


@pytest.mark.parametrize(
    "file", [f for f in FILES if f.name != "default.toml"], ids=lambda file: file.name
)
def test_a_settings_file_holds_differences_only(file: Path) -> None:
    plain = Settings().model_dump(mode="json")
    written = tomllib.loads(file.read_text())

    same = [
        f"{section}.{name}"
        for section, values in written.items()
        for name, value in values.items()
        if plain[section][name] == value
    ]

    assert same == []
