"""The group of a layer: what is shared is one number, what differs is said by neuron or channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from backends.netx.layer import NetxLayer
from backends.netx.neurons import NetxNeurons
from ir.errors import CompileError


def layer(kind: str, shape: tuple[int, ...], delays: Any = 0, **constants: Any) -> NetxLayer:
    size = int(np.prod(shape))
    plain = {"i_decay": 4096, "v_decay": 128, "threshold": 80, "bias": 0, **constants}
    arrays = {name: np.broadcast_to(np.asarray(value), size) for name, value in plain.items()}
    return NetxLayer(kind, shape, {"weight": np.ones((size, 3))}, NetxNeurons(**arrays), np.asarray(delays))


def test_neurons_that_are_alike_are_said_once() -> None:
    entries = layer("dense", (4,)).entries(0)
    assert set(entries) == {"type", "shape", "weight", "neuron"}
    neuron = entries["neuron"]
    assert isinstance(neuron, Mapping)
    numbers = {name: np.asarray(value).tolist() for name, value in neuron.items()}
    expected = {"iDecay": 4096, "vDecay": 128, "vThMant": 80, "refDelay": 1, "gradedSpike": False}
    assert numbers == {"type": "CUBA", **expected}


def test_neurons_that_differ_are_said_by_neuron_or_channel() -> None:
    vector = layer("dense", (3,), threshold=[7, 8, 9], bias=[0, 1, 0]).entries(0)
    image = layer("conv", (2, 1, 2), bias=[5, 5, 6, 6]).entries(0)
    assert isinstance(vector["neuron"], Mapping)
    assert np.asarray(vector["neuron"]["vThMant"]).tolist() == [7, 8, 9]
    assert np.asarray(vector["bias"]).tolist() == [0, 1, 0]
    assert np.asarray(image["bias"]).tolist() == [5, 6]


@pytest.mark.parametrize(("kind", "delay"), [("dense", 63), ("conv", 1), ("dense_rec", 1)])
def test_delays_that_netx_lacks_are_refused(kind: str, delay: int) -> None:
    own = layer(kind, (2, 1, 1) if kind == "conv" else (2,), np.full((2, 3), delay + 1))
    with pytest.raises(CompileError, match=f"delays of up to {delay} steps"):
        own.entries(1)
    assert "delay" not in own.entries(delay + 1)


def test_what_remembers() -> None:
    assert not layer("dense", (2,), [[2, 2]]).remembers, "late as a whole"
    assert layer("dense", (2,), [[2, 3]]).remembers
    assert layer("dense_rec", (2,)).remembers
