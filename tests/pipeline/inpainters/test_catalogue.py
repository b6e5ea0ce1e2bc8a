"""The table of engines."""

import pytest

from pipeline.errors import UsageError
from pipeline.inpainters.catalogue import BUILT_IN, build, by_name
from pipeline.settings import InpaintSettings


def test_an_unknown_engine_names_its_nearest_neighbour() -> None:
    with pytest.raises(UsageError, match="did you mean 'classical'"):
        build(InpaintSettings(engine="clasical"))


def test_a_name_used_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="two engines"):
        by_name((*BUILT_IN, BUILT_IN[0]))


def test_the_engine_that_is_named_is_built() -> None:
    assert build(InpaintSettings(engine="classical")).name.startswith("classical")
