"""The hooks, as pre-commit reads and runs them."""

import subprocess
from pathlib import Path

import pytest
from pre_commit.clientlib import InvalidManifestError, load_manifest

from tests.support.integrations import ROOT, TOOLS, git, pictures, surroundings

MANIFEST = ROOT / ".pre-commit-hooks.yaml"
CONFIG = """
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: nightmend-check-system
        args: [--no-cache]
"""


def test_pre_commit_takes_the_manifest() -> None:
    hooks = load_manifest(str(MANIFEST))

    assert [hook["id"] for hook in hooks] == [
        "nightmend-check",
        "nightmend-check-system",
    ]
    for hook in hooks:
        assert hook["entry"] == "nightmend check"
        assert hook["types_or"] == ["png", "jpeg", "webp"]
        assert hook["require_serial"] is True
        assert hook["pass_filenames"] is True


@pytest.mark.parametrize(
    ("good", "bad"),
    [("language: python", "language: snake"), ("[png, jpeg", "[pgn, jpeg")],
)
def test_pre_commit_refuses_a_broken_manifest(
    tmp_path: Path, good: str, bad: str
) -> None:
    broken = tmp_path / ".pre-commit-hooks.yaml"
    broken.write_text(MANIFEST.read_text("utf-8").replace(good, bad))

    with pytest.raises(InvalidManifestError):
        load_manifest(str(broken))


def test_the_hook_stops_a_commit_with_a_black_picture(tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / MANIFEST.name).write_bytes(MANIFEST.read_bytes())
    git(hooks, "init", "--quiet")
    git(hooks, "add", ".")
    git(hooks, "commit", "--quiet", "-m", "hooks")
    place = pictures(tmp_path / "place")
    config = CONFIG.format(
        repository=hooks.as_uri(), revision=git(hooks, "rev-parse", "HEAD")
    )
    (place / ".pre-commit-config.yaml").write_text(config)
    git(place, "add", ".")

    stopped = run_hook(place, tmp_path)
    git(place, "rm", "--quiet", "-f", "art/new ones/black.png")
    passed = run_hook(place, tmp_path)

    assert stopped.returncode == 1, stopped.stdout + stopped.stderr
    assert "art/new ones/black.png: error NM201 image/black" in stopped.stdout
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "Passed" in passed.stdout


def run_hook(place: Path, home: Path) -> subprocess.CompletedProcess[str]:
    # Git refuses to clone from a path unless it is told that this is fine.
    allow = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    return subprocess.run(
        [TOOLS / "pre-commit", "run", "--color=never"],
        cwd=place,
        env=surroundings(PRE_COMMIT_HOME=str(home / "store"), **allow),
        check=False,
        capture_output=True,
        text=True,
    )
