"""What can go wrong while looking at a picture."""


class DetectorError(Exception):
    """Anything a detector reports; the text says what, where and what to do."""


class UnknownDetector(DetectorError):
    """A detector was asked for that is not in the catalogue."""


class DetectorFailed(DetectorError):
    """A detector could not look at this picture; not the same as nothing found."""


class DeviceLost(DetectorError):
    """The device does not answer any more; no later picture can be looked at either."""


class WeightsMissing(DetectorError):
    """A weights file is not where it should be."""


class WeightsWrong(DetectorError):
    """A weights file is there, but it is not the file it should be."""


class DetectorMisconfigured(DetectorError):
    """An option of a detector has a value that it cannot work with."""
