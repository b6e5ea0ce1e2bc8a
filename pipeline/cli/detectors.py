"""nightmend detectors: what can be found, and what is missing."""

from detectors import catalogue
from detectors.contract import DetectorSpec
from detectors.errors import DetectorError
from pipeline.errors import ExitCode


def command() -> ExitCode:
    """List the detectors, what each finds, and what it lacks here."""
    width = max(len(spec.name) for spec in catalogue.BUILT_IN)
    for spec in catalogue.BUILT_IN:
        print(f"{spec.name:{width}}  {spec.sentence}")
        for problem in lacks(spec):
            print(f"{'':{width}}  ! {problem}")
    return ExitCode.OK


def lacks(spec: DetectorSpec) -> tuple[str, ...]:
    """Return one sentence per thing that a detector lacks or that is wrong."""
    try:
        return catalogue.missing(spec)
    except DetectorError as error:
        return (str(error),)
