"""What users of other mappers reported, as networks of the same shape: each fits and says how, or is refused by name and number."""

from __future__ import annotations

from itertools import pairwise

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from compile import compile_model
from ir.errors import DeployError


def dense(*widths: int) -> nn.Sequential:
    """Layers of integrate-and-fire neurons that fire."""
    torch.manual_seed(0)
    modules = list[nn.Module]()
    for inputs, outputs in pairwise(widths):
        modules += [nn.Linear(inputs, outputs), neuron.IFNode(step_mode="m")]
    net = nn.Sequential(*modules)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(3)
    return net.eval()


def spikes(*shape: int) -> torch.Tensor:
    return (torch.rand(*shape, generator=torch.Generator().manual_seed(0)) < 0.5).float()


@pytest.mark.parametrize("profile", ["loihi1", "loihi2", "speck", "spinnaker2"])
def test_a_hidden_layer_of_196_neurons_has_a_map(profile: str):
    """rockpool#18: with more than 128 hidden neurons a configuration failed inside, and nothing said why."""
    (part,) = (
        compile_model(dense(12, 64, 196, 64, 7), target="gpu", profile=profile, example=spikes(4, 3, 12)).report().parts
    )
    assert (part.occupancy.neurons, part.occupancy.chips) == (331, 1)
    assert part.occupancy.misfits == ()


def test_every_layer_says_what_it_takes_of_a_core():
    """sinabs#293: which layer needs how much kernel and neuron memory on Speck."""
    convs = [
        layer.Conv2d(2, 16, 3, padding=1, bias=False, step_mode="m"),
        layer.Conv2d(16, 32, 3, bias=False, step_mode="m"),
    ]
    net = nn.Sequential(convs[0], neuron.IFNode(step_mode="m"), convs[1], neuron.IFNode(step_mode="m")).eval()
    (part,) = compile_model(net, target="gpu", profile="speck", example=spikes(2, 2, 2, 12, 12)).report().parts
    neurons, weights = 16 * 12 * 12 + 32 * 10 * 10, 2 * 16 * 9 + 16 * 32 * 9  # one core has room for both layers
    assert [row.layer for row in part.occupancy.layers] == ["1", "3"]
    for row in part.occupancy.layers:
        used = {name: (use.largest, use.limit) for name, use in row.resources.items()}
        assert used == {"neurons": (neurons, 16384), "synapse_memory": (weights, 16384), "cores_per_neuron": (1, 2)}


class Branches(nn.Module):
    """A layer that three others read."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.fires = (
            layer.Conv2d(1, 8, 3, padding=1, bias=False, step_mode="m"),
            neuron.IFNode(step_mode="m"),
        )
        self.convs = nn.ModuleList([layer.Conv2d(8, 64, 3, padding=1, bias=False, step_mode="m") for _ in range(3)])
        self.neurons = nn.ModuleList([neuron.IFNode(step_mode="m") for _ in range(3)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shared = self.fires(self.stem(x))
        return torch.cat([fires(conv(shared)) for conv, fires in zip(self.convs, self.neurons, strict=True)], dim=2)


def test_three_destinations_where_a_core_has_two_are_refused_by_name():
    """sinabs#245: networks that are no sequence."""
    with pytest.raises(DeployError) as caught:
        compile_model(Branches().eval(), target="gpu", profile="speck", example=spikes(4, 2, 1, 16, 16))
    (violation,) = caught.value.violations
    assert (violation.rule, violation.number, violation.limit) == ("map.cores-per-neuron", 3, 2)
    assert violation.where.startswith("fires")


def test_every_output_neuron_has_a_core():
    """rockpool#10: output neurons were missing in the configuration, and nothing led back to them."""
    program = compile_model(dense(12, 32, 2), target="gpu", profile="loihi1", example=spikes(4, 3, 12))
    assert program.origin is not None
    fit = program.origin.build.fit
    assert fit is not None
    chip = program.deployment.chip
    for value in chip.outputs.values():
        assert len(fit.cores.core_of[value]) == chip.nodes[value].type.size == 2


def test_a_network_of_leaky_currents_keeps_firing_in_integers():
    """rockpool#19: trained networks of these constants lost all activity to rounding."""
    rng = np.random.default_rng(0)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array([12])})}
    for name, outputs, inputs in (("hidden", 128, 12), ("out", 7, 128)):
        one = np.ones(outputs)
        nodes[f"{name}_fc"] = nir.Linear(rng.uniform(-1, 1, (outputs, inputs)) * np.sqrt(6 / inputs))
        nodes[name] = nir.CubaLIF(
            tau_syn=0.065 * one, tau_mem=0.16 * one, r=one, v_leak=0 * one, v_threshold=one, w_in=3 * one
        )
    nodes["output"] = nir.Output({"output": np.array([7])})
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    x = (rng.random((60, 4, 12)) < 0.4).astype(np.float32)
    for profile in ("loihi1", "loihi2"):
        program = compile_model(graph, target="gpu", profile=profile, dt=0.05, example=x)
        (part,) = program.report(x).parts
        assert len(part.run.matches) == 2
        for name, match in part.run.matches.items():
            assert match.kept > 0.8 * (match.kept + match.lost) > 0, (profile, name)
