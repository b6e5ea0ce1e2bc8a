"""Make the file that a decision asks for, and keep what the report shows of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.arrays import RgbArray
from pipeline.album import Album, preview
from pipeline.errors import PictureProblem
from pipeline.files import digest_bytes, stage_file
from pipeline.finish import provenance
from pipeline.ledger.rows import Known
from pipeline.names import shown
from pipeline.records import Choice, Found, Inspection, Outcome, Picture
from pipeline.review.rebuild import rebuild
from pipeline.settings import Settings
from pipeline.stages import save
from pipeline.stages.load import identify, load
from pipeline.work import Work


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pictures of one state folder go, and how they are read."""

    output: Path
    state: Path
    settings: Settings


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file that waits beside its final place."""

    temp: Path
    digest: str
    choices: tuple[Choice, ...]
    preview_after: str
    """Below the state folder; "" when it is the original."""


def make(
    known: Known, machine: Outcome, choices: tuple[Choice, ...], place: Place
) -> Made:
    """Stage the file with these choices, made from the original.

    Args:
        known: Where the original is, and its digest.
        machine: What the run itself made of the picture.
        choices: What is to be taken.
        place: Where it goes.

    Raises:
        PictureProblem: the original is gone or differs, or a variation is not kept.
        OutputTrouble: the output cannot be written to.
    """
    ref, encoded = identify(Found(known.root, known.key), place.settings.load)
    if ref.digest != machine.digest:
        raise PictureProblem(
            f"{shown(ref.path)} is no longer the picture that was repaired; run repair"
        )
    if all(choice.winner is None for choice in choices):
        return _staged(known, place, encoded, choices, "")
    picture = load(ref, encoded, place.settings.load)
    pixels, choices = rebuild(picture.pixels, machine, choices, place.state)
    if np.array_equal(pixels, picture.pixels):
        return _staged(known, place, encoded, choices, "")
    work = _work(pixels, machine, choices)
    told = place.settings.save.provenance
    entry = provenance(picture, work, machine.engine) if told else None
    data = save.encode(picture, pixels, entry)
    return _staged(known, place, data, choices, _kept(picture, pixels, data, place))


def _work(pixels: RgbArray, machine: Outcome, choices: tuple[Choice, ...]) -> Work:
    """Describe what is in the picture, for its own entry about its repairs."""
    passes = {choice.pass_number for choice in choices if choice.winner is not None}
    return Work(
        pixels,
        Inspection((), ()),
        attempts=machine.attempts,
        choices=choices,
        passes=len(passes),
    )


def _kept(picture: Picture, pixels: RgbArray, data: bytes, place: Place) -> str:
    """Keep what the report shows; the name tells the content."""
    album, key, digest = Album(place.state), picture.ref.key, digest_bytes(data)
    album.keep_thumb(key, digest, pixels)
    return album.keep(key, f"preview-after-{digest[:12]}", preview(pixels))


def _staged(
    known: Known,
    place: Place,
    data: bytes,
    choices: tuple[Choice, ...],
    preview_after: str,
) -> Made:
    folder = (place.output / known.output).parent
    short = hashlib.sha256(b"review:" + known.key.encode("utf-8", "surrogateescape"))
    temp = stage_file(folder, short.hexdigest()[:16], data)
    return Made(temp, digest_bytes(data), choices, preview_after)
