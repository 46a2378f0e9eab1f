"""The modules that are imported whole: neurons, by qualified class name, so that no framework is imported here."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules.behaviour import behaves
from frontend.neuron_rules.framework import NeuronFramework, NeuronRule
from frontend.neuron_rules.norse import NORSE
from frontend.neuron_rules.snntorch import SNNTORCH
from frontend.neuron_rules.spikingjelly import CONTAINERS, SPIKINGJELLY
from ir.errors import CompileError, known_names

FRAMEWORKS: tuple[NeuronFramework, ...] = (SPIKINGJELLY, NORSE, SNNTORCH)
"""All frameworks whose neurons are known."""
NEURON_RULES: dict[str, NeuronRule] = {name: rule for row in FRAMEWORKS for name, rule in row.rules.items()}
"""Qualified class name -> the rule."""
STATEFUL = tuple(name for row in FRAMEWORKS for name in row.stateful)
"""Bases of all modules that keep a state: those without a rule are refused."""


def neuron_name(module: nn.Module) -> str | None:
    """The name in NEURON_RULES that a module is filed under, its own or that of what it inherits from and fires like."""
    names = _names(module)
    name = next((name for name in names if name in NEURON_RULES), None)
    if name is None or name == names[0] or not set(names) & set(_framework(name).traced):
        return name
    single_step = _framework(name).takes_single_steps(module, name)
    return name if behaves(module, NEURON_RULES[name], single_step) else None


def _names(module: nn.Module) -> list[str]:
    """The qualified names of a module's class and of all that it inherits from."""
    return [qualified_name(cls) for cls in type(module).__mro__]


def neuron_rule(module: nn.Module) -> NeuronRule | None:
    """
    The rule for a neuron module, None for anything that is no neuron.

    Raises:
        CompileError: for a module with state that has no rule.
    """
    name = neuron_name(module)
    if name is not None:
        return NEURON_RULES[name]
    names = _names(module)
    base = next((name for name in names if name in STATEFUL), None)
    if base is not None:
        siblings = [name for name in NEURON_RULES if name.split(".")[0] == base.split(".")[0]]
        hint = f"{known_names(names[0], siblings)}; all: --list rules"
        raise CompileError("import.module", f"no rule for {names[0]}, which has state", hint=hint)
    return None


def is_single_step(module: nn.Module) -> bool:
    """Whether a neuron takes one step per call, (B, ...), and not the window at once; False for anything that is no neuron."""
    name = neuron_name(module)
    return name is not None and _framework(name).takes_single_steps(module, name)


def check_neuron(module: nn.Module, has_run: bool = False) -> None:
    """
    Refuse a neuron that is about to run in a way that its rule does not cover; `has_run`: it has a state of this window.

    Raises:
        CompileError: with what the rule does not cover, and the neuron's class.
    """
    name = neuron_name(module)
    if name is not None:
        _framework(name).check(module, name, has_run)


def spikes_of(result: Any) -> Any:
    """What a neuron emits, from what its module returns: Norse's and snnTorch's return their state, too."""
    return result if isinstance(result, torch.Tensor) else result[0]


def reset_neurons(module: nn.Module) -> None:
    """Bring every neuron in `module`, and what else remembers, to the start of a window."""
    for child in module.modules():
        names = set(_names(child))
        for framework in FRAMEWORKS:
            if names & {*framework.rules, *framework.traced}:
                framework.reset(child)


def is_container(module: nn.Module) -> bool:
    """Whether a module hands what the modules in it return back to them at the next step."""
    return not set(_names(module)).isdisjoint(CONTAINERS)


def framework_of(module: nn.Module) -> NeuronFramework | None:
    """The framework whose rule a neuron has; None for anything that is no neuron."""
    name = neuron_name(module)
    return None if name is None else _framework(name)


def _framework(name: str) -> NeuronFramework:
    """The framework whose rule has that name."""
    return next(row for row in FRAMEWORKS if name in row.rules)
