"""
snnTorch's neurons (https://github.com/jeshraghian/snntorch, 1.0.0, snntorch/_neurons), which take one step per call.

All start at 0 and fire where mem - threshold > 0. r is whether the membrane of the step before lies above the threshold:

Leaky      mem <- beta mem + x - r threshold      (subtract);  beta (1 - r) mem + x          (zero)
Synaptic   syn <- alpha syn + x
           mem <- beta mem + syn - r threshold    (subtract);  (1 - r) (beta mem + syn)      (zero)

RLeaky and RSynaptic add recurrent(spikes of the step before) to x, and reset as Synaptic does. Zeroing is late all the same in
Leaky, where nothing reads the membrane between the spike and the next leak: its input is not lost, theirs is.
With reset_delay=False a spike resets at once. A neuron still above the threshold then is reset once more by r, unless it
fires again: the IR's `subtract_once`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ir.ops import Leaky, Lif, Scale
from ir.ops.membrane import Membrane


def leaky(module: nn.Module) -> Lif:
    """A membrane; a reset to zero takes effect before the next leak, so that it is the same as one at the spike."""
    return Lif(**_membrane(module), **_firing(module, late_zero=False))


def recurrent_leaky(module: nn.Module) -> Lif:
    """A membrane; a reset to zero comes after the next step's input."""
    return Lif(**_membrane(module), **_firing(module, late_zero=True))


def synaptic(module: nn.Module) -> Lif:
    """A membrane behind a synaptic current, which no reset touches."""
    return Lif(**_membrane(module), **_current(module), **_firing(module, late_zero=True))


def _membrane(module: nn.Module) -> dict[str, Any]:
    return {"decay": _shared(1 - _factor(module, "beta")), "form": "sum"}


def _current(module: nn.Module) -> dict[str, Any]:
    return {"current_decay": _shared(1 - _factor(module, "alpha"))}


def _firing(module: nn.Module, late_zero: bool) -> dict[str, Any]:
    delayed = bool(module.reset_delay)
    reset = {
        "subtract": {"reset": "subtract", "reset_at": "next"} if delayed else {"reset": "subtract_once"},
        "zero": {"reset": "value", "reset_at": "next" if delayed and late_zero else "spike"},
        "none": {"reset": "none"},
    }
    return {"threshold": _shared(_threshold(module)), "comparator": ">", **reset[str(module.reset_mechanism)]}


def _factor(module: nn.Module, name: str) -> torch.Tensor:
    """What a variable keeps from step to step, in float64, as 1 - (1 - beta) must be beta again."""
    return getattr(module, name).detach().clamp(0, 1).double()


def _threshold(module: nn.Module) -> torch.Tensor:
    return torch.as_tensor(module.threshold).detach().double()


def _shared(values: torch.Tensor) -> float:
    """The number that all neurons share; 0.5 where each has its own, in a parameter of the node."""
    return float(values) if values.numel() == 1 else 0.5


_SNNTORCH = "snntorch._neurons"
SNNTORCH_CELLS: dict[str, Callable[[nn.Module], Membrane]] = {
    f"{_SNNTORCH}.leaky.Leaky": leaky,
    f"{_SNNTORCH}.synaptic.Synaptic": synaptic,
    f"{_SNNTORCH}.rleaky.RLeaky": recurrent_leaky,
    f"{_SNNTORCH}.rsynaptic.RSynaptic": synaptic,
}
"""Neurons that take one step per call."""
SNNTORCH_STATES: dict[str, tuple[str, ...]] = {
    f"{_SNNTORCH}.leaky.Leaky": ("mem",),
    f"{_SNNTORCH}.synaptic.Synaptic": ("syn", "mem"),
    f"{_SNNTORCH}.rleaky.RLeaky": ("spk", "mem"),
    f"{_SNNTORCH}.rsynaptic.RSynaptic": ("spk", "syn", "mem"),
}
"""Their states, as arguments of `forward` and as attributes."""
SNNTORCH_STATEFUL = (
    f"{_SNNTORCH}.neurons.SpikingNeuron",
    *(f"{_SNNTORCH}.{file}.LeakyParallel" for file in ("leakyparallel", "leakyunroll")),
    f"{_SNNTORCH}.leakykernel.LeakyKernel",
)
"""Bases of all neurons of snnTorch, those without a rule among them (second order, convolutional LSTM, parallel)."""


def states(module: nn.Module) -> tuple[str, ...]:
    """The states of a neuron of snnTorch with a rule; none for any other module."""
    cls = type(module)
    return SNNTORCH_STATES.get(f"{cls.__module__}.{cls.__qualname__}", ())


def constants(module: nn.Module) -> dict[str, torch.Tensor]:
    """
    The constants that differ from neuron to neuron, float32, by the IR's name, in a shape that fits one sample.

    There are none where `module` is no neuron of snnTorch.
    """
    if not states(module):
        return {}
    found: dict[str, torch.Tensor] = {"threshold": _threshold(module), "decay": 1 - _factor(module, "beta")}
    if "syn" in states(module):
        found["current_decay"] = 1 - _factor(module, "alpha")
    return {role: _of_one_sample(values.float()) for role, values in found.items() if values.numel() > 1}


def recurrence(module: nn.Module) -> nn.Module | None:
    """What a neuron of snnTorch sends its own spikes through, to itself; None for any other module."""
    return module.recurrent if "spk" in states(module) else None  # pyright: ignore[reportReturnType]


def readout(module: nn.Module, op: Membrane) -> tuple[Leaky, Scale | None] | None:
    """
    The membrane of a neuron of snnTorch as a value, and the current that a spike sends to it at the next step, if any.

    None where the IR has no such value: where a reset sets the membrane to zero, comes without delay, or would have to pass
    through the synaptic current.
    """
    if not states(module) or not isinstance(op, Lif):
        return None
    late = (op.reset, op.reset_at) == ("subtract", "next") and "syn" not in states(module)
    if op.reset != "none" and not late:
        return None
    return Leaky(decay=op.decay, form=op.form, current_decay=op.current_decay), Scale(-op.threshold) if late else None


def _of_one_sample(values: torch.Tensor) -> torch.Tensor:
    while values.shape[0] == 1:
        values = values[0]
    return values
