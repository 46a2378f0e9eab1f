"""The spikes of every neuron layer in the order of the layers' runs, as the graph's nodes shape them."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based.neuron import IFNode
from torch import nn

from frontend.tracing.spike_record import SpikeRecord
from ir.errors import CompileError
from ir.graph import Node, Provenance
from ir.ops import Lif
from ir.types import SPIKE, Type

STEPS = 4
X = torch.tensor([1.0, 0.0, 1.0, 1.0]).reshape(STEPS, 1, 1) * torch.tensor([1.0, 0.5, 0.0, 1.0, 0.25, 0.0])
"""(T, 1, 6); with a threshold of 1 and a reset to 0: [x[0] + x[1] + ... since the last spike >= 1]."""
SPIKES = torch.tensor([[1.0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0]])[:, None]


class Net(nn.Module):
    """The same layer twice, stepping by itself or over the whole window."""

    def __init__(self, step_mode: str) -> None:
        super().__init__()
        self.inner = nn.Sequential(IFNode(step_mode=step_mode))
        self.last = IFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (lif,) = self.inner
        spikes = lif(x) if lif.step_mode == "m" else torch.stack([lif(step) for step in x])
        return self.last(spikes)


def node(name: str, module: str, *shape: int) -> Node:
    return Node(name, Lif(decay=0.0, form="sum"), (), Type(shape, SPIKE), provenance=Provenance(module))


def recorded(step_mode: str) -> tuple[Net, SpikeRecord, torch.Tensor]:
    net = Net(step_mode).eval()
    net.inner[0](X[0] if step_mode == "s" else X)  # a state is left over
    record = SpikeRecord(net)
    with torch.no_grad():
        return net, record, record.run({"x": X})


@pytest.mark.parametrize("step_mode", ["s", "m"])
def test_single_steps_are_stacked_to_the_window(step_mode: str) -> None:
    net, record, result = recorded(step_mode)
    assert torch.equal(record.next(node("lif", "inner.0", 2, 3), STEPS), SPIKES.reshape(STEPS, 1, 2, 3))
    assert torch.equal(record.next(node("last", "last", 6), STEPS), result)
    record.check_all_used()
    assert net.inner[0].v == 0.0, "the neurons are reset"
    assert not net.inner[0]._forward_hooks


def test_a_hook_that_changes_what_a_layer_gives_is_no_part_of_the_layer() -> None:
    net = Net("m").eval()
    net.inner[0].register_forward_hook(lambda module, args, spikes: 2 * spikes)
    record = SpikeRecord(net)
    record.run({"x": X})
    assert torch.equal(record.next(node("lif", "inner.0", 6), STEPS), SPIKES)


def test_spikes_of_earlier_steps() -> None:
    _, record, _ = recorded("m")
    for late in (1, 3):
        expected = torch.cat([torch.zeros(late, 1, 6), SPIKES[:-late]])
        assert torch.equal(record.before(node("lif", "inner.0", 6), late, len(SPIKES)), expected)
    record.next(node("lif", "inner.0", 6), STEPS)
    assert torch.equal(record.before(node("lif", "inner.0", 6), 3, len(SPIKES)), expected), "also behind the layer"


def test_layers_that_the_graph_lacks_and_those_that_the_module_lacks() -> None:
    _, record, _ = recorded("m")
    record.next(node("lif", "inner.0", 6), STEPS)
    with pytest.raises(CompileError, match="the graph lacks the neuron layer last"):
        record.check_all_used()
    for name in ("inner.0", "elsewhere"):
        with pytest.raises(CompileError, match="%lif has no neuron layer in the module") as caught:
            record.next(node("lif", name, 6), STEPS)
        assert (caught.value.rule, caught.value.where) == ("import.mismatch", name)


class Comparing(nn.Module):
    """It fires without a layer."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([(step >= 1).float() for step in x])


def test_comparisons_are_of_as_many_steps_as_they_are() -> None:
    record = SpikeRecord(Comparing())
    record.run({"x": X})
    assert torch.equal(record.next(node("spikes", "", 6), STEPS), (X >= 1).float())
    with pytest.raises(CompileError, match="%spikes has no neuron layer in the module"):
        record.next(node("spikes", "", 6), STEPS + 1)


def test_membranes_are_passed_over() -> None:
    _, record, _ = recorded("m")
    record.skip(node("lif", "inner.0", 6))
    record.next(node("last", "last", 6), STEPS)
    record.check_all_used()
    with pytest.raises(CompileError, match="%v has no neuron layer"):
        record.skip(node("v", "elsewhere", 6))
