"""Tools are built once, from the settings, and all are freed."""

import pytest

from detectors.errors import UnknownDetector
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox, build_toolbox, options_for
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
