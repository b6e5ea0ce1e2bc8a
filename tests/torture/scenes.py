"""Small runs that are disturbed, and what must have come of them in the end."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ExitCode, exit_code_for
from pipeline.ledger import queries
from pipeline.records import PaintRequest
from pipeline.settings import PlanSettings, WorkersSettings
from tests.support import runs
from tests.support.fakes import GREEN, ORANGE, RED, Result
from tests.support.runs import FakeTools, fill, picture, repaint, repair, tree

SETTINGS = runs.SETTINGS.model_copy(update={"workers": WorkersSettings(attempts=10)})
"""A picture over which several runs died stays in this process, to be quick."""

OTHER = SETTINGS.model_copy(update={"plan": PlanSettings(variations=2)})
"""Other settings: what was repaired by the first ones is repaired anew."""


def _otherwise(request: PaintRequest, number: int) -> Result:
    """Repaint as `repaint` does, but what becomes of it looks different."""
    cured = repaint(request, number)
    return (30, 170, 60) if cured == GREEN else cured


def pictures(count: int) -> dict[str, bytes]:
    """Return files of every ending, in folders and not; each another picture."""
    kinds = (("clean", GREEN), ("deep/repaired", RED), ("kept", ORANGE))
    return {
        f"{name}-{number}.png": picture(number, colour)
        for number, (name, colour) in ((n, kinds[n % 3]) for n in range(count))
    }


@dataclass(frozen=True, slots=True)
class Scene:
    """A run below a folder: from `in` to `out`.

    The folder is always the same for one scene, so that nothing depends on its name.
    """

    name: str
    folder: Path
    count: int
    anew: bool
    """The output holds the results of other settings, and is replaced."""

    @property
    def source(self) -> Path:
        return self.folder / "in"

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def prepare(self) -> None:
        """Draw the pictures, and what is there before the run."""
        fill(self.source, pictures(self.count))
        if self.anew:
            repair(self.source, self.folder / "before")
        self.reset()

    def reset(self) -> None:
        """Put the output into the state that it has before the run."""
        shutil.rmtree(self.output, ignore_errors=True)
        if self.anew:
            shutil.copytree(self.folder / "before", self.output)

    def work(self) -> ExitCode:
        """Run it in this process; what goes wrong becomes its exit code."""
        settings, paint = (OTHER, _otherwise) if self.anew else (SETTINGS, repaint)
        try:
            return repair(
                self.source, self.output, FakeTools(paint), settings=settings
            ).code
        except Exception as error:  # noqa: BLE001  as the command does
            return exit_code_for(error)


@dataclass(frozen=True, slots=True)
class Expected:
    """What comes of a scene when nothing disturbs it."""

    before: Mapping[str, str]
    """Digests in the output before the run."""

    after: Mapping[str, str]
    inputs: Mapping[str, str]
    code: ExitCode
    finished: int
    """How many pictures all runs of the ledger together have finished."""


def undisturbed(scene: Scene) -> Expected:
    """Run a scene to its end, and put it back."""
    before = tree(scene.output) if scene.output.exists() else {}
    code = scene.work()
    after = tree(scene.output)
    expected = Expected(before, after, tree(scene.source), code, _finished(scene))
    scene.reset()
    return expected


def torn(scene: Scene, expected: Expected) -> str:
    """Say what is wrong with what a run left that did not end; "" for nothing."""
    held = tree(scene.output) if scene.output.exists() else {}
    for name, digest in held.items():
        if name.endswith(".part"):
            continue
        if digest not in (expected.before.get(name), expected.after.get(name)):
            return f"{name} is neither the old file nor the new one"
    missing = set(expected.before) - set(held)
    if missing:
        return f"{min(missing)} was there before, and is gone"
    return "" if tree(scene.source) == expected.inputs else "an input was changed"


def resumed(
    scene: Scene, expected: Expected, work: Callable[[], ExitCode] | None = None
) -> str:
    """Run a scene again that was disturbed; say how it ends otherwise, or ""."""
    problem = torn(scene, expected)
    if problem:
        return problem
    code = (work or scene.work)()
    state = scene.output / ".nightmend"
    checks = {
        f"the exit code is {code!r}": code is expected.code,
        "the output is another": tree(scene.output) == expected.after,
        "an input was changed": tree(scene.source) == expected.inputs,
        "a temporary file is left": not list(scene.output.rglob("*.part")),
        "a picture was done twice": _finished(scene) == expected.finished,
        "a picture has no ending": queries.states(state) == {"done": scene.count},
    }
    return next((said for said, holds in checks.items() if not holds), "")


def _finished(scene: Scene) -> int:
    state = scene.output / ".nightmend"
    return sum(
        len(queries.summary(state, info.run_id).outcomes)
        for info in queries.runs(state)
    )


def both(folder: Path, count: int) -> list[Scene]:
    """Return a run into an empty folder, and one that replaces what is there."""
    made = [
        Scene("new", folder / "new", count, anew=False),
        Scene("again", folder / "again", count, anew=True),
    ]
    for scene in made:
        scene.prepare()
    return made
