"""Zeros around spikes and currents between neurons: the lowered network fires as the source does, at no neuron's cost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.errors import DeployError
from ir.graph import GraphBuilder
from ir.lowerings.rules import pad
from ir.ops import Conv, Input, Lif, Linear, Offset, Pad, Reshape, Scale
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

RANDOM = np.random.default_rng(0)
KERNEL = (RANDOM.integers(-4, 5, (4, 3, 3, 3)) / 4).astype(np.float32)
ONES = (RANDOM.integers(-4, 5, (3, 2, 1, 1)) / 4).astype(np.float32)
WIDE = (RANDOM.integers(-4, 5, (3, 2, 3, 3)) / 4).astype(np.float32)
BIAS = np.array([0.5, 0.0, -0.5], np.float32)
AROUND: list[Op] = [Pad(1, 1, 1), Pad(2, 1, 1)]


def lowered_alike(cmsf: SimpleNamespace, shape: str, *chain: Op | tuple[Op, dict[str, np.ndarray]]) -> list[str]:
    """Lower input -> chain -> neuron and compare; the kinds of the lowered nodes."""
    builder = GraphBuilder("padded", 3)
    value = builder.add(Input(f"spike[{shape}]"), name="x")
    for place, item in enumerate(chain):
        op, arrays = item if isinstance(item, tuple) else (item, {})
        params = {role: builder.param(f"{role}{place}", array) for role, array in arrays.items()}
        value = builder.add(op, value, name=op.kind, params=params)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=20))
    return [node.op.kind for node in lowered.nodes.values()]


PLAIN = Conv((1, 1), (0, 0), (1, 1))
CONV, WIDE_CONV = (PLAIN, {"weight": KERNEL}), (PLAIN, {"weight": WIDE, "bias": BIAS})
POINTS = (PLAIN, {"weight": ONES, "bias": BIAS})


def test_padded_spikes_are_a_padded_convolution(cmsf: SimpleNamespace) -> None:
    assert lowered_alike(cmsf, "3x4x5", *AROUND, CONV) == ["input", "conv", "lif"]


def test_padding_behind_kernels_of_one_leaves_the_bias_inside(cmsf: SimpleNamespace) -> None:
    assert lowered_alike(cmsf, "2x4x5", POINTS, *AROUND) == ["input", "conv", "lif"]


def test_borders_of_constants_before_a_convolution(cmsf: SimpleNamespace) -> None:
    border = np.ones((3, 6, 7), np.float32)
    border[:, 1:-1, 1:-1] = 0
    kinds = lowered_alike(cmsf, "3x4x5", *AROUND, (Offset(), {"bias": border}), CONV)
    assert kinds == ["input", "conv", "lif"]


CHAINS: dict[str, tuple[str, list[Op | tuple[Op, dict[str, np.ndarray]]]]] = {
    "one side": ("3x4x5", [Pad(2, 0, 2), CONV]),
    "channels": ("2x4x5", [Pad(0, 1, 0), CONV]),
    "a kernel of three": ("2x4x5", [WIDE_CONV, *AROUND]),
    "no image": ("6", [Pad(0, 1, 2)]),
    "a factor": ("3x4x5", [Scale(0.5), *AROUND, CONV]),
    "reshaped before": ("12x5", [Reshape((3, 4, 5)), *AROUND, CONV]),
    "before a matrix": ("4", [Pad(0, 1, 1), (Linear(), {"weight": KERNEL.reshape(-1, 6)})]),
    "a sequence": ("3x5", [Pad(1, 2, 2)]),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_zeros_anywhere(cmsf: SimpleNamespace, chain: str) -> None:
    shape, ops = CHAINS[chain]
    assert "pad" not in lowered_alike(cmsf, shape, *ops)


def test_a_matrix_that_is_too_large_is_refused(cmsf: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pad, "MAX_WEIGHTS", 100)
    with pytest.raises(DeployError, match="would hold more than 100 weights"):
        lowered_alike(cmsf, "2x4x5", WIDE_CONV, *AROUND)
