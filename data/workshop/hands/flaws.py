"""Name every way in which a drawn hand can be spoiled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from workshop.hands.anatomy import HandSpec
from workshop.hands.distortions import (
    bend,
    detached,
    fused,
    long,
    melt,
    short,
    side,
    twisted,
)
from workshop.hands.miscounts import extra, fork, growth, missing, two_thumbs

Flaw = Callable[[np.random.Generator, HandSpec], HandSpec]


FLAWS: dict[str, Flaw] = {
    "extra": extra,
    "missing": missing,
    "fused": fused,
    "fork": fork,
    "two_thumbs": two_thumbs,
    "growth": growth,
    "bend": bend,
    "side": side,
    "short": short,
    "long": long,
    "melt": melt,
    "twisted": twisted,
    "detached": detached,
}
