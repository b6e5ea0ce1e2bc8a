"""Every setting, its default, its bounds and its unit; the only home of a default."""

from pipeline.settings.basics import (
    Pixels,
    Section,
    Share,
)
from pipeline.settings.gating import (
    GateSettings,
)
from pipeline.settings.looking import (
    DetectSettings,
    FacesSettings,
    HandsSettings,
    LoadSettings,
    PeopleSettings,
    QualitySettings,
    SegmentsSettings,
)
from pipeline.settings.night import (
    NightSettings,
)
from pipeline.settings.painting import (
    InpaintSettings,
)
from pipeline.settings.planning import (
    ChooseSettings,
    KindPlan,
    MaskSettings,
    PassSettings,
    PlanSettings,
    PromptSettings,
    SaveSettings,
    ScoreSettings,
)
from pipeline.settings.running import (
    RunSettings,
)
from pipeline.settings.working import (
    WorkersSettings,
)

__all__ = [
    "ChooseSettings",
    "DetectSettings",
    "FacesSettings",
    "GateSettings",
    "HandsSettings",
    "InpaintSettings",
    "KindPlan",
    "LoadSettings",
    "MaskSettings",
    "NightSettings",
    "PassSettings",
    "PeopleSettings",
    "Pixels",
    "PlanSettings",
    "PromptSettings",
    "QualitySettings",
    "RunSettings",
    "SaveSettings",
    "ScoreSettings",
    "Section",
    "SegmentsSettings",
    "Settings",
    "Share",
    "WorkersSettings",
]


class Settings(Section):
    """Everything that a run depends on, and nothing that it works out itself."""

    load: LoadSettings = LoadSettings()
    detect: DetectSettings = DetectSettings()
    hands: HandsSettings = HandsSettings()
    faces: FacesSettings = FacesSettings()
    segments: SegmentsSettings = SegmentsSettings()
    people: PeopleSettings = PeopleSettings()
    quality: QualitySettings = QualitySettings()
    mask: MaskSettings = MaskSettings()
    plan: PlanSettings = PlanSettings()
    prompt: PromptSettings = PromptSettings()
    inpaint: InpaintSettings = InpaintSettings()
    score: ScoreSettings = ScoreSettings()
    choose: ChooseSettings = ChooseSettings()
    passes: PassSettings = PassSettings()
    save: SaveSettings = SaveSettings()
    gate: GateSettings = GateSettings()
    run: RunSettings = RunSettings()
    workers: WorkersSettings = WorkersSettings()
    night: NightSettings = NightSettings()
