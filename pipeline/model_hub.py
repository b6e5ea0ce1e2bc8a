"""The model hub, behind three calls; the only place that talks to it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import EnvironmentProblem

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAFE_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
}
"""Read by the libraries when they are imported; what the user set himself stays."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a model on the hub."""

    name: str
    """Path inside the repository, with `/`."""

    size: int
    """In bytes."""

    sha256: str
    """As the hub states it; "" for small files, which it does not hash that way."""


@dataclass(frozen=True, slots=True)
class HubListing:
    """A model at one commit."""

    commit: str
    files: tuple[HubFile, ...]

    def __post_init__(self) -> None:
        """Refuse a name that can come to mean something else, such as a branch.

        Raises:
            EnvironmentProblem: the hub did not say which commit it is.
        """
        if not _COMMIT.fullmatch(self.commit):
            raise EnvironmentProblem(
                f"the hub names no commit ({self.commit[:60]!r}), and what can change "
                "behind its name is not fetched; try again, or name another hub model"
            )


class Hub(Protocol):
    """Where models are fetched from, and where they lie afterwards."""

    def listing(self, hub_id: str, revision: str, gated: bool) -> HubListing:
        """Return what the hub holds.

        Raises:
            EnvironmentProblem: it cannot be asked, or it does not know the model.
        """
        ...

    def download(self, hub_id: str, commit: str, file: str, gated: bool) -> Path:
        """Fetch one file into the local cache, if it is not there yet.

        Raises:
            EnvironmentProblem: it cannot be fetched.
        """
        ...

    def cached(self, hub_id: str, revision: str, file: str) -> Path | None:
        """Return a file of the local cache without asking anybody, or None."""
        ...


class HuggingFaceHub:
    """huggingface.co through its own client and cache.

    Whatever the client raises is turned into a sentence: its errors come from an HTTP
    library that changes between its releases and is not ours to name.
    """

    def __init__(self, cache: Path | None = None) -> None:
        """Use the given cache folder; None takes the one of HF_HOME."""
        self._cache = cache

    def listing(self, hub_id: str, revision: str, gated: bool) -> HubListing:
        client = _client()
        try:
            found = client.HfApi().model_info(
                hub_id, revision=revision, files_metadata=True, token=gated
            )
        except Exception as error:
            raise _explained(error, hub_id, gated) from error
        return HubListing(
            str(found.sha),
            tuple(
                HubFile(each.rfilename, each.size or 0, _digest(each.lfs))
                for each in found.siblings or ()
            ),
        )

    def download(self, hub_id: str, commit: str, file: str, gated: bool) -> Path:
        client = _client()
        try:
            return Path(
                client.hf_hub_download(
                    hub_id,
                    file,
                    revision=commit,
                    token=gated,
                    cache_dir=self._cache,
                )
            )
        except Exception as error:
            raise _explained(error, hub_id, gated) from error

    def cached(self, hub_id: str, revision: str, file: str) -> Path | None:
        found = _client().try_to_load_from_cache(
            hub_id, file, cache_dir=self._cache, revision=revision
        )
        return Path(found) if isinstance(found, str) else None


def _client() -> Any:
    for name, value in _SAFE_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import huggingface_hub

    return huggingface_hub


def _digest(lfs: Any) -> str:
    return str(lfs.sha256) if lfs is not None else ""


def _explained(error: Exception, hub_id: str, gated: bool) -> EnvironmentProblem:
    kind = type(error).__name__
    if kind == "GatedRepoError" or (gated and kind == "LocalTokenNotFoundError"):
        return EnvironmentProblem(
            f"{hub_id} is only given to accounts that accepted its terms; accept them "
            f"on https://huggingface.co/{hub_id} and log in with `hf auth login`"
        )
    if kind in {"RepositoryNotFoundError", "RevisionNotFoundError"}:
        return EnvironmentProblem(
            f"the hub knows no model {hub_id} at that revision ({kind})"
        )
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return EnvironmentProblem(
            f"{hub_id} cannot be kept in {error.filename}: {error.strerror}; make room "
            "there, or point HF_HOME at another disk"
        )
    reason = (str(error).strip() or kind).splitlines()[0]
    return EnvironmentProblem(
        f"{hub_id} cannot be fetched from huggingface.co ({reason}); connect this "
        "machine, or copy the model's folder here and name it by --model"
    )
