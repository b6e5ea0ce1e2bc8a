"""What differs from a git revision is asked of git, and of no program it names."""

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.git_changes import changed_files
from tests.support.runs import fill

CLEAN = {
    **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run(
        ["git", "-C", folder, *who, *words], check=True, capture_output=True, env=CLEAN
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """main: a.png, b.png, gone.png; the branch changes and adds some."""
    folder = Path(os.path.realpath(tmp_path)) / "repository"
    fill(folder, {"a.png": b"a", "deep/b.png": b"b", "gone.png": b"g"})
    git(folder, "init", "--initial-branch=main", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    git(folder, "checkout", "--quiet", "-b", "branch")
    fill(folder, {"deep/b.png": b"changed", "deep/new name\n.png": b"n"})
    git(folder, "rm", "--quiet", "gone.png")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "second")
    return folder


def below(folder: Path, paths: frozenset[str]) -> set[str]:
    return {os.path.relpath(path, folder) for path in paths}


def test_what_a_branch_changed_and_added_is_told_and_what_it_deleted_is_not(
    repository: Path,
) -> None:
    changed = changed_files([repository], "main")

    assert below(repository, changed) == {"deep/b.png", "deep/new name\n.png"}


def test_what_the_other_branch_did_since_is_not_ours(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    fill(repository, {"a.png": b"theirs"})
    git(repository, "commit", "--quiet", "-a", "-m", "theirs")
    git(repository, "checkout", "--quiet", "branch")

    changed = changed_files([repository], "main")

    assert "a.png" not in below(repository, changed)


def test_what_is_not_committed_yet_counts_and_what_is_ignored_does_not(
    repository: Path,
) -> None:
    fill(repository, {"a.png": b"edited", "x.png": b"x", "tmp/y.png": b"y"})
    fill(repository, {".gitignore": b"tmp/\n"})

    changed = below(repository, changed_files([repository / "deep"], "HEAD"))

    assert {"a.png", "x.png"} <= changed
    assert "tmp/y.png" not in changed


def test_without_a_common_history_it_compares_with_the_revision_itself(
    repository: Path,
) -> None:
    git(repository, "checkout", "--quiet", "--orphan", "other")
    git(repository, "commit", "--quiet", "-m", "orphan")

    changed = below(repository, changed_files([repository], "main"))

    assert "deep/b.png" in changed
    assert "a.png" not in changed


@pytest.mark.parametrize("name", ["nonsense", "--output=x", "main:a.png"])
def test_what_is_no_revision_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(UsageError, match="neither a date nor a revision"):
        changed_files([repository], name)

    assert not (repository / "x").exists()


def test_a_folder_outside_of_any_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(UsageError, match="in no git repository"):
        changed_files([tmp_path], "main")


def test_programs_that_a_repository_names_are_not_run(repository: Path) -> None:
    spy = repository.parent / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {repository.parent}/ran\n")
    spy.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "diff.x.textconv"):
        git(repository, "config", name, str(spy))
    fill(repository, {".gitattributes": b"*.png diff=x\n", "a.png": b"edited"})

    changed_files([repository], "main")

    assert not (repository.parent / "ran").exists()
