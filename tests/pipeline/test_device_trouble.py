"""A device that is short of memory is told from one that is lost."""

import pytest
import torch

from pipeline.devices import is_lost, is_out_of_memory

ASSERTED = "CUDA error: device-side assert triggered\nCUDA kernel errors might be ..."


def numbered(text: str, code: int) -> torch.AcceleratorError:
    error = torch.AcceleratorError(text)
    error.error_code = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        torch.AcceleratorError("CUDA error: out of memory\nSearch for it in ..."),
        torch.AcceleratorError("HIP error: out of memory"),
        numbered("CUDA error: something in another language", 2),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError(
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
        ),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_..."),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may ..."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB, ...)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"),
    ],
)
def test_too_little_memory_is_no_reason_to_give_the_device_up(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_lost(error)


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError(ASSERTED),
        numbered("CUDA error: unspecified launch failure", 719),
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    ],
)
def test_an_error_that_stays_means_that_the_device_is_lost(error: Exception) -> None:
    assert is_lost(error)
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("out of memory"),
    ],
)
def test_other_errors_are_neither(error: Exception) -> None:
    assert not is_lost(error)
    assert not is_out_of_memory(error)
