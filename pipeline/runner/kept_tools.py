"""Tools that outlive a run, for several runs one after the other."""

from dataclasses import dataclass

from pipeline.runner.contract import BuildTools
from pipeline.settings import Settings
from pipeline.toolbox import Toolbox, build_toolbox


@dataclass(frozen=True, slots=True, eq=False)
class _Lent(Toolbox):
    """Is not closed by the run that has it."""

    def close(self) -> None:
        """Leave everything as it is."""


class KeptTools:
    """Builds the tools once and lends them to run after run.

    Meets `pipeline.runner.contract.BuildTools`. The runs must have the same settings
    of what looks and what paints. The engine is built at once even where the first run
    only looks: how large a face must be depends on it.
    """

    def __init__(self, build_tools: BuildTools = build_toolbox) -> None:
        self._build_tools = build_tools
        self._kept: Toolbox | None = None

    def __call__(self, settings: Settings, *, with_inpainter: bool) -> Toolbox:
        """Return the tools, built at the first call.

        Raises:
            NightmendError, DetectorError: a tool cannot be built.
        """
        if self._kept is None:
            self._kept = self._build_tools(settings, with_inpainter=True)
        painter = self._kept.inpainter if with_inpainter else None
        return _Lent(self._kept.detectors, painter)

    def __reduce__(self) -> tuple[type["KeptTools"], tuple[BuildTools]]:
        # A worker process that is handed this builds its own.
        return KeptTools, (self._build_tools,)

    def close(self) -> None:
        """Free the tools; calling it twice does no harm."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
