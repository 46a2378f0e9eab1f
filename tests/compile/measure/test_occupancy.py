"""What a network takes of cores and chips, and what binds; relays are told apart, and cost in every column."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.cli import main
from compile.measure.occupancy import CoreUse, occupancy
from ir.mapping.fit import fit
from ir.mapping.split import plain_map

SHALLOW = """
title = "loihi2 with short delays"
extends = "loihi2"
[arithmetic]
max_delay = { value = 1, unit = "step", kind = "assumed", source = "a test" }
"""
SMALL = """
title = "small cores, two to a chip"
extends = "loihi2"
[limits]
cores_per_chip = { value = 2, unit = "core", kind = "assumed", source = "a test" }
neurons_per_core = { value = 30, unit = "neuron", kind = "assumed", source = "a test" }
"""
MODEL = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(6)])
        self.lifs = nn.ModuleList([neuron.LIFNode(step_mode="m") for _ in range(6)])

    def forward(self, x):
        first = x
        for layer, lif in zip(self.layers, self.lifs):
            x = lif(layer(x) + layer(first))
        return x


def build(config):
    torch.manual_seed(1)
    net = Net().eval()
    with torch.no_grad():
        for layer in net.layers:
            layer.weight.mul_(3)
    return net


def example(config, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"x": (torch.rand(T, samples, 6, generator=generator) < 0.5).float()}
"""


@pytest.fixture
def shallow(tmp_path: Path) -> Path:
    (tmp_path / "shallow.toml").write_text(SHALLOW)
    return tmp_path / "shallow.toml"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path / "small.toml"


def test_a_network_without_limits():
    module = nn.Sequential(nn.Linear(4, 7), neuron.LIFNode(step_mode="m"))
    program = compile_model(module, "gpu", profile="ideal", example=torch.ones(2, 1, 4))
    cores = plain_map(program.deployment.chip, program.profile)
    found = occupancy(program.deployment, program.profile, fit(program.deployment.chip, program.profile, cores))
    assert (found.neurons, found.synapses, found.relays, found.cores, found.chips) == (7, 28, 0, 1, 1)
    assert (found.resources, found.bottleneck, found.misfits) == ({}, "", ())
    assert found.text() == "7 neurons, 28 synapses on 1 core of 1 chip; delays up to 0 of 63 steps"


def test_the_bottleneck_is_what_is_used_most(small: Path):
    """Two layers of 40 neurons on cores of 30: two cores each, which hold 20 of them."""
    module = nn.Sequential(
        nn.Linear(6, 40), neuron.LIFNode(step_mode="m"), nn.Linear(40, 40), neuron.LIFNode(step_mode="m")
    )
    program = compile_model(module, "gpu", profile=small, example=torch.ones(2, 1, 6))
    cores = plain_map(program.deployment.chip, program.profile)
    found = occupancy(program.deployment, program.profile, fit(program.deployment.chip, program.profile, cores))
    assert (found.cores, found.chips, found.bottleneck) == (4, 2, "neurons")
    assert found.resources["neurons"] == CoreUse(limit=30, largest=20, mean=20.0)
    assert [(layer.layer, layer.cores, layer.bottleneck) for layer in found.layers] == [
        ("1", 2, "neurons"),
        ("3", 2, "neurons"),
    ]
    assert [layer.resources["axons_in"].largest for layer in found.layers] == [6, 40]
    assert "on 4 cores of 2 chips, bound by neurons: 67 % of it used, 67 % of the fullest" in found.text()
    assert found.plain()["layers"][1]["resources"]["neurons"] == {"limit": 30, "largest": 20, "mean": 20.0}


@pytest.mark.lava
@pytest.mark.parametrize("target", ["loihi", "gpu"])
def test_relays_are_counted_in_report_energy_and_events(target: str, shallow: Path, tmp_path: Path):
    (tmp_path / "net.py").write_text(MODEL)
    reports = {}
    for name, profile in (("without", "loihi2"), ("with", str(shallow))):
        out = tmp_path / name
        flags = ["--target", target, "--profile", profile, "--samples", "4", "--out", str(out)]
        assert main([str(tmp_path / "net.py"), *flags]) == 0
        (reports[name],) = json.loads((out / "report.json").read_text())["parts"]
    before, after = reports["without"], reports["with"]
    chip = after["chip"]
    assert before["chip"]["relays"] == 0
    assert (chip["relays"], chip["longest_delay"], chip["max_delay"]) == (
        12,
        1,
        1,
    )  # x is read 1 .. 5 steps late: relays at 2, 4
    assert chip["neurons"] == before["chip"]["neurons"] + 12
    assert chip["synapses"] == before["chip"]["synapses"] + 12
    assert chip["chips"] == 1
    assert sum(layer["added_neurons"] for layer in after["layers"]) == 12
    relays = {name for name in after["events"]["updates"] if "relay" in name}
    assert len(relays) == 2
    assert all(after["events"]["updates"][name] == 6 * 3 * 4 for name in relays)
    assert all(after["events"]["spikes"][name] == after["events"]["spikes"]["x"] for name in relays)
    for name, count in before["events"]["spikes"].items():
        assert after["events"]["spikes"][name] == count, name
    extra = after["energy"]["counted_pj"] - before["energy"]["counted_pj"]
    spikes = after["events"]["spikes"]["x"] / 4
    assert extra == pytest.approx(2 * (spikes * 23.6 + 6 * 3 * 52 + spikes * 1.7))
    assert after["energy"]["formula_pj"] == before["energy"]["formula_pj"]
    causes = {cause["name"]: cause["energy_pj"] for cause in after["energy"]["causes"]}
    assert sum(causes.values()) == pytest.approx(after["energy"]["counted_pj"] - after["energy"]["formula_pj"])
    outputs = [np.load(tmp_path / name / "outputs.npz") for name in reports]
    assert all(np.array_equal(outputs[0][name], outputs[1][name]) for name in outputs[0])


def test_a_delay_that_no_relay_can_help_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import nir

    (tmp_path / "none.toml").write_text(SHALLOW.replace("max_delay = { value = 1", "max_delay = { value = 0"))
    ones = np.ones(2, np.float32)
    nodes = [
        nir.Input(np.array([2])),
        nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        nir.Delay(np.array([0.003, 0.001], np.float32)),
        nir.Linear(np.eye(2, dtype=np.float32)),
        nir.LIF(tau=0.02 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        nir.Output(np.array([2])),
    ]
    nir.write(tmp_path / "late.nir", nir.NIRGraph.from_list(*nodes))
    flags = ["--target", "gpu", "--dt", "1e-3", "--profile", str(tmp_path / "none.toml")]
    assert main([str(tmp_path / "late.nir"), *flags, "--out", str(tmp_path / "out")]) == 3
    error = capsys.readouterr().err
    assert "error[limits.delay]" in error
    assert "its synapses need 3 steps of delay, limit 0" in error
    assert not (tmp_path / "out").exists()
