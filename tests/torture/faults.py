"""Let calls that change the disk fail, as a full, read-only or dying one does."""

from collections import Counter
from pathlib import Path

from pipeline.errors import ExitCode
from tests.support import strace
from tests.torture.deaths import spread
from tests.torture.rows import Row, counted, scaled
from tests.torture.scenes import Expected, Scene, both, resumed, undisturbed

FAULTS = 400
PROMISE = "a call fails with ENOSPC, EIO, EROFS, EDQUOT"

STAYS = {"ENOSPC": "+", "EDQUOT": "+", "EROFS": "+", "EIO": ""}
"""A full disk stays full until somebody makes room; an I/O error may come once."""

STOPPING = frozenset({ExitCode.STOPPED})


def run(scale: float, folder: Path) -> list[Row]:
    """Let single calls of small runs fail, each another one, and go on afterwards."""
    problem = strace.why_not()
    if problem:
        return [Row(PROMISE, 0, 0, skipped=problem)]
    count = scaled(FAULTS, scale, least=8)
    broken: list[str] = []
    codes: Counter[str] = Counter()
    tried = 0
    for scene in both(folder / "faults", 3):
        expected = undisturbed(scene)
        calls = strace.changing(strace.run(scene.work), scene.output)
        for code, stays in STAYS.items():
            for call in spread(calls, count // (2 * len(STAYS))):
                scene.reset()
                inject = f"{call.name}:error={code}:when={call.nth}{stays}"
                ended = strace.run(scene.work, calls=call.name, inject=inject)
                tried += 1
                said, how = _judge(scene, expected, ended)
                codes[how] += 1
                if said:
                    broken.append(f"{scene.name}, {code} from {call}: {said}")
    told = ", ".join(f"{how} {n}" for how, n in codes.most_common())
    return [counted(PROMISE, tried, broken, told)]


def _judge(scene: Scene, expected: Expected, ended: strace.Ended) -> tuple[str, str]:
    """Say what is wrong with how a run took it, or ""; and how it ended in a word."""
    if not ended.injected:
        return "nothing failed; the trace is of another run", "nothing failed"
    if ended.code not in {*STOPPING, expected.code}:
        return f"the exit code is {ended.code}", f"exit {ended.code}"
    how = "went on" if ended.code == expected.code else "stopped"
    return resumed(scene, expected), how
