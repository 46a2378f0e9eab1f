"""The number type of a module: its parameters', else its inputs'; half precision is refused."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from frontend.recording.dtype import HALF, check_dtype, check_parameters, dtype_of, in_dtype_of
from frontend.recording.recorder import Recorder
from ir.errors import CompileError
from ir.ops import TimeSum
from ir.types import REAL, SPIKE, Type


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_decide(dtype: torch.dtype) -> None:
    assert dtype_of(nn.Linear(2, 2).to(dtype), [torch.ones(1, dtype=torch.float64)]) is dtype
    assert dtype_of(nn.BatchNorm1d(2, affine=False).to(dtype)) is dtype


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.uint8, torch.float32),
        (torch.bool, torch.float32),
    ],
)
def test_without_parameters_the_inputs_do(given: torch.dtype, expected: torch.dtype) -> None:
    assert dtype_of(nn.ReLU(), [torch.ones(1, dtype=given)]) is expected


def _quantised(x: torch.Tensor) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch will remove them one day
        return torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)


X = torch.ones(2, 3)
NO_NUMBERS = {
    "sparse_coo": X.to_sparse(),
    "without values": X.to("meta"),
    "quantised": _quantised(X),
    "complex": X.to(torch.complex64),
    "a single number": torch.tensor(1.0),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_inputs_that_are_no_real_numbers_in_memory(kind: str) -> None:
    with pytest.raises(CompileError, match=f"example input x is {kind}") as caught:
        in_dtype_of(nn.ReLU(), {"x": NO_NUMBERS[kind]})
    assert caught.value.rule == "import.inputs"


def _with(parameter: torch.Tensor) -> nn.Module:
    module = nn.Linear(3, 2)
    module.weight = nn.Parameter(parameter, requires_grad=False)
    return module


MODULES = {
    "sparse_coo": lambda: _with(X.to_sparse()),
    "without values": lambda: nn.LazyLinear(2),
    "complex": lambda: _with(X.to(torch.complex64)),
    "NaN": lambda: _with(X * torch.nan),
}


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("kind", MODULES)
def test_parameters_that_are_no_real_numbers_in_memory(kind: str) -> None:
    with pytest.raises(CompileError, match=f"parameter weight of net .*{kind}"):
        check_parameters(MODULES[kind](), "net", "net.py")


@pytest.mark.parametrize("dtype", HALF)
def test_half_precision_is_refused_with_the_way_out(dtype: torch.dtype) -> None:
    with pytest.raises(CompileError, match=r"compile module.float\(\)") as caught:
        dtype_of(nn.Linear(2, 2).to(dtype))
    assert caught.value.rule == "import.dtype"


def test_spikes_and_their_sums_may_become_integers_and_nothing_else() -> None:
    recorder = Recorder("net", 4, 3, {})
    spikes, x = (recorder.input(name, Type((2,), domain)).value for name, domain in (("s", SPIKE), ("x", REAL)))
    total, mean = (recorder.emit(TimeSum(factor), spikes) for factor in (1.0, 0.25))
    truth, whole = torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.int64)
    for made, value in ((truth, spikes), (whole, spikes), (whole, total)):
        check_dtype(recorder, "to", made, value)
    for made, value in ((truth, x), (whole, x), (truth, total), (whole, mean)):
        with pytest.raises(CompileError, match="casts computed numbers"):
            check_dtype(recorder, "to", made, value)
    with pytest.raises(CompileError, match="makes torch"):
        check_dtype(recorder, "double", torch.ones(2, dtype=torch.float64), spikes)
