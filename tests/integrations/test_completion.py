"""Completion in the shells, with a start that stays light."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.integrations import TOOLS, surroundings

HEAVY = {"torch", "cv2", "PIL", "numpy", "mediapipe", "sqlite3"}
"""Typer itself loads pydantic to complete a word."""


def ask(shell: str, words: str) -> str:
    """Return what the program answers to the completion script of a shell."""
    around = surroundings(
        _NIGHTMEND_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_ARGS=words,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
    )
    done = subprocess.run(
        [TOOLS / "nightmend"], env=around, check=False, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_command_and_an_option_of_a_command_are_completed(shell: str) -> None:
    assert "check" in ask(shell, "nightmend ch")
    assert "--output-format" in ask(shell, "nightmend check --outp")
    assert "check" not in ask(shell, "nightmend rep")


def test_bash_completes_with_the_script_that_is_shown(tmp_path: Path) -> None:
    around = surroundings(_NIGHTMEND_COMPLETE="source_bash")
    script = subprocess.run(
        [TOOLS / "nightmend"], env=around, check=False, capture_output=True, text=True
    ).stdout
    (tmp_path / "completion.sh").write_text(script)
    lines = (
        "source ./completion.sh",
        "COMP_WORDS=(nightmend ver) COMP_CWORD=1",
        "_nightmend_completion nightmend ver nightmend",
        'echo "${COMPREPLY[@]}"',
    )

    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=surroundings(),
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "verify", done.stderr


def test_it_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{TOOLS}/nightmend' --install-completion; exit $?"],
        env=surroundings(HOME=str(tmp_path), SHELL="/bin/bash"),
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "_NIGHTMEND_COMPLETE" in "".join(
        path.read_text() for path in tmp_path.rglob("*.sh")
    )


def test_completing_a_command_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from pipeline.cli.main import main\n"
        "try:\n main()\nexcept SystemExit:\n pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    around = surroundings(
        _NIGHTMEND_COMPLETE="complete_bash", COMP_WORDS="nightmend ch", COMP_CWORD="1"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=around,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "check", done.stderr
    assert not {name.split(".")[0] for name in done.stderr.split()} & HEAVY
