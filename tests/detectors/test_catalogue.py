import pytest

from detectors import catalogue
from detectors.contract import DetectorSpec
from detectors.errors import DetectorMisconfigured, UnknownDetector, WeightsMissing


class _Nothing:
    """Stands where a detector would; takes no option."""


def build_nothing() -> _Nothing:
    return _Nothing()


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UnknownDetector, match="did you mean 'faces'"):
        catalogue.build("face", {})


def test_a_name_used_twice_is_an_error() -> None:
    spec = DetectorSpec("faces", "", "nowhere:build")

    with pytest.raises(ValueError, match="two detectors are called 'faces'"):
        catalogue.by_name((spec, spec))


def test_a_missing_optional_package_is_named_with_the_way_to_get_it() -> None:
    spec = DetectorSpec("odd", "", "nowhere:build", package="no_such_package")

    with pytest.raises(WeightsMissing, match="pip install 'nightmend"):
        catalogue.build("odd", {}, (spec,))


def test_an_option_that_a_detector_does_not_have_is_named() -> None:
    spec = DetectorSpec("odd", "", f"{__name__}:build_nothing")

    with pytest.raises(DetectorMisconfigured, match="colour"):
        catalogue.build("odd", {"colour": 1}, (spec,))


def test_the_catalogue_itself_has_no_name_twice() -> None:
    assert set(catalogue.by_name()) >= {"hands", "faces", "segments", "people"}
