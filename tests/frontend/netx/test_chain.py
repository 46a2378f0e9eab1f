"""Layers one after another as a chip's graph: what each adds, where delays go, what may follow what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from frontend.netx.chain import ChainBuilder
from frontend.netx.layers import NetLayer
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.ops import Delay, Past, Synapse
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

NEURON = {"type": "CUBA", "iDecay": np.array(4096), "vDecay": np.array(128), "vThMant": np.array(80)}


def layer(place: int, kind: str, **entries: Any) -> NetLayer:
    arrays = {key: value if isinstance(value, dict) else np.asarray(value) for key, value in entries.items()}
    return NetLayer(place, kind, arrays)


def dense(place: int, outputs: int, inputs: int, **entries: Any) -> NetLayer:
    kind = "dense_rec" if "weight_rec" in entries else "dense"
    weight = np.full((outputs, inputs), 100)
    return layer(place, kind, **{"shape": [outputs], "weight": weight, "neuron": NEURON, **entries})


def chain(*layers: NetLayer, shape: Any = None, last_biased: int = 0) -> ChainBuilder:
    builder = ChainBuilder("net", last=layers[-1].place, last_biased=last_biased)
    builder.enter(layers[0], shape, "x")
    for item in layers:
        if item.kind != "input":
            builder.add(item)
    return builder


def kinds(deployment: Deployment) -> list[str]:
    return [node.op.kind for node in deployment.chip.nodes.values()]


def test_a_population_per_layer() -> None:
    deployment = chain(dense(0, 3, 2), dense(1, 4, 3)).deployment()
    assert list(deployment.chip.nodes) == ["x", "dense_0_weight", "dense_0", "dense_1_weight", "dense_1"]
    assert str(deployment.chip.nodes["x"].type) == "spike[2]"
    assert deployment.chip.nodes["dense_1"].provenance.module == "layer.1"
    assert deployment.chip.params["dense_0.weight"].dtype == np.int16
    spikes = np.array([[1, 1], [0, 0], [1, 0]], np.int64)[:, None]
    (out,) = interpret(deployment.chip, {"x": spikes}).values()
    assert out.reshape(3, 4).tolist() == [[1] * 4, [0] * 4, [1] * 4], "100 of one synapse is above 80"


def test_the_input_has_the_shape_that_the_first_layer_says() -> None:
    assert chain(layer(0, "input", shape=[2, 4, 4]), layer(1, "flatten", shape=[32])).shape == (32,)
    assert chain(dense(0, 3, 2, inFeatures=2)).deployment().chip.nodes["x"].type.shape == (2,)
    assert chain(layer(0, "flatten", shape=[6]), shape=(2, 3, 1)).shape == (6,)
    with pytest.raises(CompileError, match=r"it takes \(2,\), not \(5,\)"):
        chain(dense(0, 3, 2), shape=(5,))
    with pytest.raises(CompileError, match="the shape of the input is unknown"):
        chain(layer(0, "flatten", shape=[6]))


def test_values_become_spikes_in_an_input_block_with_neurons() -> None:
    deployment = chain(layer(0, "input", shape=[2], neuron=NEURON), dense(1, 1, 2)).deployment()
    node = deployment.chip.nodes["x"]
    assert (str(node.type.domain), node.type.scale) == ("graded<8>", 1 / 32)
    assert deployment.chip.nodes["input_0_weight"].op == Synapse(128.0)
    assert deployment.chip.nodes["input_0"].op == IntegerLif(4095, 128, 80 << 6, 0, 12, 24)
    assert str(deployment.prologue.nodes["x"].type) == "real[2]"
    biased = layer(0, "input", shape=[2], neuron={**NEURON, "iDecay": np.array(1)}, bias=[1], weight=3)
    with pytest.raises(CompileError, match="adds the bias of an input to the current"):
        chain(biased)


def test_steps_between_layers_are_kept_up_to_the_last_bias() -> None:
    layers = [dense(0, 2, 2), dense(1, 2, 2), dense(2, 2, 2)]
    assert kinds(chain(*layers).deployment()).count("delay") == 0
    kept = chain(*layers, last_biased=1)
    assert (kinds(kept.deployment()).count("delay"), kept.steps_kept) == (1, 1)
    assert kept.deployment().chip.nodes["dense_1_late"].op == Delay(1)


def test_recurrent_spikes_come_one_step_late() -> None:
    deployment = chain(dense(0, 2, 1, weight_rec=np.array([[0, 1], [1, 0]]))).deployment()
    assert deployment.chip.nodes["dense_rec_0_before"].op == Past("dense_rec_0", "spike[2]")
    assert deployment.chip.nodes["dense_rec_0"].inputs == ("dense_rec_0_weight", "dense_rec_0_weight_rec")


def test_axonal_delays_of_all_and_of_channels() -> None:
    each = chain(dense(0, 2, 1, delay=[0, 5])).deployment().chip
    assert each.arrays(each.nodes["dense_0_delay"])["steps"].tolist() == [0, 5]
    for outputs, delay in ((2, 4), (1, [4])):
        chip = chain(dense(0, outputs, 1, delay=delay)).deployment().chip
        assert chip.nodes["dense_0_delay"].op == Delay(4)
    assert "dense_0_delay" not in chain(dense(0, 2, 1, delay=[0, 0])).deployment().chip.nodes
    with pytest.raises(CompileError, match=r"delays of 0\.\.63 steps"):
        chain(dense(0, 2, 1, delay=[0, 63]))


def test_synapses_have_delays_of_their_own() -> None:
    weight, delay = np.array([[90, 0, 70], [0, 100, 100]]), [[2, 9, 0], [9, 0, 2]]
    chip = chain(dense(0, 2, 3, weight=weight, delay=delay)).deployment().chip
    spikes = np.random.default_rng(0).integers(0, 2, (12, 1, 3))
    (out,) = interpret(chip, {"x": spikes}).values()
    past = np.concatenate([np.zeros((2, 3), int), spikes[:, 0]])
    sums = [past[2 - wait : 14 - wait] @ np.where(np.asarray(delay) == wait, weight, 0).T for wait in (0, 2)]
    voltage, known = np.zeros(2, int), list[list[int]]()
    for current in sum(sums):
        voltage = ((voltage * (4096 - 128)) >> 12) + (current << 6)
        fired = voltage > 80 << 6
        voltage = np.where(fired, 0, voltage)
        known.append(fired.astype(int).tolist())
    assert out[:, 0].tolist() == known
    assert 0 < out.sum() < out.size


def test_delays_of_synapses_fit_their_weights() -> None:
    with pytest.raises(CompileError, match=r"delays of shape \(2, 2\) are none of its synapses, \(2, 3\)"):
        chain(dense(0, 2, 3, delay=[[0, 1], [1, 0]]))
    with pytest.raises(CompileError, match="are none of its synapses"):
        chain(dense(0, 2, 3, delay=[[0, 1, 1], [1, 0, 0]], weight_rec=np.eye(2)))


def test_neurons_that_never_fire_are_read_at_the_end_only() -> None:
    silent = {**NEURON, "vThMant": np.array((1 << 17) - 1)}
    last = chain(dense(0, 2, 1), dense(1, 3, 2, neuron=silent))
    assert (last.readout, last.scale) == ("dense_1", 1 / 4096)
    assert isinstance(last.deployment().chip.nodes["dense_1"].op, IntegerLeaky)
    with pytest.raises(CompileError, match="it comes behind a read-out"):
        last.add(dense(2, 1, 3))
    inner = layer(0, "dense", shape=[2], weight=np.ones((2, 1)))
    with pytest.raises(CompileError, match="it has no neurons, and is not the last layer"):
        chain(inner, dense(1, 1, 2))


def test_means_of_groups_are_the_host_s() -> None:
    deployment = chain(dense(0, 6, 1), layer(1, "average", shape=[2])).deployment()
    counts = np.array([1, 0, 1, 1, 1, 1], np.float32).reshape(1, 1, 6)
    (means,) = interpret(deployment.epilogue, {"dense_0": counts}).values()
    np.testing.assert_allclose(means.reshape(-1), [2 / 3, 1])
    with pytest.raises(CompileError, match="cannot be averaged in 4 groups"):
        chain(dense(0, 6, 1), layer(1, "average", shape=[4]))


@pytest.mark.parametrize(
    ("layers", "rule", "what"),
    [
        ([dense(0, 2, 1), layer(1, "transformer")], "layer", "layers of type 'transformer' cannot be compiled"),
        ([layer(0, "transformer"), dense(1, 2, 1)], "layer", "layers of type 'transformer' cannot be compiled"),
        ([layer(0, "flatten", shape=[2]), dense(1, 2, 1)], "input", "the shape of the input is unknown"),
        ([dense(0, 2, 1), layer(1, "flatten", shape=[3])], "shape", "the file says shape (3,), its layers make (2,)"),
        ([dense(0, 2, 1), layer(1, "flatten", shape=[2], unheard=1)], "entry", "the unknown entry 'unheard'"),
        ([dense(0, 2, 1, unheard=1)], "entry", "the unknown entry 'unheard'"),
        ([layer(0, "input", shape=[2], weight=3)], "entry", "the unknown entry 'weight'"),
    ],
)
def test_what_no_chain_holds(layers: list[NetLayer], rule: str, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        chain(*layers)
    assert caught.value.rule == f"netx.{rule}"
    assert what in caught.value.what


def test_vectors_are_also_written_with_axes_of_length_1() -> None:
    assert chain(dense(0, 2, 1, shape=[2, 1, 1])).shape == (2,)


def test_a_network_has_neurons() -> None:
    with pytest.raises(CompileError, match="the network has no neurons"):
        chain(layer(0, "input", shape=[2])).deployment()
