"""A part as the pipeline takes it: traced and checked, at any number of steps, or integers from the start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.command.progress import Progress
from compile.stages.imported import import_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.source import Example
from ir.errors import CompileError
from ir.graph import Graph

STEPS = 4


class Net(nn.Module):
    """A mean over the window behind neurons: 1/T is a constant of the graph."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(3, 5), neuron.LIFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 3) -> (B, 5)."""
        return self.lif(self.fc(x)).mean(0)


def _imported(network: Any, example: Any, graph: Graph | None = None, **flags: Any) -> Any:
    options = Options(target="gpu", **flags)
    source = load_source(network, options, Example(example, (), 0))
    part = source.parts[0] if graph is None else replace(source.parts[0], network=graph)
    return import_part(part, source, options, options.hardware(), Progress(quiet=True))


def test_a_module_is_checked_and_known_at_any_number_of_steps() -> None:
    torch.manual_seed(0)
    imported = _imported(Net().eval(), torch.rand(STEPS, 2, 3))
    graph: Graph = imported.deployment.chip
    assert imported.level == "source"
    assert imported.check.compared == STEPS * 2 * 5
    factors = [each.nodes[each.outputs["output"]].op.factor for each in (graph, imported.graph_at(8))]
    assert factors == [1 / STEPS, 1 / 8]
    assert imported.graph_at(8).steps == 8


class Counting(Net):
    """Every run is another one."""

    runs = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return self.lif(self.fc(x) * self.runs)


def test_a_module_that_keeps_state_between_calls_is_no_bug_of_ours() -> None:
    torch.manual_seed(0)
    with pytest.raises(CompileError, match="something else when it runs again") as caught:
        _imported(Counting().eval(), 4 * torch.rand(STEPS, 8, 3))
    assert caught.value.rule == "import.random"


def test_a_graph_is_taken_as_it_is() -> None:
    module, x = Net().eval(), torch.rand(STEPS, 2, 3)
    graph = _imported(module, x).deployment.chip
    again = _imported(module, x, graph)
    assert again.deployment.chip is graph
    assert again.check is None
    with pytest.raises(CompileError, match="may depend on T"):
        again.graph_at(8)


def test_a_graph_of_integers_stays_what_it_is() -> None:
    module, x = nn.Sequential(nn.Linear(3, 5), neuron.LIFNode(step_mode="m")).eval(), torch.rand(STEPS, 2, 3)
    chip = compile_model(module, target="gpu", example=x).deployment.chip
    again = _imported(module, x, chip)
    assert (again.level, again.deployment.chip) == ("quantized", chip)
    with pytest.raises(CompileError, match="the network is integers already"):
        _imported(module, x, chip, precision="float")


def test_what_an_input_takes_may_be_stated() -> None:
    counts = torch.randint(0, 3, (STEPS, 2, 3)).float()
    kinds = {
        stated: str(_imported(Net().eval(), counts, domains={"x": stated}).deployment.chip.inputs[0].type.domain)
        for stated in ("count<3>", "real")
    }
    assert kinds == {"count<3>": "count<3>", "real": "real"}
