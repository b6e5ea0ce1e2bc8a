"""The image, as far as it can be seen without building it."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import PurePosixPath

from tests.support.integrations import ROOT, lint

TEXT = (ROOT / "Dockerfile").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
COPIED = [
    source
    for line in re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE)
    for source in line.split()[:-1]
]
"""Everything that comes from the checkout."""


def sent(path: str) -> bool:
    """Tell whether .dockerignore lets a path reach the build; the last word counts."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip().lstrip("!")
        parents = [path, *(str(p) for p in PurePosixPath(path).parents if p.name)]
        if pattern and not pattern.startswith("#"):
            loose = pattern.removeprefix("**/")
            if any(fnmatch(p, pattern) or fnmatch(p, f"*/{loose}") for p in parents):
                kept = line.strip().startswith("!")
    return kept


def test_the_linter_finds_nothing() -> None:
    shown = lint("hadolint", "Dockerfile")

    assert shown.returncode == 0, shown.stdout


def test_the_linter_sees_a_mistake() -> None:
    shown = lint("hadolint", "--help")
    assert "Dockerfile" in shown.stdout


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    assert COPIED
    for source in COPIED:
        assert (ROOT / source).exists(), source
        assert sent(source), f"{source} is held back by .dockerignore"


def test_what_is_private_or_large_stays_outside() -> None:
    for path in (".git/config", ".venv/bin/python", "data/samples/a.png", "secret.env"):
        assert not sent(path), path
    assert not sent("pipeline/cli/__pycache__/main.pyc")


def test_the_build_has_all_that_the_wheel_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"]}
    needed |= {PROJECT["project"]["readme"], "pyproject.toml", "uv.lock", "LICENSE"}

    assert needed <= set(COPIED)


def test_the_image_starts_the_command_of_this_project() -> None:
    (entry,) = re.findall(r"^ENTRYPOINT (.+)$", TEXT, re.MULTILINE)

    assert json.loads(entry) == list(PROJECT["project"]["scripts"])


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)$", TEXT, re.MULTILINE)[-1] not in {"root", "0"}
