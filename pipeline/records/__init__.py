"""What one stage hands to the next; frozen, and small wherever it travels."""

from pipeline.records.decisions import Decision, NotAFlaw, Pick, Reviewed, Verdict
from pipeline.records.flows import (
    Ask,
    Flow,
    FlowStep,
    Reply,
)
from pipeline.records.outcomes import (
    Attempt,
    Choice,
    Cost,
    FindingRow,
    Likeness,
    Outcome,
    RunInfo,
    RunSummary,
    Workplace,
)
from pipeline.records.painting import (
    Candidate,
    Inspection,
    MaskedContent,
    Mode,
    PaintRequest,
    Patch,
)
from pipeline.records.sources import (
    Found,
    ImageRef,
    Odd,
    Picture,
    PictureFormat,
    Plan,
    Recipe,
    Status,
)

__all__ = [
    "Ask",
    "Attempt",
    "Candidate",
    "Choice",
    "Cost",
    "Decision",
    "FindingRow",
    "Flow",
    "FlowStep",
    "Found",
    "ImageRef",
    "Inspection",
    "Likeness",
    "MaskedContent",
    "Mode",
    "NotAFlaw",
    "Odd",
    "Outcome",
    "PaintRequest",
    "Patch",
    "Pick",
    "Picture",
    "PictureFormat",
    "Plan",
    "Recipe",
    "Reply",
    "Reviewed",
    "RunInfo",
    "RunSummary",
    "Status",
    "Verdict",
    "Workplace",
]
