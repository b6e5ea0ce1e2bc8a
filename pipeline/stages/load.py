"""Open a picture file: digest it, check it whole, decode it upright."""

from pathlib import PurePosixPath

from pipeline.codec import decode
from pipeline.errors import (
    Broken,
    CutShort,
    NotSupported,
    PictureChanged,
    TooLarge,
    Unreadable,
    WrongSuffix,
)
from pipeline.files import digest_bytes
from pipeline.metadata import read_provenance, read_recipe
from pipeline.metadata.damaged import Damaged, EndsEarly
from pipeline.metadata.facts import Facts, format_of, read_facts
from pipeline.names import shown
from pipeline.reading import read_regular
from pipeline.records import Found, ImageRef, Picture
from pipeline.settings import LoadSettings

_SUFFIX_FORMATS = {".png": "PNG", ".webp": "WEBP"}
"""Every other suffix that is walked is a JPEG's."""


def identify(found: Found, settings: LoadSettings) -> tuple[ImageRef, bytes]:
    """Read a picture file and digest it, without decoding anything.

    Raises:
        Unreadable: it is gone, empty, a link or no regular file, or may not be read.
        NotSupported: the file is larger than the limit.
        PictureChanged: it changed while it was read.
    """
    encoded = read_regular(found.root, found.key, settings.max_file_mib * 2**20)
    return ImageRef(found.root, found.key, digest_bytes(encoded)), encoded


def check_unchanged(ref: ImageRef, settings: LoadSettings) -> None:
    """Read the file once more, right before its result is published.

    Raises:
        PictureChanged: it no longer holds what was worked on.
    """
    try:
        again, _ = identify(Found(ref.root, ref.key), settings)
    except (Unreadable, NotSupported) as error:
        raise PictureChanged(f"{error}; it was there when the work began") from error
    if again.digest != ref.digest:
        raise PictureChanged(
            f"{shown(ref.key)} changed while it was worked on; the result is dropped"
        )


def load(
    ref: ImageRef, encoded: bytes, settings: LoadSettings, *, for_repair: bool = True
) -> Picture:
    """Check and decode a picture file.

    The whole structure is checked first: every PNG checksum and the end chunk, every
    JPEG segment up to the end marker and every code of a baseline one, every WebP
    chunk. What is cut short, damaged, or of another format than its name says is
    unreadable. Some bits flipped inside the coded data of a JPEG or WebP cannot be
    seen by anybody; the digest is what guards against those.

    Args:
        ref: Which picture.
        encoded: Its bytes, as `identify` returned them.
        settings: The size limit.
        for_repair: Refuse pictures without an exact way back: 16-bit, palette, 1-bit,
            CMYK, colour-key transparency, several pictures in one file, and pictures
            with signed content credentials, which any change breaks. With False they
            are decoded for looking; only animated and oversize ones are refused.

    Raises:
        Unreadable: it is damaged, or not what its name says.
        NotSupported: it is sound, but is not opened, or has no way back.
    """
    name = shown(ref.key)
    try:
        _check_name(ref, encoded)
        facts = read_facts(encoded)
        _check_size(name, facts, settings)
        refusal = facts.closed or (facts.one_way if for_repair else "")
        if refusal:
            raise NotSupported(f"{name} is left as it is: {refusal}")
        decoded = decode(facts)
    except Damaged as error:
        kind = CutShort if isinstance(error, EndsEarly) else Broken
        raise kind(f"{name} is not a sound picture: {error}") from error
    provenance = read_provenance(encoded)
    return Picture(
        ref=ref,
        pixels=decoded.pixels,
        alpha=decoded.alpha,
        format=facts.format,
        mode=decoded.mode,
        orientation=facts.orientation,
        encoded=encoded,
        recipe=read_recipe(encoded),
        past_passes=provenance.passes if provenance else 0,
    )


def _check_name(ref: ImageRef, encoded: bytes) -> None:
    held = format_of(encoded)
    suffix = PurePosixPath(ref.key).suffix.lower()
    claimed = _SUFFIX_FORMATS.get(suffix, "JPEG")
    if held is not None and held != claimed:
        raise WrongSuffix(
            f"{shown(ref.key)} is not a sound picture: its name says {claimed}, but it "
            f"holds a {held}; rename it"
        )


def _check_size(name: str, facts: Facts, settings: LoadSettings) -> None:
    megapixels = facts.size.width * facts.size.height / 1e6
    if megapixels > settings.max_megapixels:
        raise TooLarge(
            f"{name} is left as it is: it has {megapixels:.0f} megapixels, and the "
            f"limit is {settings.max_megapixels:g}; raise load.max_megapixels"
        )
