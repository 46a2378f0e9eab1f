"""What users of other tools reported, as networks of the same shape: each fits and says how, or is refused by name and number."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn
from torch.nn.utils import parametrize

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


@pytest.mark.lava
def test_two_engines_agree_step_by_step_for_long():
    """nengo-loihi#57: the emulation and the chip fired alike in the first steps, and apart from some step on."""
    rng, one = np.random.default_rng(0), np.ones(100)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input({"input": np.array([1])})}
    for name, inputs in (("a", 1), ("b", 100)):
        weight, bias = rng.normal(0, 3 / np.sqrt(inputs), (100, inputs)), rng.uniform(0, 2, 100)
        nodes[f"{name}_fc"] = nir.Affine(weight, bias)
        nodes[name] = nir.CubaLIF(
            tau_syn=0.005 * one, tau_mem=0.02 * one, r=one, v_leak=0 * one, v_threshold=one, w_in=5 * one
        )
    nodes["output"] = nir.Output({"output": np.array([100])})
    graph = nir.NIRGraph(nodes, list(pairwise(nodes)))
    (part,) = compile_model(graph, target="loihi", dt=1e-3, example=np.zeros((100, 1, 1), np.float32)).report().parts
    assert all(part.run.events.spikes[name] > 100 for name in "ab")
    assert (part.run.verdict.differing, part.run.verdict.events_equal) == (0, True)
    assert part.run.verdict.text().startswith("0 of 30,000 values differ in 2 populations")


def test_a_small_classifier_in_integers_decides_as_in_floats_however_many_inputs_spike_at_once():
    """nengo-loihi#109: of 94 % in the simulator 49 % were left in the emulation, and spikes were lost where a step had many."""
    rng, net = np.random.default_rng(0), dense(16, 32, 16, 10)
    with torch.no_grad():
        for module in net[::2]:
            module.weight.copy_(torch.as_tensor(rng.normal(0, 0.7, module.weight.shape)))
            module.bias.mul_(0.1)
    pixels = rng.random((1, 40, 16)) < 0.5
    x = torch.as_tensor(pixels & (rng.random((20, 40, 16)) < 0.7)).float()
    x[0] = 1
    (part,) = compile_model(net, target="gpu", profile="loihi1", example=x).report(x).parts
    decided = {
        kind: np.asarray(outputs["output"]).sum(axis=0).argmax(axis=1)
        for kind, outputs in {**part.run.others, "compiled": part.run.outputs}.items()
    }
    assert len(np.unique(decided["source"])) > 3
    assert (decided["compiled"] == decided["source"]).mean() >= 0.9
    assert part.run.events.spikes["input"] == x.sum()
    assert all(match.kept > 0.9 * (match.kept + match.lost) > 0 for match in part.run.matches.values())


def test_kernels_are_not_turned(tmp_path: Path):
    """lava-dl#260: kernels were transposed on the way into Lava; nine of them see one pixel each, and name it."""
    conv = layer.Conv2d(1, 9, 3, bias=False, step_mode="m")
    with torch.no_grad():
        conv.weight.copy_(torch.eye(9).reshape(9, 1, 3, 3) * 2)
    pixels = torch.eye(9).reshape(1, 9, 1, 3, 3)
    program = compile_model(
        nn.Sequential(conv, neuron.IFNode(step_mode="m")), target="gpu", profile="netx", example=pixels
    )
    program.emit("netx", tmp_path / "pixels.net")
    read = compile_model(tmp_path / "pixels.net", target="gpu", example=pixels)
    for each in (program, read):
        (fired,) = each.run(pixels).outputs.values()
        assert np.array_equal(np.asarray(fired).sum(axis=0).reshape(9, 9), np.eye(9))


def test_operations_energy_and_time_are_those_of_a_chip():
    """snn_toolbox#99 and #139, spikingjelly#258 and #348: what an inference takes, by events and prices of a chip."""
    net, x = dense(12, 32, 8), spikes(4, 3, 12)
    (part,) = compile_model(net, target="gpu", profile="loihi1", example=x).report(x).parts
    events, timing, energy = part.run.events, part.run.timing, part.energy
    assert sum(events.synaptic.values()) == 32 * x.sum() + 8 * events.spikes["1"]
    assert sum(events.updates.values()) == 4 * 3 * (32 + 8)
    assert timing is not None
    assert timing.times.isolated.value >= 4 * timing.times.step.value > 0
    assert energy is not None
    fired = events.spikes["1"] + events.spikes["3"]
    counted = {
        "synaptic_event": sum(events.synaptic.values()),
        "neuron_update": sum(events.updates.values()),
        "spike": fired,
    }
    by_hand = sum(float(energy.prices[price].value) * count / 3 for price, count in counted.items())
    assert float(energy.counted_pj - energy.crossing.counted_pj) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand > 0


def test_an_estimate_has_what_moves_between_chips_and_what_idle_neurons_take():
    """snntorch#170: synaptic operations times a price overstate what spikes save, as nothing that moves is in it."""
    convs = [layer.Conv2d(1, 40, 3, padding=1, step_mode="m"), layer.Conv2d(40, 1, 3, step_mode="m")]
    net = nn.Sequential(convs[0], neuron.IFNode(step_mode="m"), convs[1], neuron.IFNode(step_mode="m")).eval()
    (part,) = compile_model(net, target="gpu", profile="loihi1", example=spikes(2, 1, 1, 64, 64)).report().parts
    energy = part.on_chip
    assert part.occupancy.chips > 1
    assert energy is not None
    assert part.energy is not None
    assert energy.streaming.energy is not None
    lines = {line.price: line for line in energy.streaming.lines}
    assert min(lines[hop].count for hop in ("hop_east_west", "hop_north_south")) > 0
    assert lines["neuron_update"].count == 2 * (40 * 64 * 64 + 62 * 62)
    assert energy.streaming.energy.value > part.energy.counted_pj
    assert part.energy.dense_twin_pj > 0


class FakeQuantized(nn.Module):
    """Weights of so many bits, as quantisation-aware training computes with them: a scale from the largest one."""

    def __init__(self, bits: int, per_channel: bool) -> None:
        super().__init__()
        self.levels, self.per_channel = 2 ** (bits - 1) - 1, per_channel

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        magnitudes = weight.abs().amax(dim=(1, 2, 3), keepdim=True) if self.per_channel else weight.abs().max()
        scale = magnitudes / self.levels
        return weight + ((weight / scale).round() * scale - weight).detach()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("normed", [False, True])
def test_weights_of_quantisation_aware_training_are_the_chips(bits: int, per_channel: bool, normed: bool):
    """brevitas#548: convolutional spiking networks are trained with weights of few bits, which are not to be rounded again."""
    torch.manual_seed(bits)
    modules = list[nn.Module]()
    for inputs, outputs in ((2, 8), (8, 6)):
        conv = layer.Conv2d(inputs, outputs, 3, bias=False, step_mode="m")
        norm = layer.BatchNorm2d(outputs, step_mode="m")
        with torch.no_grad():
            conv.weight.mul_(3)
            norm.weight.uniform_(0.8, 1.5)
            norm.running_var.uniform_(0.5, 1)
        parametrize.register_parametrization(conv, "weight", FakeQuantized(bits, per_channel))
        modules += [conv, *([norm] if normed else []), neuron.LIFNode(decay_input=False, step_mode="m")]
    x = spikes(4, 8, 2, 12, 12)
    (part,) = compile_model(nn.Sequential(*modules).eval(), target="gpu", example=x).report(x).parts
    for match in part.run.matches.values():
        assert match.kept > 50
        assert match.lost + match.added <= (0.02 * match.kept if normed else 0)  # a norm's bias has 13 bits
    assert all(each.weight_error == 0 for each in part.build.deployment.quantization.layers)
