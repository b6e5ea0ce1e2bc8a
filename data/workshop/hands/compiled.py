"""Compile a numeric function to machine code that runs without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile `function`, and keep the result beside its source for the next run."""
    wrapper = njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
    return cast(Function, wrapper(function))


def inlined(function: Function) -> Function:
    """Compile `function` so that its callers contain it."""
    wrapper = njit(
        cache=True, fastmath=True, nogil=True, error_model="numpy", inline="always"
    )
    return cast(Function, wrapper(function))
