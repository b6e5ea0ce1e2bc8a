"""Tools are built once, from the settings, and all are freed."""

from collections.abc import Mapping
from typing import Any

import pytest

from detectors.errors import UnknownDetector, WeightsMissing
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox, build_toolbox, modules_for, options_for
from tests.support.fakes import DarkDetector, FakeDetector, FakeInpainter


def test_a_toolbox_knows_every_kind_of_its_detectors() -> None:
    kinds = Toolbox((FakeDetector(), DarkDetector())).kinds

    assert {"hand/malformed", "image/dark"} <= set(kinds)


def test_closing_frees_everything() -> None:
    detectors, inpainter = (FakeDetector(), DarkDetector()), FakeInpainter()

    Toolbox(detectors, inpainter).close()

    assert [detector.closed for detector in detectors] == [1, 1]
    assert inpainter.closed == 1


def test_a_detector_gets_its_own_section_of_the_settings() -> None:
    settings = Settings.model_validate({"hands": {"min_side_px": 40}})

    assert options_for("hands", settings, None)["min_side_px"] == 40
    assert set(options_for("hands", settings, 1024)) == set(
        type(settings.hands).model_fields
    )


@pytest.mark.parametrize(
    ("native_px", "min_side_px"), [(None, 96), (512, 96), (768, 144), (1024, 192)]
)
def test_what_is_too_small_a_face_grows_with_the_models_native_size(
    native_px: int | None, min_side_px: int
) -> None:
    options = options_for("faces", Settings(), native_px)

    assert options["min_side_px"] == min_side_px


def test_what_building_imports_is_known_before_anything_is_built() -> None:
    settings = Settings.model_validate({"detect": {"detectors": ("hands", "quality")}})

    looking = modules_for(settings, with_inpainter=False)
    painting = modules_for(settings, with_inpainter=True)

    assert looking == ("detectors.hands", "detectors.quality")
    assert painting == (*looking, "pipeline.inpainters.diffusion.engine")


def test_of_tools_that_there_are_not_nothing_is_imported_ahead() -> None:
    detector = Settings.model_validate({"detect": {"detectors": ("feet",)}})
    engine = Settings.model_validate({"inpaint": {"engine": "difusion"}})

    with pytest.raises(UnknownDetector, match="feet"):
        modules_for(detector, with_inpainter=False)
    with pytest.raises(UsageError, match="did you mean 'diffusion'"):
        modules_for(engine, with_inpainter=True)


def test_a_detector_named_twice_is_built_once() -> None:
    settings = Settings.model_validate(
        {"detect": {"detectors": ("quality", "quality")}}
    )

    toolbox = build_toolbox(settings, with_inpainter=False)

    assert [detector.name for detector in toolbox.detectors] == ["quality"]
    assert toolbox.inpainter is None
    toolbox.close()


def test_an_unknown_detector_ends_the_run_before_it_starts() -> None:
    settings = Settings.model_validate({"detect": {"detectors": ("handz",)}})

    with pytest.raises(UnknownDetector, match="hands"):
        build_toolbox(settings, with_inpainter=False)


def test_an_unknown_engine_ends_the_run_before_it_starts() -> None:
    settings = Settings.model_validate({"inpaint": {"engine": "difusion"}})

    with pytest.raises(UsageError, match="diffusion"):
        build_toolbox(settings, with_inpainter=True)


def test_the_engine_without_weights_is_built_on_any_machine() -> None:
    settings = Settings.model_validate(
        {"inpaint": {"engine": "classical"}, "detect": {"detectors": ("quality",)}}
    )

    toolbox = build_toolbox(settings, with_inpainter=True)

    assert toolbox.inpainter is not None
    assert toolbox.inpainter.native_px is None
    toolbox.close()


def test_a_working_size_of_the_users_own_decides_what_is_too_small() -> None:
    settings = Settings.model_validate(
        {"plan": {"working_px": 1024}, "detect": {"detectors": ("faces",)}}
    )
    asked: list[int] = []

    def build(name: str, options: Mapping[str, Any]) -> FakeDetector:
        asked.append(options["min_side_px"])
        return FakeDetector(name=name)

    build_toolbox(settings, with_inpainter=False, build_detector=build)

    assert asked == [192]


def test_what_was_built_is_freed_when_the_next_cannot_be_built() -> None:
    built: list[FakeDetector] = []

    def build(name: str, options: Mapping[str, Any]) -> FakeDetector:
        if name == "faces":
            raise WeightsMissing("no weights")
        built.append(FakeDetector(name=name))
        return built[-1]

    with pytest.raises(WeightsMissing):
        build_toolbox(Settings(), with_inpainter=False, build_detector=build)

    assert [detector.closed for detector in built] == [1]
