"""Put together the outcome of one picture, and its finished file."""

from collections.abc import Iterable, Mapping

from detectors.findings import Finding, Kind, Severity
from pipeline import __version__
from pipeline.album import preview
from pipeline.bench import Bench
from pipeline.files import check_there, digest_bytes, short_id_of, stage_file
from pipeline.metadata import Provenance, Repair, read_provenance
from pipeline.records import (
    Choice,
    FindingRow,
    Inspection,
    Outcome,
    Picture,
    Status,
    Workplace,
)
from pipeline.settings import Settings
from pipeline.stages import save
from pipeline.stages.liken import liken
from pipeline.stopwatch import Stopwatch
from pipeline.work import Work

_DELIVERED = (Status.CLEAN, Status.KEPT, Status.REPAIRED)
"""What is written to the output folder; nothing else may pass for looked at."""


def checked(
    picture: Picture,
    inspection: Inspection,
    kinds: Mapping[str, Kind],
    settings: Settings,
    watch: Stopwatch,
) -> Outcome:
    """Return the outcome of a picture that was looked at, and no more."""
    with watch.stage("liken"):
        likeness = liken(picture.pixels)
    status, problem = judged(inspection, kinds, settings)
    found = rows(inspection.findings, kinds)
    return Outcome(
        key=picture.ref.key,
        digest=picture.ref.digest,
        status=status,
        size=picture.size,
        findings=found,
        remaining=found,
        past_passes=picture.past_passes,
        problem=problem,
        detector_failures=inspection.failed,
        recipe=picture.recipe,
        stage_seconds=watch.by_stage(),
        took_s=watch.total_s(),
        likeness=likeness,
    )


def repaired(
    first: Inspection, work: Work, bench: Bench, workplace: Workplace, watch: Stopwatch
) -> Outcome:
    """Stage the finished file, and return the outcome of the whole repair."""
    picture, kinds = bench.picture, bench.scale.kinds
    status, problem = ended(first, work, kinds, bench.settings)
    with watch.stage("save"):
        before, after = ("", "") if status is Status.CLEAN else previews(work, bench)
        staged, digest = "", ""
        if status in _DELIVERED:
            staged, digest = stage(work, bench, workplace)
        bench.album.keep_thumb(picture.ref.key, picture.ref.digest, picture.pixels)
        if work.passes:
            bench.album.keep_thumb(picture.ref.key, digest, work.pixels)
    found = (*first.findings, *work.asked)
    left = work.inspection.findings if work.passes else found
    failed = dict((*first.failed, *work.inspection.failed))
    return Outcome(
        key=picture.ref.key,
        digest=picture.ref.digest,
        status=status,
        size=picture.size,
        findings=rows(found, kinds),
        remaining=rows(left, kinds),
        attempts=work.attempts,
        choices=work.choices,
        checkpoints=work.checkpoints,
        passes=work.passes,
        past_passes=picture.past_passes,
        output=picture.ref.key if staged else "",
        output_digest=digest,
        staged=staged,
        problem=problem,
        engine=bench.inpainter.name,
        detector_failures=tuple(failed.items()),
        recipe=picture.recipe,
        stage_seconds=watch.by_stage(),
        took_s=watch.total_s(),
        preview_before=before,
        preview_after=after,
    )


def rows(
    findings: Iterable[Finding], kinds: Mapping[str, Kind]
) -> tuple[FindingRow, ...]:
    """Return findings without their outlines, each with the severity of its kind."""
    return tuple(
        FindingRow(
            f.detector,
            f.kind,
            f.box,
            f.confidence,
            f.message,
            f.marks,
            f.remedy,
            kinds[f.kind].severity if f.kind in kinds else Severity.WARNING,
        )
        for f in findings
    )


def flaws(
    findings: Iterable[Finding], kinds: Mapping[str, Kind], settings: Settings
) -> tuple[Finding, ...]:
    """Return what makes a picture flawed: severe enough, and sure enough."""
    least = Severity[settings.run.fail_on.upper()]
    return tuple(
        f
        for f in findings
        if kinds[f.kind].severity >= least
        and f.confidence >= settings.detect.min_confidence
    )


def judged(
    inspection: Inspection, kinds: Mapping[str, Kind], settings: Settings
) -> tuple[Status, str]:
    """Say how it stands with a picture that nothing was changed in.

    Only a picture that every detector looked at is clean. What they could not tell is
    no flaw, but it is not passed over in silence either.
    """
    found = flaws(inspection.findings, kinds, settings)
    if found:
        return Status.FLAWED, ""
    if inspection.failed:
        return Status.FAILED, _failures(inspection.failed)
    return Status.CLEAN, doubts(
        f.kind for f in inspection.findings if kinds[f.kind].severity is Severity.NOTE
    )


def ended(
    first: Inspection, work: Work, kinds: Mapping[str, Kind], settings: Settings
) -> tuple[Status, str]:
    """Say how a repair ended, and what there is to remark."""
    remarks = "; ".join(work.remarks)
    if work.passes:
        return Status.REPAIRED, remarks
    status, problem = judged(first, kinds, settings)
    if status != Status.FLAWED and not work.choices and not work.asked:
        return status, remarks or problem
    if work.attempts and not any(attempt.cost for attempt in work.attempts):
        reason = work.attempts[0].problem
        return Status.FAILED, f"no variation of any region came out: {reason}"
    if not work.choices and not remarks:
        names = dict.fromkeys(f.kind for f in flaws(first.findings, kinds, settings))
        remarks = f"repainting a part does not cure this: {', '.join(names)}"
    return Status.KEPT, remarks


def previews(work: Work, bench: Bench) -> tuple[str, str]:
    """Keep what the report shows of the whole picture, before and after."""
    key = bench.picture.ref.key
    before = bench.album.keep(key, "preview-before", preview(bench.picture.pixels))
    if not work.passes:
        return before, ""
    return before, bench.album.keep(key, "preview-after", preview(work.pixels))


def stage(work: Work, bench: Bench, workplace: Workplace) -> tuple[str, str]:
    """Write the finished file beside its final place, under a passing name.

    An unchanged picture is handed on byte for byte.

    Returns:
        The file's passing name, and the digest of its content.

    Raises:
        OutputTrouble: the output folder cannot be written to.
    """
    check_there(workplace.output)
    picture, encoded = bench.picture, bench.picture.encoded
    if work.passes:
        told = bench.settings.save.provenance
        entry = provenance(picture, work, bench.inpainter.name) if told else None
        encoded = save.encode(picture, work.pixels, entry)
    folder = (workplace.output / picture.ref.key).parent
    short_id = short_id_of(picture.ref.key, workplace.run_id, workplace.lane)
    staged = stage_file(folder, short_id, encoded)
    return staged.name, digest_bytes(encoded)


def provenance(picture: Picture, work: Work, engine: str) -> Provenance:
    """Return the entry that the repaired picture will carry, old repairs first."""
    past = read_provenance(picture.encoded)
    seeds = {(a.pass_number, a.patch, a.number): a.seed for a in work.attempts}
    fresh = tuple(
        _repair(
            choice,
            seeds[choice.pass_number, choice.patch, choice.winner],
            engine,
            picture.past_passes,
        )
        for choice in work.choices
        if choice.winner is not None
    )
    return Provenance(
        version=__version__,
        passes=picture.past_passes + work.passes,
        repairs=((*past.repairs, *fresh) if past else fresh),
        omitted=past.omitted if past else 0,
    )


def _repair(choice: Choice, seed: int, engine: str, past_passes: int) -> Repair:
    """Describe one repair; only the last pass of a run can be one without a winner."""
    box = choice.box
    return Repair(
        kinds=choice.kinds,
        box=(box.x0, box.y0, box.x1, box.y1),
        engine=engine,
        seed=seed,
        strength=choice.strength,
        mode=choice.mode,
        cost_before=round(choice.cost_before.total, 4),
        cost_after=round(choice.cost_after.total, 4),
        pass_number=past_passes + choice.pass_number,
    )


def doubts(noted: Iterable[str]) -> str:
    """Return the remark about a picture without flaws: the kinds that were noted."""
    names = ", ".join(dict.fromkeys(noted))
    return f"no flaw found; noted: {names}" if names else ""


def _failures(failed: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"detector {name} could not look: {why}" for name, why in failed)
