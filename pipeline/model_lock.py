"""Which commit of a hub model is used, and the digest of each of its files.

The lock file lies in the user's data folder and is written by `nightmend models fetch`
alone; a run only reads it.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import EnvironmentProblem
from pipeline.files import make_folder, write_whole


class PinnedFile(BaseModel):
    """One file as it was first fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Pin(BaseModel):
    """One hub model at one commit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    files: dict[str, PinnedFile]


class _Lock(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    models: dict[str, Pin] = {}


@dataclass(frozen=True, slots=True)
class ModelLock:
    """The lock file at a path."""

    path: Path

    def read(self) -> Mapping[str, Pin]:
        """Return the pins by hub id; none when there is no lock file yet.

        Raises:
            EnvironmentProblem: the file is damaged.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            return _Lock.model_validate(json.loads(text)).models
        except (ValueError, ValidationError) as error:
            raise EnvironmentProblem(
                f"the model lock {self.path} is damaged; remove it and fetch the "
                "models again with `nightmend models fetch NAME`"
            ) from error

    def record(self, hub_id: str, pin: Pin) -> None:
        """Keep a pin; files of the same commit are added to those known already."""
        models = dict(self.read())
        known = models.get(hub_id)
        if known is not None and known.commit == pin.commit:
            pin = Pin(commit=pin.commit, files=known.files | pin.files)
        models[hub_id] = pin
        make_folder(self.path.parent)
        text = _Lock(models=dict(sorted(models.items()))).model_dump_json(indent=2)
        write_whole(self.path, text.encode() + b"\n")


def user_lock(environment: Mapping[str, str] = os.environ) -> ModelLock:
    """Return the lock file of this user."""
    return ModelLock(data_folder(environment) / "models.lock.json")


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return where this user's data of this program lies."""
    if environment.get("NIGHTMEND_HOME"):
        return Path(environment["NIGHTMEND_HOME"]).expanduser()
    if sys.platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "nightmend"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "nightmend"
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "nightmend"
