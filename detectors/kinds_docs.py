"""Write detectors/README.md: every kind of finding, with what it means.

`python -m detectors.kinds_docs` writes it; a test fails when it is stale.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from detectors.catalogue import BUILT_IN
from detectors.contract import DetectorSpec
from detectors.findings import Kind, Severity

FILE = Path(__file__).resolve().parent / "README.md"

_HEAD = """\
# Detectors

Generated from the tables of kinds in this folder: `python -m detectors.kinds_docs`.

A picture goes in, findings come out. A finding names its kind, its place, and how
likely that place is flawed. The severity of a kind decides whether it makes a picture
flawed: `nightmend check` exits 1 from `--fail-on` up, which is `warning` unless set
otherwise. A place that is fine is reported too: its remaining doubt is what a repair is
compared with. What can be mended is repainted by `nightmend repair`; the rest is told.
"""

_SEVERITIES: Mapping[Severity, str] = {
    Severity.FINE: "fine",
    Severity.NOTE: "note",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
}

_BY_WEIGHTS = (
    "One kind for each class of the weights you name: the class in lower case, with "
    "`segment/` before it. Its severity is the setting `segments.severity`."
)


def readme() -> str:
    """Return detectors/README.md."""
    return "\n".join([_HEAD, *(line for spec in BUILT_IN for line in _part(spec))])


def kinds_of(spec: DetectorSpec) -> Mapping[str, Kind] | None:
    """Return a detector's table of kinds; None when its weights decide on them."""
    module = importlib.import_module(spec.target.partition(":")[0])
    kinds: Mapping[str, Kind] | None = getattr(module, "KINDS", None)
    return kinds


def _part(spec: DetectorSpec) -> Iterator[str]:
    kinds = kinds_of(spec)
    yield f"## {spec.name}"
    yield ""
    yield f"{_sentence(spec.sentence)}"
    yield ""
    if kinds is None:
        yield _BY_WEIGHTS
        yield ""
        return
    yield "| kind | severity | mended | what it means |"
    yield "| --- | --- | --- | --- |"
    for name, kind in kinds.items():
        mended = "yes" if kind.mend else "no"
        severity = _SEVERITIES[kind.severity]
        yield f"| `{name}` | {severity} | {mended} | {_sentence(kind.sentence)} |"
    yield ""


def _sentence(text: str) -> str:
    """Return the text with a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def main() -> int:
    """Write the page."""
    FILE.write_text(readme(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
