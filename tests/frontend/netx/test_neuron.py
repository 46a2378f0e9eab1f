"""CUBA neurons as the chip's integers: constants by hand, a run against SLAYER's equations, and what no neuron does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontend.netx.layers import NetLayer
from frontend.netx.neuron import READ_OUT, SUM_SCALE, VOLTAGE_SCALE, Cuba, by_channel, cuba_of
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

PLAIN = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80}


def layer(bias: Any = None, neuron: Any = PLAIN) -> NetLayer:
    entries: dict[str, Any] = {} if bias is None else {"bias": np.asarray(bias)}
    if neuron is not None:
        entries["neuron"] = {k: v if isinstance(v, str) else np.asarray(v) for k, v in neuron.items()}
    return NetLayer(1, "dense", entries)


def test_one_constant_for_all_neurons() -> None:
    cuba = cuba_of(layer(), (5,))
    assert cuba.spiking() == IntegerLif(1023, 128, 80, 6, 12, 24)
    assert cuba.spiking(shift=0) == IntegerLif(1023, 128, 80 << 6, 0, 12, 24)
    assert cuba.reading() == IntegerLeaky(1023, 128, 6, 12, 24, 24)
    assert (cuba.bias, cuba.read_scale) == (None, None)
    assert cuba.params(GraphBuilder("net", 0), "dense_1", cuba.spiking()) == {}


def test_slayer_s_equations_on_integers() -> None:
    """u <- u (4096 - iDecay) / 4096 + 64 a, v <- v (4096 - vDecay) / 4096 + u + 64 b, both rounded toward zero; v > 64 vTh fires."""
    cuba = cuba_of(layer(bias=[3]), (1,))
    op, inputs = cuba.spiking(), np.array([40, 0, 55, -20, 90, 90, 0, 3], np.int64)
    u, v, expected = 0, 0, []
    for a in inputs.tolist():
        u = int(u * (4096 - 1024) / 4096) + 64 * a
        v = int(v * (4096 - 128) / 4096) + u + 64 * 3
        expected.append(int(v > 80 << 6))
        v = 0 if v > 80 << 6 else v
    builder = GraphBuilder("net", 0)
    params = {role: builder.array(name) for role, name in cuba.params(builder, "n", op).items()}
    spikes = op.run((inputs.reshape(-1, 1, 1),), params, len(inputs))
    assert spikes.reshape(-1).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_constants_of_channels_are_parameters() -> None:
    neuron = {**PLAIN, "iDecay": [1, 4096], "vThMant": [10, 20]}
    cuba = cuba_of(layer(bias=[1, 2], neuron=neuron), (2, 3, 1))
    builder = GraphBuilder("net", 0)
    params = cuba.params(builder, "n", cuba.spiking())
    assert {role: builder.array(name).reshape(-1).tolist() for role, name in params.items()} == {
        "du": [0, 4095],
        "vth": [10, 20],
        "bias": [64, 128],
    }
    assert builder.array(params["du"]).shape == (2, 1, 1)
    assert params["vth"] == "n.vth"
    finer = cuba.params(builder, "fine", cuba.spiking(shift=0))
    assert builder.array(finer["vth"]).reshape(-1).tolist() == [640, 1280]


def test_neurons_that_never_fire_and_no_neurons_at_all_are_read() -> None:
    silent = cuba_of(layer(neuron={**PLAIN, "vThMant": READ_OUT}), (5,))
    assert silent.read_scale == VOLTAGE_SCALE == 1 / 4096
    bare = cuba_of(layer(bias=[7], neuron=None), (5,))
    assert bare.read_scale == SUM_SCALE == 1 / 64
    assert bare.reading() == IntegerLeaky(4095, 4096, 0, 12, 24, 24)
    builder = GraphBuilder("net", 0)
    params = bare.params(builder, "n", bare.reading())
    assert builder.array(params["bias"]).tolist() == [7] * 5, "a sum of weights is not shifted"
    some = Cuba(np.array(1), np.array(1), np.array([READ_OUT, 5]), None)
    assert some.read_scale is None


@pytest.mark.parametrize("bias", [np.arange(6).reshape(2, 3, 1), [[5]], [1, 2]])
def test_biases_of_neurons_of_all_and_of_channels(bias: Any) -> None:
    result = cuba_of(layer(bias=bias), (2, 3, 1)).bias
    assert result is not None
    expected = np.asarray(bias).reshape(-1, 1, 1) if np.size(bias) < 6 else bias
    np.testing.assert_array_equal(np.broadcast_to(result, (2, 3, 1)), np.broadcast_to(expected, (2, 3, 1)))


def test_a_number_per_channel() -> None:
    assert by_channel(layer(), "x", np.array([1, 2]), (2, 3, 4)).shape == (2, 1, 1)
    with pytest.raises(CompileError, match=r"x of shape \(3,\) does not fit 2 channels"):
        by_channel(layer(), "x", np.arange(3), (2, 3, 4))


@pytest.mark.parametrize(
    ("changes", "bias", "rule", "what"),
    [
        ({"type": "ADRF"}, None, "neuron", "ADRF neurons are not Loihi's"),
        ({"refDelay": 2}, None, "neuron", "refDelay is not 1"),
        ({"gradedSpike": 1}, None, "neuron", "gradedSpike is not 0"),
        ({"unheard": 1}, None, "entry", "the unknown entry 'unheard'"),
        ({"iDecay": 4097}, None, "range", "iDecay must lie in 0..4096"),
        ({"vDecay": -1}, None, "range", "vDecay must lie in 0..4096"),
        ({"vThMant": 1 << 19}, None, "range", "vThMant must lie in 0..262144"),
        ({"iDecay": [1, 2, 3]}, None, "shape", "iDecay of shape (3,) does not fit 5 channels"),
        ({}, [1 << 15], "range", "bias must lie within 15 bits"),
        ({}, [1, 2], "shape", "bias of shape (2,) does not fit 5 channels"),
    ],
)
def test_what_no_neuron_of_the_chip_does(changes: dict[str, Any], bias: Any, rule: str, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        cuba_of(layer(bias, {**PLAIN, **changes}), (5,))
    assert caught.value.rule == f"netx.{rule}"
    assert what in caught.value.what


def test_entries_about_gradients_are_passed_over() -> None:
    assert cuba_of(layer(neuron={**PLAIN, "tauRho": 1, "theta": 3, "refDelay": 1}), (5,)).spiking().vth == 80
