"""What a rule is: a kind of flaw with a code that stays, and words for people."""

from dataclasses import dataclass

from detectors.findings import Severity

GROUPS = {"NM1": "anatomy", "NM2": "picture", "NM3": "file"}
"""First letters of a code to the name of its group."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a check can object to."""

    code: str
    """Such as "NM101"; never given to another rule, not even after its own is gone."""

    kind: str
    """Slug of the finding that it names, such as "hand/extra-digit"."""

    severity: Severity
    """How much it weighs unless the settings say otherwise."""

    sentence: str
    """What is wrong, in one plain sentence."""

    explanation: str
    """Why it matters, what to do about it, and where it errs; a few sentences."""

    @property
    def name(self) -> str:
        """A name for people and for formats that allow no slash."""
        return self.kind.replace("/", "-")

    @property
    def group(self) -> str:
        """The rule's family: "anatomy", "picture" or "file"."""
        return GROUPS[self.code[:3]]

    @property
    def page(self) -> str:
        """The rule's page, below the project's root."""
        return f"docs/rules/{self.code}.md"
