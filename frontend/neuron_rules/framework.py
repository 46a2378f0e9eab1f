"""What tracing asks about the neurons of one framework; a framework is a file beside this one and a row in `table`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from ir.ops.membrane import Membrane

NeuronRule = Callable[[nn.Module], Membrane]


@dataclass(frozen=True)
class NeuronFramework:
    """The neurons of one framework. By default they take the whole window at once and remember nothing afterwards."""

    rules: Mapping[str, NeuronRule]
    """Qualified class name -> the rule. A subclass counts as what it inherits from once its behaviour confirms it."""
    stateful: tuple[str, ...] = ()
    """Qualified names of the bases of all its modules that keep a state: those without a rule are refused."""
    takes_single_steps: Callable[[nn.Module, str], bool] = lambda module, name: False
    """(neuron, name in `rules`) -> whether it takes one step per call, (B, ...)."""
    check: Callable[[nn.Module, str, bool], None] = lambda module, name, has_run: None
    """(neuron, name in `rules`, whether it has run in this window) -> CompileError where its rule does not cover it."""
    reset: Callable[[nn.Module], None] = lambda module: None
    """Brings a neuron to the start of a window."""
