"""Ask git which files differ from a revision."""

import logging
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import EnvironmentProblem, UsageError
from pipeline.names import shown

log = logging.getLogger(__name__)

PATIENCE_S = 300.0
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""A repository's own configuration may name programs; none of them is run."""

_DIFF = (
    *("diff", "--name-only", "-z", "--no-renames", "--diff-filter=d"),
    *("--no-ext-diff", "--no-textconv", "--ignore-submodules"),
)


def changed_files(folders: Sequence[Path], revision: str) -> frozenset[str]:
    """Return the files that are not as they were where this branch left a revision.

    Those are files that commits since then, or the work tree, added or changed, and
    files that git does not know yet, except ignored ones. A renamed file counts as new.

    Args:
        folders: Real paths; each must lie in a repository.
        revision: A branch, tag or commit.

    Returns:
        Absolute paths.

    Raises:
        UsageError: a folder lies in no repository, or the revision is not known.
        EnvironmentProblem: git is not installed, or fails.
    """
    tops = {_top(folder) for folder in folders}
    return frozenset(path for top in tops for path in _changed(top, revision))


def _top(folder: Path) -> Path:
    answer = _git(folder, "rev-parse", "--show-toplevel")
    if answer.returncode:
        raise UsageError(
            f"--changed-since: {shown(folder)} lies in no git repository that can be "
            f"read ({_said(answer)}); give a date such as 2026-11-20 instead"
        )
    return Path(os.path.realpath(os.fsdecode(answer.stdout.rstrip(b"\n"))))


def _changed(top: Path, revision: str) -> list[str]:
    verify = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    if _git(top, *verify, f"{revision}^{{commit}}").returncode:
        raise UsageError(
            f"--changed-since {shown(revision)}: neither a date nor a revision of the "
            f"repository {shown(top)}; in CI, fetch the whole history (fetch-depth: 0)"
        )
    answer = _git(top, *_DIFF, "--merge-base", revision, "--")
    if answer.returncode:
        log.warning(
            "%s and this branch have no common history here; comparing with it as it "
            "is",
            revision,
        )
        answer = _must(_git(top, *_DIFF, revision, "--"))
    new = _must(_git(top, "ls-files", "-z", "--others", "--exclude-standard"))
    names = (answer.stdout + new.stdout).split(b"\0")
    return [str(top / os.fsdecode(name)) for name in names if name]


def _must(
    answer: "subprocess.CompletedProcess[bytes]",
) -> "subprocess.CompletedProcess[bytes]":
    if answer.returncode:
        raise EnvironmentProblem(f"--changed-since: git failed: {_said(answer)}")
    return answer


def _git(folder: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *_QUIET, *words],  # noqa: S607  the user's git
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except FileNotFoundError as error:
        raise EnvironmentProblem(
            "--changed-since REF needs git, which is not installed; give a date instead"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(
            f"--changed-since: git did not answer within {PATIENCE_S:g} s"
        ) from error


def _said(answer: "subprocess.CompletedProcess[bytes]") -> str:
    text = answer.stderr.decode(errors="replace").strip()
    return shown(text.splitlines()[0]) if text else f"code {answer.returncode}"
