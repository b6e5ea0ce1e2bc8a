"""Choose where a network runs and in which number format."""

import platform
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    import torch

CPUINFO = Path("/proc/cpuinfo")
CUDA_OUT_OF_MEMORY = 2
"""cudaErrorMemoryAllocation; HIP's has the same number."""

SHORT_OF_MEMORY = re.compile(
    r"CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_\w*ALLOC|CUDNN_STATUS_NOT_SUPPORTED"
    r"|(CUDA|HIP) error: out of memory|MPS backend out of memory"
    r"|can't allocate memory"
)
"""Words of errors that have no class of their own. cuDNN says "not supported" when no
algorithm fits into the memory that is left. The last is the CPU's allocator."""

FAST_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})


def choose_device(asked: str) -> "torch.device":
    """Return the device to run on.

    Args:
        asked: "auto" takes CUDA, then MPS, then the CPU; or a device by name, such as
            "cpu", "mps", "cuda" or "cuda:1".

    Raises:
        UsageError: the name means nothing.
        EnvironmentProblem: that device is not on this machine.
    """
    import torch

    if asked == "auto":
        return torch.device(_best())
    try:
        device = torch.device(asked)
    except RuntimeError as error:
        raise UsageError(
            f"there is no device {asked!r}; use auto, cpu, mps, cuda or cuda:N"
        ) from error
    if not _present(device):
        raise EnvironmentProblem(
            f"the device {asked!r} is not available here; use --device auto"
        )
    return device


def choose_dtype(asked: str, device: "torch.device") -> "torch.dtype":
    """Return the number format for weights and activations.

    Args:
        asked: "auto", "float32", "bfloat16" or "float16". "auto" takes bfloat16 on GPUs
            that compute in it and on CPUs that have AMX or AVX512-BF16 (about eight
            times as fast as float32 there), float16 on other GPUs and MPS, and float32
            on other CPUs.
        device: Where it will run.
    """
    import torch

    if asked != "auto":
        chosen: torch.dtype = getattr(torch, asked)
        return chosen
    if device.type == "cuda":
        return torch.bfloat16 if _gpu_computes_bf16(device) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if cpu_computes_bf16() else torch.float32


@lru_cache(maxsize=1)
def cpu_computes_bf16() -> bool:
    """Tell whether this CPU multiplies bfloat16 matrices in hardware."""
    return bool(FAST_BF16_FLAGS & cpu_flags(CPUINFO)) or _torch_says_so()


def cpu_flags(cpuinfo: Path) -> frozenset[str]:
    """Return the feature flags of the first CPU in a Linux cpuinfo file; () if none."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())


def is_lost(error: Exception) -> bool:
    """Tell an accelerator that answers no more from trouble with one picture.

    One that ran out of memory goes on answering, whatever class the error has.
    """
    torch = sys.modules.get("torch")  # who never loaded it has no error of its kind
    if torch is None or not isinstance(error, torch.AcceleratorError):
        return False
    return not is_out_of_memory(error)


def is_out_of_memory(error: Exception) -> bool:
    """Tell an error that less work at a time may avoid.

    torch has a class for what its own allocator lacks. What CUDA, cuBLAS and cuDNN
    lack beside it for their workspaces, and what MPS and main memory lack, is told by
    the words alone.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(error, RuntimeError):
        return False
    if isinstance(error, torch.OutOfMemoryError):
        return True
    if isinstance(error, torch.AcceleratorError):
        by_number = getattr(error, "error_code", None) == CUDA_OUT_OF_MEMORY
        return by_number or "out of memory" in str(error).lower()
    return SHORT_OF_MEMORY.search(str(error)) is not None


def describe_device(device: "torch.device") -> str:
    """Return the device in words, for reports and `nightmend doctor`."""
    import torch

    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        return f"cpu ({platform.machine()})"
    return str(device)


def _best() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _present(device: "torch.device") -> bool:
    import torch

    if device.type == "cuda":
        return torch.cuda.is_available() and (
            device.index is None or device.index < torch.cuda.device_count()
        )
    if device.type == "mps":
        return torch.backends.mps.is_available()
    return device.type == "cpu"


def _gpu_computes_bf16(device: "torch.device") -> bool:
    """Ask this GPU, where `torch.cuda.is_bf16_supported` asks the current one.

    CUDA's have the units since compute capability 8.0; every GPU that ROCm runs on has.
    """
    import torch

    if torch.version.hip:
        return True
    return torch.cuda.get_device_capability(device) >= (8, 0)


def _torch_says_so() -> bool:
    """Ask torch, for systems without a cpuinfo file; the query is not public."""
    import torch

    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    asks = (getattr(torch.cpu, name, None) for name in names)
    return any(ask is not None and ask() for ask in asks)
