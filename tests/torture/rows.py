"""What a part of the torture tells: one line of the table for each promise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One promise: how often it was put to the test, and how often it held."""

    promise: str
    tried: int
    held: int
    note: str = ""
    broken: tuple[str, ...] = ()
    """What did not hold, in sentences; the first of them are shown."""

    skipped: str = ""
    """Why nothing was tried on this machine; "" when it was."""

    @property
    def kept(self) -> bool:
        """Nothing was seen to break it; a part that tried nothing proves nothing."""
        return bool(self.skipped) or 0 < self.tried == self.held

    def line(self) -> str:
        """Return the row as a line of the table."""
        verdict = "skipped" if self.skipped else "held" if self.kept else "BROKEN"
        counts = f"{self.tried:>8,}{self.held:>8,}"
        return f"{self.promise:46}{counts}  {verdict:8}{self.skipped or self.note}"


HEAD = f"{'promise':46}{'tried':>8}{'held':>8}  {'':8}note"


def counted(promise: str, tried: int, broken: list[str], note: str = "") -> Row:
    """Return a row from what did not hold, one sentence for each."""
    return Row(promise, tried, tried - len(broken), note, tuple(broken))


def bounded(promise: str, value: float, most: float, unit: str, note: str = "") -> Row:
    """Return a row for one figure that must stay below a bound."""
    said = f"{value:,.3g} {unit} of at most {most:,g}"
    broken = () if value < most else (said,)
    note = f"{said}; {note}" if note else said
    return Row(promise, 1, 1 - len(broken), note, broken)


def scaled(full: int, scale: float, least: int = 1) -> int:
    """Return a share of a full count."""
    return max(least, round(full * scale))
