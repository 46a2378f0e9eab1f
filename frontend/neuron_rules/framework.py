"""What tracing asks about the neurons of one framework; a framework is a file beside this one and a row in `table`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isinf
from typing import Any, Literal

import torch
from torch import nn

from ir.ops import Leaky, Lif, Op, Scale
from ir.ops.float_neurons.potential import potential_of

NeuronRule = Callable[[nn.Module], Op]
"""A neuron module -> what it is: a `Lif` or what is derived from it, something analog, or a delay."""
Connection = Callable[[torch.Tensor], torch.Tensor]
"""Weights that a neuron module brings along."""


@dataclass(frozen=True)
class Readout:
    """A state of a neuron as a value, at a step, behind the window, or at all steps of it."""

    name: str
    """What the framework calls it."""
    tensor: torch.Tensor
    """As the neuron left it."""
    op: Op | None
    """Reads the neuron's currents; the neuron's own operation where that emits the state; None where nothing is known to."""
    reset: Scale | None = None
    """The current that a spike sends to `op` one step late; None where `op` knows of spikes, or none resets."""


def never_fires(op: Op) -> bool:
    """Whether no membrane reaches the threshold, which some set to infinity to read the membrane."""
    return isinstance(op, Lif) and isinf(op.threshold)


def membrane_of(op: Op, moment: str) -> Op | None:
    """What emits the membrane of a plain neuron, `before` or `after` the reset of its spike; None of any other neuron."""
    if type(op) is not Lif:
        return None
    if op.reset != "none" and not never_fires(op):
        return potential_of(op, moment)
    own = Leaky(op.decay).attributes()
    return Leaky(**{name: value for name, value in op.attributes().items() if name in own})


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
    """(neuron, name in `rules`, whether it has a state of this window) -> CompileError where its rule does not cover it."""
    reset: Callable[[nn.Module], None] = lambda module: None
    """Brings a neuron to the start of a window."""
    afferents: Callable[[nn.Module], Connection | None] = lambda module: None
    """What a neuron sends its input through before it reads it; None for the input itself."""
    recurrence: Callable[[nn.Module], Connection | None] = lambda module: None
    """What a neuron sends its own spikes of the step before through, to itself; None where it does not."""
    constants: Callable[[nn.Module], Mapping[str, torch.Tensor]] = lambda module: {}
    """The constants that differ from neuron to neuron, by the IR's name, in a shape that fits one sample."""
    start: Callable[[nn.Module], tuple[Any, float]] = lambda module: (0.0, 0.0)
    """What a neuron's membrane is before its first step, a number or (B, ...), and where its rule has it start."""
    given: Callable[[nn.Module, Mapping[str, Any]], Mapping[str, Any]] = lambda module, arguments: {}
    """(neuron, the arguments of a call) -> the states that it goes on from, by name."""
    left: Callable[[nn.Module, Any], Mapping[str, Any]] = lambda module, result: {}
    """(neuron, what it returned) -> the states behind a step, by name."""
    first: Literal["none", "zeros", "any"] = "none"
    """What states its neurons may be given before their first step; where any, `start` reads them."""
    readouts: Callable[[nn.Module, Op, Any], Iterable[Readout]] = lambda module, op, result: ()
    """(neuron, what it is, what it returned) -> its states as values, where a model may read them."""
    traced: tuple[str, ...] = ()
    """The same of bases that `reset` knows: what has no rule, and neurons that a user changed, are traced as any module is."""
