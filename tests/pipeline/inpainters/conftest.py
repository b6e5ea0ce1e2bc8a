"""Tiny random checkpoints, built once per test run."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from tests.pipeline.inpainters.tiny import FAMILIES, save_family


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """One diffusers folder per family: "sd-4", "sd-9", "xl-4", "xl-9"."""
    folder = tmp_path_factory.mktemp("families")
    return {family: save_family(family, folder) for family in FAMILIES}
