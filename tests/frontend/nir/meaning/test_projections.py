"""Stateless nodes of NIR against torch, and delays in whole steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from frontend.nir.meaning.projections import MAX_DELAY, PROJECTIONS, delay_steps, is_homogeneous, projection
from frontend.nir.reading.network import NirNode
from ir.errors import CompileError

RNG = np.random.default_rng(0)
Tensor = torch.Tensor


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def node(kind: str, taken: tuple[int, ...], made: tuple[int, ...], **params: Any) -> NirNode:
    return NirNode(kind, params, {}, taken, made)


def run(item: NirNode, x: np.ndarray) -> np.ndarray:
    """(B, *input) through the node's operations."""
    value = x[None]
    for op, params in projection(item, "float32"):
        value = op.run((value,), params, 1)
    return np.asarray(value)[0]


def conv(*shape: int, **changes: Any) -> dict[str, Any]:
    """A convolution's parameters as the reader returns them: numbers per axis, paddings as pairs."""
    rank = len(shape) - 2
    plain = {"stride": (1,) * rank, "padding": ((0, 0),) * rank, "dilation": (1,) * rank, "groups": 1}
    return {"weight": array(*shape), "bias": array(shape[0]), **plain, **changes}


def pool(kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> dict[str, Any]:
    return {"kernel_size": kernel, "stride": stride, "padding": tuple((pad, pad) for pad in padding)}


W, B, TOKENS, TOKEN_BIAS, SCALE = array(3, 4), array(3), array(5, 3, 4), array(5, 3), array(2, 3)
SAME, TIGHT = (
    conv(4, 1, 3, 2, groups=2, padding=((1, 1), (0, 1))),
    conv(4, 2, 3, stride=(2,), dilation=(2,), bias=np.zeros(4)),
)
CASES: dict[str, tuple[NirNode, Callable[[Tensor], Tensor], list[str]]] = {
    "Linear": (node("Linear", (4,), (3,), weight=W), lambda x: F.linear(x, torch.from_numpy(W)), ["linear"]),
    "Affine": (
        node("Affine", (4,), (3,), weight=W, bias=B),
        lambda x: F.linear(x, torch.from_numpy(W), torch.from_numpy(B)),
        ["linear"],
    ),
    "Affine of tokens": (
        node("Affine", (5, 4), (5, 3), weight=TOKENS, bias=TOKEN_BIAS),
        lambda x: torch.einsum("toi,bti->bto", torch.from_numpy(TOKENS), x) + torch.from_numpy(TOKEN_BIAS),
        ["reshape", "conv", "reshape"],
    ),
    "Conv2d": (
        node("Conv2d", (2, 6, 5), (4, 6, 5), **SAME),
        lambda x: F.conv2d(
            F.pad(x, (0, 1, 1, 1)), torch.from_numpy(SAME["weight"]), torch.from_numpy(SAME["bias"]), groups=2
        ),
        ["pad", "conv"],
    ),
    "Conv1d": (
        node("Conv1d", (2, 9), (4, 3), **TIGHT),
        lambda x: F.conv1d(x, torch.from_numpy(TIGHT["weight"]), None, 2, 0, 2),
        ["conv"],
    ),
    "SumPool2d": (
        node("SumPool2d", (2, 6, 5), (2, 3, 5), **pool((2, 3), (2, 1), (0, 1))),
        lambda x: F.avg_pool2d(x, (2, 3), (2, 1), (0, 1)) * 6,
        ["conv"],
    ),
    "AvgPool2d": (
        node("AvgPool2d", (2, 6, 5), (2, 3, 5), **pool((2, 3), (2, 1), (0, 1))),
        lambda x: F.avg_pool2d(x, (2, 3), (2, 1), (0, 1)),
        ["conv"],
    ),
    "Flatten": (node("Flatten", (2, 3, 4), (6, 4), start_dim=0, end_dim=1), lambda x: x.flatten(1, 2), ["reshape"]),
    "Scale": (node("Scale", (2, 3), (2, 3), scale=SCALE), lambda x: x * torch.from_numpy(SCALE), ["scale"]),
    "Scale by one": (node("Scale", (2, 3), (2, 3), scale=np.full((2, 3), 0.5)), lambda x: x * 0.5, ["scale"]),
}


def test_every_projection_has_a_case() -> None:
    assert {case.split()[0] for case in CASES} == PROJECTIONS.keys()


@pytest.mark.parametrize("case", CASES)
def test_projections_as_torch_computes_them(case: str) -> None:
    item, expected, kinds = CASES[case]
    x = array(7, *item.input_shape)
    result = run(item, x)
    assert result.shape == (7, *item.output_shape)
    np.testing.assert_allclose(result, expected(torch.from_numpy(x)).numpy(), rtol=1e-5, atol=1e-5)
    assert [op.kind for op, _ in projection(item, "float32")] == kinds


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_come_in_the_network_s_dtype(dtype: str) -> None:
    operations = projection(CASES["Affine of tokens"][0], dtype)
    assert {str(array.dtype) for _, params in operations for array in params.values()} == {dtype}


def test_one_factor_for_all_is_an_attribute() -> None:
    ((op, params),) = projection(CASES["Scale by one"][0], "float32")
    assert (op.attributes(), params) == ({"factor": 0.5}, {})


def test_a_bias_of_zeros_is_left_out_of_convolutions_and_stays_in_matrices() -> None:
    """NIR's convolutions must have one; who writes an Affine wants it."""
    assert projection(CASES["Conv1d"][0], "float32")[0][1].keys() == {"weight"}
    affine = node("Affine", (4,), (3,), weight=W, bias=np.zeros(3))
    assert projection(affine, "float32")[0][1].keys() == {"weight", "bias"}


def test_nothing_comes_from_nothing_unless_there_is_a_bias() -> None:
    homogeneous = {case for case, (item, *_) in CASES.items() if is_homogeneous(item)}
    assert homogeneous == CASES.keys() - {"Affine", "Affine of tokens", "Conv2d"}
    assert is_homogeneous(node("Affine", (4,), (3,), weight=W, bias=np.zeros(3)))
    assert not is_homogeneous(node("LIF", (4,), (4,)))


def steps(delay: Any, dt: float | None, rounding: str = "nearest", dtype: Any = np.float64) -> Any:
    return delay_steps(node("Delay", (3,), (3,), delay=np.array(delay, dtype)), dt, rounding).tolist()


@pytest.mark.parametrize(("rounding", "expected"), [("nearest", [1, 2, 3]), ("floor", [1, 1, 2]), ("ceil", [2, 2, 3])])
def test_delays_are_rounded_as_stated(rounding: str, expected: list[int]) -> None:
    assert steps([0.12, 0.15, 0.26], 0.1, rounding) == expected


@pytest.mark.parametrize("rounding", ["nearest", "floor", "ceil"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_steps_stay_whole_in_any_dtype(rounding: str, dtype: Any) -> None:
    assert steps([0.001, 0.003, 0.7], 0.001, rounding, dtype) == [1, 3, 700]


def test_halves_stay_halves_in_any_dtype() -> None:
    """As docs/semantics.md says: 0.0025 in float32 is a little less."""
    assert float(np.float32(0.0025)) / 0.001 < 2.5
    assert steps([0.0025, 0.0045, 0.0035], 0.001, dtype=np.float32) == [3, 5, 4]
    assert steps([3.499995, 3.49998, 3.4], 1.0) == [4, 3, 3]


def test_delays_that_all_elements_share_have_no_axes() -> None:
    assert steps([0.5, 0.5, 0.5], 0.25) == 2
    assert steps([0.0, 0.0, 0.0], None) == 0, "no delay needs no time step"


def test_delays_beyond_all_sense_are_refused() -> None:
    assert steps([1.0, 1.0, float(MAX_DELAY)], 1.0) == [1, 1, MAX_DELAY]
    with pytest.raises(CompileError, match=r"steps of 1e-06") as caught:
        steps([1.0, 1.0, 5.0], 1e-6)
    assert caught.value.rule == "nir.value"
