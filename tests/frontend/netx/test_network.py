"""The network of a file: layers in a chain, which of their steps are kept, and errors that name the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from frontend.netx.layers import NetLayer
from frontend.netx.network import IntegerNetwork, network_of, read_net
from ir.errors import CompileError

NEURON: dict[str, Any] = {"type": "CUBA", "iDecay": np.array(4096), "vDecay": np.array(128), "vThMant": np.array(80)}


def dense(place: int, **entries: Any) -> NetLayer:
    return NetLayer(
        place, "dense", {"shape": np.array([2]), "weight": np.full((2, 2), 50), "neuron": NEURON, **entries}
    )


def write(path: Path, *layers: NetLayer) -> Path:
    with h5py.File(path, "w") as file:
        for layer in layers:
            group = file.create_group(f"layer/{layer.place}")
            group["type"] = layer.kind
            for key, value in layer.entries.items():
                if isinstance(value, dict):
                    for name, item in value.items():
                        group[f"{key}/{name}"] = item
                else:
                    group[key] = value
    return path


def test_a_file_is_the_network_of_its_layers(tmp_path: Path) -> None:
    layers = [dense(0), dense(1)]
    network = read_net(write(tmp_path / "mine.net", *layers))
    assert (network.scale, network.readout, network.steps_kept) == (1.0, "", 0)
    assert network.deployment.chip.name == "mine.chip"
    assert network.deployment.chip == network_of(layers, "mine").deployment.chip


@pytest.mark.parametrize(("biased", "steps"), [((), 0), ((0,), 0), ((1,), 1), ((2,), 2), ((0, 2), 2)])
def test_steps_are_kept_up_to_the_last_layer_with_a_bias(biased: tuple[int, ...], steps: int) -> None:
    bias = {"bias": np.array([1, 0])}
    network = network_of([dense(place, **(bias if place in biased else {})) for place in range(3)], "net")
    assert network.steps_kept == steps


def test_a_bias_of_zeros_is_none() -> None:
    assert network_of([dense(0), dense(1, bias=np.zeros(2, int))], "net").steps_kept == 0


def test_names() -> None:
    network = network_of([dense(0)], "größe", entry="current")
    assert network.deployment.chip.name == "network.chip"
    assert [node.name for node in network.deployment.prologue.inputs] == ["current"]
    with pytest.raises(CompileError, match="the input has the name of a layer, dense_0"):
        network_of([dense(0)], "net", entry="dense_0")


def test_an_input_layer_comes_first(tmp_path: Path) -> None:
    layers = [dense(0), NetLayer(1, "input", {"shape": np.array([2])})]
    with pytest.raises(CompileError, match="an input layer comes first") as caught:
        read_net(write(tmp_path / "a.net", *layers))
    assert caught.value.rule == "netx.input"
    assert caught.value.where == f"{tmp_path / 'a.net'}: layer 1 (input)"


def test_the_shape_of_the_input_may_be_the_caller_s(tmp_path: Path) -> None:
    kernel = {"weight": np.ones((1, 1, 2, 2)), "groups": np.array(1), "shape": np.array([1, 3, 4]), "neuron": NEURON}
    window = {"stride": np.array(1), "padding": np.array(0), "dilation": np.array(1)}
    path = write(tmp_path / "a.net", NetLayer(0, "conv", {**kernel, **window}))
    with pytest.raises(CompileError, match="the shape of the input is unknown"):
        read_net(path)
    network = read_net(path, (1, 4, 5))
    assert isinstance(network, IntegerNetwork)
    assert network.deployment.chip.nodes["conv_0"].type.shape == (1, 3, 4)
