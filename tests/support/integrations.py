"""What the tests of the integrations share: a repository of pictures, a runner."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml

from tests.support.pictures import draw_scene, encoded
from tests.support.runs import fill

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
"""Where the commands of this environment are, nightmend's own among them."""

QUICK = b"[detect]\ndetectors = ['quality']\n"
"""Settings with one detector that needs no weights."""


def pictures(folder: Path) -> Path:
    """Make a repository with a fine picture and a black one, and settings for it."""
    black = encoded(np.zeros((64, 64, 3), dtype=np.uint8), "PNG")
    fill(
        folder,
        {
            "art/fine.png": encoded(draw_scene(160, 128), "PNG"),
            "art/new ones/black.png": black,
            "nightmend.toml": QUICK,
        },
    )
    git(folder, "init", "--quiet")
    return folder


def git(folder: Path, *words: str) -> str:
    """Run git with a name of its own, so that it needs no settings of the user."""
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def surroundings(**more: str) -> dict[str, str]:
    """Return an environment with our commands first, and nothing of a build server."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "RUNNER_", "CI_", "INPUT_", "PRE_COMMIT"))
    }
    return {**kept, "PATH": f"{TOOLS}{os.pathsep}{kept['PATH']}", **more}


def bash(
    script: str, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a step as a GitHub runner does: bash --noprofile --norc -eo pipefail FILE."""
    file = folder.parent / "step.sh"
    file.write_text(script)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(file)],
        cwd=folder,
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
    )


def lint(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the linters of this environment in the project's root."""
    return subprocess.run(
        [TOOLS / name, *words], cwd=ROOT, check=False, capture_output=True, text=True
    )


def stub(folder: Path, name: str, body: str) -> Path:
    """Write a command that stands for another."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/usr/bin/env bash\n{body}\n")
    file.chmod(0o755)
    return file


def loaded_yaml(path: str) -> object:
    """Return a YAML file of the project."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))
