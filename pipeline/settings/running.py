"""Settings of the whole run."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.basics import Section


class RunSettings(Section):
    """What concerns the whole run."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Every seed of the run is derived from this and the picture's content."""

    fail_on: Literal["note", "warning", "error"] = "warning"
    """`check` exits 1 when something at least this severe was found."""

    settle_s: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """Files younger than this are left for the next run; in seconds."""

    min_free_mib: Annotated[int, Field(ge=0)] = 200
    """The run stops when the output's disk has less room than this."""
