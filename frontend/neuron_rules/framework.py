"""What tracing asks about the neurons of one framework; a framework is a file beside this one and a row in `table`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from ir.ops import Op, Scale

NeuronRule = Callable[[nn.Module], Op]
"""A neuron module -> what it is: a `Lif` or what is derived from it, something analog, or a delay."""
Connection = Callable[[torch.Tensor], torch.Tensor]
"""Weights that a neuron module brings along."""


@dataclass(frozen=True)
class Readout:
    """A neuron's membrane as a value."""

    op: Op
    """Reads the neuron's currents."""
    reset: Scale | None = None
    """The current that a spike sends to `op` one step late; None where `op` knows of spikes, or none resets."""


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
    afferents: Callable[[nn.Module], Connection | None] = lambda module: None
    """What a neuron sends its input through before it reads it; None for the input itself."""
    recurrence: Callable[[nn.Module], Connection | None] = lambda module: None
    """What a neuron sends its own spikes of the step before through, to itself; None where it does not."""
    constants: Callable[[nn.Module], Mapping[str, torch.Tensor]] = lambda module: {}
    """The constants that differ from neuron to neuron, by the IR's name, in a shape that fits one sample."""
    readout: Callable[[nn.Module, Op], Readout | None] = lambda module, op: None
    """(neuron, what it is) -> its attribute `mem` as a value; None where there is no such value."""
