"""Settings of who works on the pictures."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings.basics import Section

Deadline = Annotated[float, Field(gt=0, le=604_800)]
"""Seconds, up to a week."""


class WorkersSettings(Section):
    """Who works on the pictures, and when a worker is given up."""

    executor: Literal["serial", "processes", "ray"] = "serial"
    """This process alone, worker processes that may die, or actors of a Ray cluster."""

    count: Annotated[int, Field(ge=1, le=1024)] = 1
    """Workers of `processes` and `ray`; each loads the models for itself."""

    spare: bool = True
    """Of `processes`: one process more is started with the workers and imports what a
    worker needs, so that a dead one is replaced in the time that its models load. It
    holds about half a gigabyte of memory, but no model and no device."""

    devices: tuple[str, ...] = ()
    """Devices that worker processes take in turn, such as cuda:0; else as elsewhere."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    """A picture that cost this many workers their life is quarantined."""

    max_pictures: Annotated[int, Field(ge=0)] = 500
    """A worker is replaced after this many pictures; 0 means never."""

    max_growth_mib: Annotated[int, Field(ge=0)] = 4096
    """A worker is replaced when its memory has grown by this; 0 means never."""

    give_up_after: Annotated[int, Field(ge=1)] = 10
    """The run stops when this many pictures in a row cost a worker its life."""

    start_s: Deadline = 900.0
    """The longest that a worker may take to load its models, in seconds."""

    load_s: Deadline = 120.0
    """The longest that reading one picture may take, in seconds."""

    detect_s: Deadline = 600.0
    """The longest that the detectors may look at one picture, in seconds."""

    mask_s: Deadline = 120.0
    """The longest that planning one pass may take, in seconds."""

    paint_s: Deadline = 3600.0
    """The longest that the engine may take for one variation, in seconds."""

    score_s: Deadline = 600.0
    """The longest that judging one variation may take, in seconds."""

    save_s: Deadline = 600.0
    """The longest that writing one picture may take, in seconds."""

    picture_s: Deadline = 43_200.0
    """The longest that a worker may be busy with one picture, in seconds."""

    ray_address: str = ""
    """The Ray cluster to join; "" starts one on this machine, "auto" finds one."""

    ray_gpus: Annotated[float, Field(ge=0, le=64)] = 0.0
    """GPUs that each Ray worker reserves; a part such as 0.5 shares one."""
