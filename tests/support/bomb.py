"""A pickle that shows whether it was opened."""

from collections.abc import Callable
from pathlib import Path


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (_touch, (str(self.mark),))


def _touch(path: str) -> None:
    Path(path).touch()
