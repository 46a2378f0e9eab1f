"""What a framework says of its neurons reaches tracing; what it leaves out means a whole window and nothing to remember."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from frontend.neuron_rules import table
from frontend.neuron_rules.framework import NeuronFramework
from ir.errors import CompileError
from ir.ops import Lif


class Doubling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.resets = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (2 * x >= 1).to(x)


def rule(module: nn.Module) -> Lif:
    return Lif(decay=1.0, gain=2.0)


NAME = f"{Doubling.__module__}.Doubling"


def known(monkeypatch: pytest.MonkeyPatch, framework: NeuronFramework) -> None:
    """One more row."""
    monkeypatch.setattr(table, "FRAMEWORKS", (*table.FRAMEWORKS, framework))
    monkeypatch.setattr(table, "NEURON_RULES", {**table.NEURON_RULES, **framework.rules})
    monkeypatch.setattr(table, "STATEFUL", (*table.STATEFUL, *framework.stateful))


def test_a_row_of_rules_is_enough(monkeypatch: pytest.MonkeyPatch):
    assert table.neuron_rule(Doubling()) is None
    known(monkeypatch, NeuronFramework({NAME: rule}))
    neuron = Doubling()
    assert table.neuron_rule(neuron) is rule
    assert not table.is_single_step(neuron)
    table.check_neuron(neuron, has_run=True)
    table.reset_neurons(nn.Sequential(neuron))


def test_what_a_row_says_is_asked(monkeypatch: pytest.MonkeyPatch):
    def check(module: nn.Module, name: str, has_run: bool) -> None:
        if has_run:
            raise CompileError("import.module", f"{name} runs twice")

    def reset(module: nn.Module) -> None:
        module.resets += 1  # pyright: ignore[reportOperatorIssue]

    known(monkeypatch, NeuronFramework({NAME: rule}, (), lambda module, name: name == NAME, check, reset))
    neuron = Doubling()
    assert table.is_single_step(neuron)
    table.check_neuron(neuron)
    with pytest.raises(CompileError, match="Doubling runs twice"):
        table.check_neuron(neuron, has_run=True)
    table.reset_neurons(nn.Sequential(neuron, nn.Linear(2, 2)))
    assert neuron.resets == 1


def test_a_base_with_state_and_no_rule_is_refused(monkeypatch: pytest.MonkeyPatch):
    class Other(Doubling):
        """Derived from a base that keeps a state."""

    known(monkeypatch, NeuronFramework({}, stateful=(NAME,)))
    with pytest.raises(CompileError, match="which has state"):
        table.neuron_rule(Other())
