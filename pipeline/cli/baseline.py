"""Keep a list of the problems that are known, so that only new ones fail a check.

Each entry names a rule, a file by its content, and a place in the picture; it holds
wherever the file is moved. Give every command the sources and the settings of the check
that the file is used with.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipeline import logs
from pipeline.cli import gate_options, gating, options
from pipeline.errors import ExitCode, LimitReached, UsageError
from pipeline.gate import baseline_file
from pipeline.gate.baseline import Baseline, Entry
from pipeline.gate.problems import Checked
from pipeline.gate.rules import rule_for
from pipeline.gate.selection import Selection as Rules
from pipeline.names import shown
from pipeline.settings import Settings
from pipeline.settings_file import load_settings

Reason = Annotated[
    str, typer.Option(help="Why the new entries are excused; stands in every report.")
]
Expires = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="The last day of the new entries: 2027-03-31."),
]
Sources = Annotated[
    list[Path],
    typer.Argument(help="The same folders or pictures as in the check.", metavar="SRC"),
]
LISTED = 20
"""Entries that are listed one by one."""


def create(  # noqa: PLR0913  one argument per option
    sources: Sources,
    *,
    baseline: gate_options.BaselinePlace = gate_options.BASELINE_PLACE,
    reason: Reason = "",
    expires: Expires = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
    fail_on: gate_options.FailOn = None,
    select: gate_options.Select = None,
    ignore: gate_options.Ignore = None,
    decisions: gate_options.Decisions = None,
    detect: options.Detect = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    cache: gate_options.CacheFolder = None,
    no_cache: gate_options.NoCache = False,
    verbose: options.Verbose = 0,
) -> ExitCode:
    """Check the pictures, and write down all that fails, so that the check passes."""
    logs.set_up(verbose, None)
    last_day = _day(expires)
    if baseline.exists() and not force:
        raise UsageError(
            f"{shown(baseline)} is there already; use: nightmend baseline update, or "
            "--force to begin again"
        )
    settings = _settings(config, overrides, detect, fail_on, (select, ignore))
    memory = gating.cache_folder(cache, no_cache)
    request = gating.Request(settings, tuple(sources), cache=memory)
    fresh = Baseline((), gating.today())
    return _take_in(request, baseline, fresh, decisions, (reason, last_day))


def update(  # noqa: PLR0913  one argument per option
    sources: Sources,
    *,
    baseline: gate_options.BaselinePlace = gate_options.BASELINE_PLACE,
    reason: Reason = "",
    expires: Expires = None,
    fail_on: gate_options.FailOn = None,
    select: gate_options.Select = None,
    ignore: gate_options.Ignore = None,
    decisions: gate_options.Decisions = None,
    detect: options.Detect = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    cache: gate_options.CacheFolder = None,
    no_cache: gate_options.NoCache = False,
    verbose: options.Verbose = 0,
) -> ExitCode:
    """Add what fails now; entries that still match keep their reason and expiry.

    With --decisions, only what a review called no flaw is added.
    """
    logs.set_up(verbose, None)
    last_day = _day(expires)
    known = baseline_file.read(baseline, gating.today())
    settings = _settings(config, overrides, detect, fail_on, (select, ignore))
    memory = gating.cache_folder(cache, no_cache)
    request = gating.Request(settings, tuple(sources), cache=memory)
    return _take_in(request, baseline, known, decisions, (reason, last_day))


def audit(  # noqa: PLR0913  one argument per option
    sources: options.Sources = None,
    *,
    baseline: gate_options.BaselinePlace = gate_options.BASELINE_PLACE,
    select: gate_options.Select = None,
    ignore: gate_options.Ignore = None,
    detect: options.Detect = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    cache: gate_options.CacheFolder = None,
    no_cache: gate_options.NoCache = False,
    verbose: options.Verbose = 0,
) -> ExitCode:
    """List entries that have expired, have no reason, or match nothing any more.

    Without sources, no picture is opened, and what still matches is not told. Exits 1
    when an entry has expired or matches nothing.
    """
    logs.set_up(verbose, None)
    known = baseline_file.read(baseline, gating.today())
    dead: tuple[Entry, ...] = ()
    if sources:
        settings = _settings(config, overrides, detect, None, (select, ignore))
        memory = gating.cache_folder(cache, no_cache)
        request = gating.Request(settings, tuple(sources), cache=memory)
        dead = _dead(known, request)
    expired = known.expired()
    print(f"{len(known.entries)} entries in {shown(baseline)}")
    _list("expired", expired)
    _list("without a reason", [one for one in known.entries if not one.reason])
    if sources:
        _list("match nothing any more", dead)
    return ExitCode.FLAWS if expired or dead else ExitCode.OK


def prune(  # noqa: PLR0913  one argument per option
    sources: Sources,
    *,
    baseline: gate_options.BaselinePlace = gate_options.BASELINE_PLACE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    select: gate_options.Select = None,
    ignore: gate_options.Ignore = None,
    detect: options.Detect = None,
    config: options.ConfigFile = None,
    overrides: options.Overrides = None,
    cache: gate_options.CacheFolder = None,
    no_cache: gate_options.NoCache = False,
    verbose: options.Verbose = 0,
) -> ExitCode:
    """Remove the entries that have expired, or that match nothing any more.

    Entries of rules that this check does not look for are kept.
    """
    logs.set_up(verbose, None)
    known = baseline_file.read(baseline, gating.today())
    settings = _settings(config, overrides, detect, None, (select, ignore))
    memory = gating.cache_folder(cache, no_cache)
    request = gating.Request(settings, tuple(sources), cache=memory)
    gone = dict.fromkeys((*known.expired(), *_dead(known, request)))
    _list("would be removed" if dry_run else "removed", list(gone))
    if not dry_run:
        baseline_file.write(baseline, known.without(gone))
    return ExitCode.OK


SUBCOMMANDS = {"create": create, "update": update, "audit": audit, "prune": prune}


def _settings(
    config: Path | None,
    overrides: Sequence[str] | None,
    detect: str | None,
    fail_on: str | None,
    rules: tuple[str | None, str | None],
) -> Settings:
    select, ignore = rules
    loaded = load_settings(
        config,
        overrides=overrides or (),
        options={
            "detect.detectors": options.names(detect),
            "run.fail_on": fail_on,
            "gate.select": options.names(select),
            "gate.ignore": options.names(ignore),
        },
        start=Path.cwd(),
    )
    return loaded.settings


def _take_in(
    request: gating.Request,
    file: Path,
    known: Baseline,
    reviewed: Path | None,
    words: tuple[str, date | None],
) -> ExitCode:
    """Check, and add what fails, or what a review excuses, to a baseline."""
    decided = gating.read_decisions(reviewed)
    found = _looked(request)
    reason, last_day = words
    grown = known
    if decided is None:
        grown = grown.with_problems(found.failing, reason, last_day)
    else:
        for problem in found.problems:
            if why := decided.reason_for(problem):
                grown = grown.with_problems([problem], reason or why, last_day)
    added = len(set(grown.entries) - set(known.entries))
    baseline_file.write(file, grown)
    print(f"{shown(file)}: {len(grown.entries)} entries, {added} of them new or moved")
    return ExitCode.OK


def _looked(request: gating.Request) -> Checked:
    """Check everything that was asked for.

    Raises:
        LimitReached: the check was ended early, so that something would be missing.
    """
    with gating.held(request) as answer:
        if answer.result.ended is not ExitCode.OK:
            raise LimitReached(
                "the check was ended early, and the baseline is left as it is; "
                "the same command goes on from the cache"
            )
        return answer.weigh(answer.summary())


def _dead(known: Baseline, request: gating.Request) -> tuple[Entry, ...]:
    """Return the entries that match nothing, of rules that were looked for."""
    found = _looked(request)
    rules = Rules(request.settings)
    matched = known.matched(found.problems)
    return tuple(
        entry
        for entry in known.entries
        if entry not in matched and rules.looks_for(rule_for(entry.kind))
    )


def _list(words: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    print(f"{len(entries)} {words}:")
    for one in entries[:LISTED]:
        place = "" if one.box is None else f" at x={one.box.x0} y={one.box.y0}"
        told = f" ({shown(one.reason)})" if one.reason else ""
        until = f", until {one.expires}" if one.expires else ""
        print(f"  {shown(one.path)}: {one.rule} {shown(one.kind)}{place}{until}{told}")
    if len(entries) > LISTED:
        print(f"  ... and {len(entries) - LISTED} more")


def _day(text: str | None) -> date | None:
    """Read a day of expiry.

    Raises:
        UsageError: it is none, or it is past.
    """
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--expires {shown(text)}: write a day such as 2027-03-31"
        ) from error
    if day < gating.today():
        raise UsageError(f"--expires {shown(text)}: that day is past")
    return day
