"""Targets are rows of one table: a third one is a row, and everything that lists, compiles, runs, compares and times knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from backends import targets
from backends.interpreter import InterpreterEngine
from backends.reference.engine import ReferenceEngine
from backends.target import Target, Twin
from backends.targets import TARGETS, target
from backends.trace import Array, Trace
from compile import compile_model
from compile.cli import main
from ir.errors import CompileError, DeployError, Violation
from ir.graph import Graph
from ir.mapping.core_map import UNMAPPED
from ir.pipeline.pipeline import PIPELINE
from ir.profile import Profile

ROOT = Path(__file__).parents[2]


class SlowEngine:
    """The interpreter under another name, which counts its runs."""

    runs = 0

    def __init__(self, chip: Graph) -> None:
        self._engine = InterpreterEngine(chip)

    def describe(self) -> str:
        return "nothing but patience"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        SlowEngine.runs += 1
        return self._engine.run(inputs, probes)


def check(chip: Graph, profile: Profile) -> Sequence[Violation]:
    """No more than 40 neurons in a population."""
    return [
        Violation(
            rule="slow.neurons",
            what=f"%{node.name} has {node.type.size} neurons, limit 40",
            where=str(node.provenance),
            hint="be patient",
            node=node.name,
            number=node.type.size,
            limit=40,
        )
        for node in chip.nodes.values()
        if node.op.family == "neuron" and node.type.size > 40
    ]


SLOW = Target(
    name="slow",
    title="a computer made of patience",
    profile="loihi1",
    passes=PIPELINE,
    check=check,
    engine=lambda chip, profile, cores: SlowEngine(chip),
    twin=Twin("torch reference", ReferenceEngine, samples=None, sums_alike=False),
    steps_alone=lambda engine, inputs: 1.0 if engine.run(inputs) else 0.0,
)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more row."""
    monkeypatch.setattr(targets, "TARGETS", {**TARGETS, "slow": lambda: SLOW})
    monkeypatch.setattr("compile.cli.TARGETS", {**TARGETS, "slow": lambda: SLOW})


def network(width: int) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(5, width), neuron.LIFNode(step_mode="m"), nn.Linear(width, 3), neuron.IFNode(step_mode="m")
    )
    with torch.no_grad():
        for part in (net[0], net[2]):
            part.weight.mul_(4)
    return net


X = (torch.rand(4, 6, 5, generator=torch.Generator().manual_seed(0)) < 0.5).float()


@pytest.mark.usefixtures("slow")
def test_a_third_target_compiles_runs_and_says_what_it_is():
    program = compile_model(network(8), "slow", example=X)
    assert (program.target, program.profile.name, program.engine.describe()) == (
        "slow",
        "loihi1",
        "nothing but patience",
    )
    trace, elsewhere = program.run(X), program.on("gpu").run(X)
    for name in trace.emissions:
        np.testing.assert_array_equal(trace.emissions[name], elsewhere.emissions[name])
    assert trace.events == elsewhere.events


@pytest.mark.usefixtures("slow")
def test_its_check_refuses_all_at_once():
    with pytest.raises(DeployError) as caught:
        compile_model(network(41), "slow", example=X)
    assert [violation.node for violation in caught.value.violations] == ["1"]
    compile_model(network(41), "gpu", example=X)


@pytest.mark.usefixtures("slow")
def test_the_command_line_lists_runs_compares_and_times_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = ROOT / "tests" / "compile" / "conftest.py"
    text = re.search(r'TINY = """(.*?)"""', model.read_text(), re.DOTALL)
    assert text is not None
    (tmp_path / "tiny.py").write_text(text[1])
    assert main(["--list", "targets"]) == 0
    assert f"{'slow':<{max(map(len, TARGETS))}}  a computer made of patience" in capsys.readouterr().out
    SlowEngine.runs = 0
    assert main([str(tmp_path / "tiny.py"), "--target", "slow", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert SlowEngine.runs == 1, "its twin runs on the reference"
    assert "-> slow: nothing but patience, int, profile loihi1" in printed
    assert "PASS, torch reference" in printed
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["target"], report["profile"]) == ("slow", "loihi1")
    assert main([str(tmp_path / "tiny.py"), "--target", "slow", "--samples", "1", "--bench"]) == 0
    assert "steps of the chip part alone" in capsys.readouterr().out


def test_an_unknown_target_lists_the_known_ones():
    with pytest.raises(CompileError, match="known: loihi, gpu"):
        target("tpu")


@pytest.mark.usefixtures("slow")
def test_an_emission_is_an_engine_by_name(monkeypatch: pytest.MonkeyPatch):
    two = replace(SLOW, emissions={"slow": SLOW.engine, "other": lambda chip, profile, cores: InterpreterEngine(chip)})
    monkeypatch.setattr(targets, "TARGETS", {**TARGETS, "slow": lambda: two})
    for emission, engine in ((None, SlowEngine), ("slow", SlowEngine), ("other", InterpreterEngine)):
        program = compile_model(network(8), "slow", emission=emission, example=X)
        assert (type(program.engine), program.emission) == (engine, emission)
    with pytest.raises(CompileError, match=r"options\.emission.*unknown emission 'othr'(.|\n)*known: slow, other"):
        compile_model(network(8), "slow", emission="othr", example=X)
    with pytest.raises(CompileError, match=r"options\.emission.*target gpu has no emissions"):
        program.on("gpu", emission="other")
    assert program.on("gpu").emission is None


@pytest.mark.parametrize("name", list(TARGETS))
def test_every_row_is_complete(name: str):
    row = target(name)
    assert row.name == name
    assert row.title
    assert row.passes is PIPELINE
    assert row.twin.title


@pytest.mark.checkout
def test_nobody_else_compares_names_of_targets():
    files = [
        path
        for stage in ("compile", "frontend", "ir", "backends", "hw_profiles")
        for path in (ROOT / stage).rglob("*.py")
    ]
    compared = re.compile(r"""[=!]= *["'](loihi|gpu)["']|["'](loihi|gpu)["'] *[=!]=|in \(["'](loihi|gpu)["']""")
    assert not [str(path.relative_to(ROOT)) for path in files if compared.search(path.read_text())]


def test_host_networks_need_no_engine():
    empty = Graph("empty", 1, {}, {})
    for load in TARGETS.values():
        row: Any = load()
        assert row.engine_of(empty, None, UNMAPPED).describe() == "nothing on the chip"
        assert row.twin_of(empty).run({}).events.samples == 0
