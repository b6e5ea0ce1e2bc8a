"""Arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders (searched whole) or single pictures.",
        metavar="SRC",
        show_default=False,
    ),
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Only the files in this list, one a line or ended by NUL; - reads the "
        "standard input.",
    ),
]
ChangedSince = Annotated[
    str | None,
    typer.Option(
        metavar="REF|DATE",
        help="Only files that differ from a git revision, or that were written since "
        "a date (2026-11-20) or a time ago (12h).",
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Only these, by globs as in .gitignore; may be repeated.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="All but these; may be repeated."),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="i/n",
        help="Only the i-th of n equal parts, for several machines; see: nightmend "
        "merge.",
    ),
]
Folder = Annotated[
    Path,
    typer.Argument(
        help="The output folder of a repair, or the --state folder of a check.",
        metavar="DST",
    ),
]
OrderOfWork = Annotated[
    Literal["folder", "worst-first"],
    typer.Option(
        "--order",
        help="folder: by name. worst-first: look at all first, once, and begin with "
        "the worst.",
    ),
]
Grace = Annotated[
    float, typer.Option(min=0, help="Seconds a signal lets a picture go on.")
]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="End after this time, such as 8h or 1h30m; the running picture is "
        "finished.",
    ),
]
StopAt = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="End when the clock next shows this time."),
]
MinFree = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE", help="Stop before the disk has less room than this, as 5GB."
    ),
]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME",
        help="serial, processes (a crash costs one picture) or ray (a cluster).",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, metavar="N", help="Work in N processes, or Ray actors."
    ),
]
RetryQuarantined = Annotated[
    bool,
    typer.Option(
        "--retry-quarantined",
        help="Try again what was given up because workers died over it.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings file; else the closest nightmend.toml or [tool.nightmend].",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="A.B=C", help="Override one setting; may be repeated."
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(help="diffusion, transformer or classical.", show_default=False),
]
Strength = Annotated[
    float | None,
    typer.Option(
        metavar="0..1", help="Denoising strength, but for kinds in plan.by_kind."
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(metavar="N", help="Steps of the scheduler at denoising strength 1."),
]
GuidanceScale = Annotated[
    float | None,
    typer.Option(
        "--guidance-scale",
        "--cfg-scale",
        metavar="X",
        help="How strongly the prompt steers; else what the model's family wants.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        "--sampler",
        metavar="NAME",
        help="dpmpp-2m-karras, ddim, euler, euler-a, unipc or lcm.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(help="A preset, hub id, folder or .safetensors file."),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, mps, cuda or cuda:N.")]
Detect = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Detectors to use, joined by commas; see: nightmend detectors.",
    ),
]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--output-format",
        metavar="FMT[=FILE]",
        help="text, jsonl, junit, sarif, github, gitlab, csv or html, to standard "
        "output or to a file; may be repeated.",
    ),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Finding no picture is not an error.")
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, help="A line a picture; twice shows everything."
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="Add everything to this file, as JSON lines."),
]


def painting(
    strength: float | None,
    steps: int | None,
    guidance_scale: float | None,
    scheduler: str | None,
) -> dict[str, object]:
    """Return the settings that say how a region is painted."""
    return {
        "plan.strength": strength,
        "inpaint.steps": steps,
        "inpaint.guidance_scale": guidance_scale,
        "inpaint.scheduler": scheduler,
    }


def working(executor: str | None, workers: int | None) -> dict[str, object]:
    """Return the settings that say who works; workers are processes, unless told."""
    if executor is None and workers is not None:
        executor = "processes"
    return {"workers.executor": executor, "workers.count": workers}


def names(text: str | None) -> tuple[str, ...] | None:
    """Split "hands,faces"; None stays None."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())
