"""Which options of snnTorch's neurons no rule covers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ir.errors import CompileError

_RESETS = {0: ("subtract", "_base_sub"), 1: ("zero", "_base_zero"), 2: ("none", "_base_int")}
"""What a neuron stores of its reset -> the name of the reset, and the method that takes a step."""
_TRIALS = 257
"""Distances from the threshold, 0 among them, that a surrogate function is tried on."""


def check_snntorch(module: nn.Module, states: tuple[str, ...]) -> None:
    """
    Refuse options that no rule covers; `states`: of the neuron, none where its class has no rule.

    Raises:
        CompileError: import.parameter, import.surrogate or import.module, with the neuron's class.
    """
    name = type(module).__name__
    if not states:
        raise CompileError(
            "import.module",
            f"{name} inherits from a neuron of snnTorch and has no rule of its own",
            hint="use the neuron itself: Leaky, Synaptic, RLeaky, RSynaptic, Lapicque or Alpha",
        )
    if not hasattr(module, "reset_delay") and not hasattr(module, "C") and "syn_exc" not in states:
        raise CompileError(
            "import.module",
            f"{name} is of a snnTorch without reset_delay",
            hint="the rules are those of snnTorch 1.0: install it and load the same weights",
        )
    for what, hint in _unsupported(module, states):
        raise CompileError("import.parameter", f"{name} {what}", hint=hint)
    _check_reset(module, name)
    _check_surrogate(module, name)


def _unsupported(module: nn.Module, states: tuple[str, ...]) -> list[tuple[str, str]]:
    """(what the neuron does that has no rule, what to do about it)."""
    factor = torch.as_tensor(module.graded_spikes_factor)
    late_recurrent = "syn" in states and "spk" in states
    table = (
        (
            bool((factor != 1).any()),
            "scales its spikes (graded_spikes_factor)",
            "put the factor into the next layer's weights",
        ),
        (bool(module.inhibition), "fires one neuron at a time (inhibition=True)", "train with inhibition=False"),
        (
            bool(module.state_quant),
            "quantises its state (state_quant)",
            "train with state_quant=False; the compiler quantises",
        ),
        (bool((torch.as_tensor(module.threshold) < 0).any()), "has a threshold below 0", "thresholds are 0 or above"),
        (
            late_recurrent and not getattr(module, "reset_delay", True),
            "resets without delay, which snnTorch's own code fails to do",
            "use reset_delay=True",
        ),
    )
    return [(what, hint) for refused, what, hint in table if refused]


def _check_reset(module: nn.Module, name: str) -> None:
    """snnTorch decides on the reset once, when it makes the neuron; weights loaded later may say something else."""
    expected = _RESETS.get(int(torch.as_tensor(module.reset_mechanism_val)))
    method = getattr(module.state_function, "__name__", "")
    if expected != (module.reset_mechanism, method):
        raise CompileError(
            "import.parameter",
            f"{name} was made with another reset_mechanism than it has now",
            hint="make it with the reset_mechanism of the weights that it loads",
        )


def _check_surrogate(module: Any, name: str) -> None:
    """A surrogate function must fire above the threshold, and nowhere else."""
    distance = torch.linspace(-4, 4, _TRIALS)
    with torch.no_grad():
        fired = module.spike_grad(distance.clone())
    if not isinstance(fired, torch.Tensor) or not torch.equal(fired, (distance > 0).float()):
        raise CompileError(
            "import.surrogate",
            f"{name}'s spike_grad does not emit 1 above the threshold and 0 elsewhere",
            hint="use one of snntorch.surrogate",
        )
