"""Where a network runs."""

from pathlib import Path

import pytest
import torch

from pipeline.devices import choose_device, choose_dtype, cpu_computes_bf16, cpu_flags
from pipeline.errors import EnvironmentProblem, UsageError


def test_auto_takes_a_device_that_is_there() -> None:
    device = choose_device("auto")

    assert (torch.ones(2, device=device) + 1).sum().item() == 4


def test_a_device_that_means_nothing_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="auto, cpu"):
        choose_device("gpu0")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(EnvironmentProblem, match="cuda:1"):
        choose_device("cuda:1")


def test_a_named_dtype_is_taken_as_it_is() -> None:
    assert choose_dtype("float16", torch.device("cpu")) == torch.float16


@pytest.mark.parametrize(
    ("flags", "fast"),
    [("fpu avx2", False), ("fpu amx_bf16 amx_tile", True), ("avx512_bf16", True)],
)
def test_flags_are_read_from_cpuinfo(tmp_path: Path, flags: str, fast: bool) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t:\n")

    assert bool(cpu_flags(cpuinfo) & {"amx_bf16", "avx512_bf16"}) is fast


def test_a_missing_cpuinfo_means_no_flags(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "none") == frozenset()


def test_auto_on_the_cpu_is_bfloat16_only_where_it_is_computed_in_hardware() -> None:
    expected = torch.bfloat16 if cpu_computes_bf16() else torch.float32

    assert choose_dtype("auto", torch.device("cpu")) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("cuda:0", torch.bfloat16), ("cuda:1", torch.float16)]
)
def test_auto_asks_the_gpu_it_is_for_and_not_the_current_one(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: torch.dtype
) -> None:
    capabilities = {0: (9, 0), 1: (7, 5)}
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(
        torch.cuda, "get_device_capability", lambda asked: capabilities[asked.index]
    )

    assert choose_dtype("auto", torch.device(name)) == expected
