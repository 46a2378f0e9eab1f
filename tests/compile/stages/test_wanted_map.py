"""Maps for an objective, from the command line and from Python: by measured spikes, said in the report, plain without the extra."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from backends.lava.engine import LavaEngine
from backends.sanafe.engine import SanafeEngine
from compile import compile_model, load_program
from compile.cli import main
from compile.measure.run import on_third_engine
from compile.stages import wanted_map
from compile.stages.build import Build
from ir.errors import CompileError
from ir.mapping.layout.partition import is_available

needs_partitioner = pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")
SMALL = """
title = "cores of nine neurons"
extends = "loihi2"
[limits]
neurons_per_core = { value = 9, unit = "neuron", kind = "assumed", source = "a test" }
"""
SLOW = """
title = "six cores that take long over neurons, and meet in no time"
extends = "loihi2"
[limits]
cores_per_chip = { value = 6, unit = "core", kind = "assumed", source = "a test" }
[timing]
neuron_update = { value = 1000, unit = "ns", kind = "assumed", source = "a test" }
barrier_one = { value = 1, unit = "ns", kind = "assumed", source = "a test" }
barrier_all = { value = 1, unit = "ns", kind = "assumed", source = "a test" }
"""
MODEL = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 3


def build(config):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 24), neuron.LIFNode(step_mode="m"), nn.Linear(24, 5), neuron.LIFNode(step_mode="m"))
    with torch.no_grad():
        net[0].weight.mul_(5), net[2].weight.mul_(5)
    return net.eval()


def example(config, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"input": (torch.rand(T, samples, 20, generator=generator) < 0.5).float()}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "slow.toml").write_text(SLOW)
    (tmp_path / "net.py").write_text(MODEL)
    return tmp_path


def built(folder: Path, map_for: str, profile: str = "small.toml") -> Build:
    program = compile_model(folder / "net.py", target="gpu", profile=folder / profile, map_for=map_for)
    assert program.origin is not None
    return program.origin.build


@needs_partitioner
def test_the_command_line_says_which_map_it_is(small: Path, capsys: pytest.CaptureFixture[str]):
    flags = ["--target", "gpu", "--profile", str(small / "small.toml"), "--out", str(small / "out"), "--samples", "2"]
    for objective in ("cores", "time", "energy"):
        assert main([str(small / "net.py"), *flags, "--map-for", objective]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert f"map network: for {objective} by the spikes of 16 calibration samples: " in shown
        (part,) = json.loads((small / "out" / "report.json").read_text())["parts"]
        assert part["map"]["for"] == objective
        assert part["map"]["cost"]["cores"] == part["chip"]["cores"]
        assert part["map"]["plain_cost"]["visits"] > 0
        assert part["chip"]["least_cores"]["neurons"] == 4
    assert main([str(small / "net.py"), *flags]) == 0
    assert "\nmap " not in capsys.readouterr().out
    (part,) = json.loads((small / "out" / "report.json").read_text())["parts"]
    assert part["map"] == {"for": "plain", "is_plain": True}


@needs_partitioner
def test_few_cores_are_fewer_than_the_plain_map_has(small: Path):
    """29 neurons in cores of nine: three of eight and one of five, or three of nine, and six and five are left."""
    plain, found = built(small, "plain"), built(small, "cores")
    assert plain.wanted_map is None
    assert plain.fit is not None
    assert found.fit is not None
    assert found.wanted_map is not None
    assert found.wanted_map.costs is not None
    assert found.fit.cores is found.program.cores
    assert found.fit.cores.cores == 4 <= plain.fit.cores.cores
    assert [cost.cores for cost in found.wanted_map.costs] == [4, plain.fit.cores.cores]


@needs_partitioner
@pytest.mark.parametrize("objective", ["energy", "time"])
def test_rates_are_those_of_the_calibration(small: Path, monkeypatch: pytest.MonkeyPatch, objective: str):
    """As many events at the neurons of a layer as the run of these samples counts; for time, in every step as well."""
    seen, in_steps = dict[str, np.ndarray](), dict[str, int]()
    chosen = wanted_map.map_for

    def spy(graph, plain, profile, objective, rates, moments, loop):
        seen.update(rates)
        for moment in moments:
            for name, fired in moment.items():
                in_steps[name] = in_steps.get(name, 0) + fired.sum()
        return chosen(graph, plain, profile, objective, rates, moments, loop)

    monkeypatch.setattr(wanted_map, "map_for", spy)
    build = built(small, objective)
    samples = {"input": build.part.calibration["input"][:, :16]}
    events = build.program.run(samples).events
    assert events.samples == 16
    for name, rates in seen.items():
        assert rates.sum() * 16 * 3 == pytest.approx(events.spikes[name], rel=1e-12)
    whole = {name: events.spikes[name] for name in seen}
    assert in_steps == (whole if objective == "time" else {})  # 48 steps of the stream, each once


@needs_partitioner
def test_a_file_without_samples_is_mapped_by_equal_activity():
    ones = np.ones(6, np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([4])}),
        "w": nir.Linear(np.ones((6, 4), np.float32)),
        "lif": nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        "output": nir.Output({"output": np.array([6])}),
    }
    graph = nir.NIRGraph(nodes, [("input", "w"), ("w", "lif"), ("lif", "output")])
    program = compile_model(graph, target="gpu", dt=1e-3, map_for="energy")
    assert program.origin is not None
    assert program.origin.build.wanted_map is not None
    assert "by equal activity of all neurons, as there are no samples" in program.origin.build.wanted_map.text()
    spikes = np.ones((5, 2, 4))
    program = compile_model(graph, target="gpu", dt=1e-3, map_for="energy", example=spikes)
    assert program.origin is not None
    assert program.origin.build.wanted_map is not None
    assert program.origin.build.wanted_map.activity == "the spikes of 2 calibration samples"


def test_without_the_partitioner_the_map_is_the_plain_one(small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wanted_map, "is_available", lambda: False)
    plain, found = built(small, "plain"), built(small, "time")
    assert plain.fit is not None
    assert found.fit is not None
    assert found.wanted_map is not None
    assert (found.wanted_map.is_plain, found.wanted_map.plain()["is_plain"]) == (True, True)
    assert "for time: the partitioner is not installed (pip install 'spike-compiler[map]')" in found.wanted_map.text()
    assert all(np.array_equal(on, found.fit.cores.core_of[name]) for name, on in plain.fit.cores.core_of.items())


@pytest.mark.lava
@needs_partitioner
def test_lava_runs_the_map_that_the_report_shows(small: Path):
    profile = small / "slow.toml"
    program = compile_model(small / "net.py", target="loihi", emission="mapped", profile=profile, map_for="time")
    (part,) = program.report().parts
    wanted = part.build.program.cores
    assert part.build.wanted_map is not None
    assert not part.build.wanted_map.is_plain
    assert wanted.cores == part.occupancy.cores
    assert part.run.verdict.passed
    assert part.run.verdict.compared == 3 * 16 * (24 + 5 + 5)
    assert part.run.events.spikes["1"] > 0
    engine = program.engine
    assert isinstance(engine, LavaEngine)
    assert all(np.array_equal(on, wanted.core_of[name]) for name, on in engine.core_of.items())
    parts = program.lava_network().blueprint.parts
    for core in range(wanted.cores):
        neurons = sum(int((on == core).sum()) for on in wanted.core_of.values())
        emitted = parts[f"core{core}"].worker.core.emissions.values()
        assert sum(emission.size for emission in emitted) == neurons, "its process has the neurons of that core alone"


@needs_partitioner
def test_a_saved_program_keeps_its_map(small: Path):
    program = compile_model(small / "net.py", target="gpu", profile=small / "slow.toml", map_for="time")
    program.save(small / "net.spikes")
    loaded = load_program(small / "net.spikes")
    assert np.array_equal(loaded.cores.places, program.cores.places)
    assert all(np.array_equal(on, program.cores.core_of[name]) for name, on in loaded.cores.core_of.items())
    x = (np.random.default_rng(0).random((3, 2, 20)) < 0.5).astype(np.float32)
    ours, theirs = program.report(x).plain()["parts"][0], loaded.report(x).plain()["parts"][0]
    assert ours["map"]["is_plain"] is False
    for told in ("map", "chip", "timing"):
        assert ours[told] == theirs[told]


@needs_partitioner
def test_the_third_engine_and_other_targets_run_the_same_map(small: Path):
    program = built(small, "time", "slow.toml").program
    assert program.cores.cores > 1
    stand_in = on_third_engine(program, "sanafe=python run.py").engine
    assert isinstance(stand_in, SanafeEngine)
    for cores in (stand_in.cores, program.on("gpu").cores, program.at(5).cores):
        assert np.array_equal(cores.places, program.cores.places)
        assert all(np.array_equal(on, program.cores.core_of[name]) for name, on in cores.core_of.items())


def test_an_unknown_objective_is_refused():
    net = nn.Sequential(nn.Linear(4, 4), neuron.IFNode(step_mode="m"))
    with pytest.raises(CompileError, match=r"options\.map.*(?s:.*)plain, cores, time, energy"):
        compile_model(net, target="gpu", example=torch.ones(2, 1, 4), map_for="speed")
