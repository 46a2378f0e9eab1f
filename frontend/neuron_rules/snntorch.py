"""
snnTorch's neurons (https://github.com/jeshraghian/snntorch, 1.0.0, snntorch/_neurons), which take one step per call.

All start at 0 and fire where mem - threshold > 0. r is whether the membrane of the step before lies above the threshold:

Leaky      mem <- beta mem + x - r threshold      (subtract);  beta (1 - r) mem + x          (zero)
Lapicque   mem <- (1 - dt / (R C)) mem + dt / C x - r threshold, or (1 - r) of the sum        (zero)
Synaptic   syn <- alpha syn + x
           mem <- beta mem + syn - r threshold    (subtract);  (1 - r) (beta mem + syn)      (zero)
Alpha      two currents, alpha e + x and beta h - x; mem <- tau (e + h), see `ir.ops.float_neurons.alpha`

RLeaky and RSynaptic add recurrent(spikes of the step before) to x, and reset as Synaptic does. Zeroing is late all the same in
Leaky, where nothing reads the membrane between the spike and the next leak: its input is not lost, theirs is.
With reset_delay=False a spike resets at once. A neuron still above the threshold then is reset once more by r, unless it
fires again: the IR's `subtract_once`. Options that no rule covers are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules.framework import Connection, NeuronFramework, NeuronRule, Readout, membrane_of
from frontend.neuron_rules.snntorch_checks import check_snntorch
from ir.ops import AlphaLif, Leaky, Lif, Op, Scale


def leaky(module: nn.Module) -> Lif:
    """A membrane; a reset to zero takes effect before the next leak, so that it is the same as one at the spike."""
    return Lif(**_membrane(module), **_firing(module, late_zero=False))


def recurrent_leaky(module: nn.Module) -> Lif:
    """A membrane; a reset to zero comes after the next step's input."""
    return Lif(**_membrane(module), **_firing(module, late_zero=True))


def synaptic(module: nn.Module) -> Lif:
    """A membrane behind a synaptic current, which no reset touches."""
    return Lif(**_membrane(module), **_current(module), **_firing(module, late_zero=True))


def lapicque(module: Any) -> Lif:
    """A membrane with the decay and the gain of an RC circuit; a reset to zero comes after the next step's input."""
    circuit = module.R * module.C
    gain, keep = module.R * (1 / circuit) * module.time_step, 1 - module.time_step / circuit
    return Lif(decay=1 - float(keep), form="sum", gain=float(gain), **_firing(module, late_zero=True))


def alpha(module: nn.Module) -> AlphaLif:
    """Two currents, one excited and one inhibited; the membrane is their sum times tau_alpha."""
    keep = {name: _shared(values) for name, values in _alpha_constants(module).items()}
    firing: dict[str, Any] = {**_firing(module, late_zero=True), "reset_at": "next"}
    return AlphaLif(decay=1.0, form="sum", **keep, **firing)


def _alpha_constants(module: Any) -> dict[str, torch.Tensor]:
    """keep_slow, keep_fast, and the gain that gives one spike's current a peak of 1."""
    slow, fast = module.alpha.detach().clamp(0, 1), module.beta.detach().clamp(0, 1)
    gain = torch.log(slow) / (torch.log(fast) - torch.log(slow)) + 1
    return {"keep_slow": slow.double(), "keep_fast": fast.double(), "gain": gain.double()}


def _membrane(module: nn.Module) -> dict[str, Any]:
    return {"decay": _shared(1 - _factor(module, "beta")), "form": "sum"}


def _current(module: nn.Module) -> dict[str, Any]:
    return {"current_decay": _shared(1 - _factor(module, "alpha"))}


def _firing(module: nn.Module, late_zero: bool) -> dict[str, Any]:
    """Threshold and reset; `late_zero`: a delayed reset to zero comes after the next step's input."""
    delayed = bool(getattr(module, "reset_delay", True))
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
SNNTORCH_CELLS: dict[str, NeuronRule] = {
    f"{_SNNTORCH}.leaky.Leaky": leaky,
    f"{_SNNTORCH}.synaptic.Synaptic": synaptic,
    f"{_SNNTORCH}.rleaky.RLeaky": recurrent_leaky,
    f"{_SNNTORCH}.rsynaptic.RSynaptic": synaptic,
    f"{_SNNTORCH}.lapicque.Lapicque": lapicque,
    f"{_SNNTORCH}.alpha.Alpha": alpha,
}
"""Neurons that take one step per call."""
SNNTORCH_STATES: dict[str, tuple[str, ...]] = {
    f"{_SNNTORCH}.leaky.Leaky": ("mem",),
    f"{_SNNTORCH}.synaptic.Synaptic": ("syn", "mem"),
    f"{_SNNTORCH}.rleaky.RLeaky": ("spk", "mem"),
    f"{_SNNTORCH}.rsynaptic.RSynaptic": ("spk", "syn", "mem"),
    f"{_SNNTORCH}.lapicque.Lapicque": ("mem",),
    f"{_SNNTORCH}.alpha.Alpha": ("syn_exc", "syn_inh", "mem"),
}
"""Their states, as arguments of `forward` and as attributes."""
_STATEFUL = (
    f"{_SNNTORCH}.neurons.SpikingNeuron",
    *(f"{_SNNTORCH}.{file}.LeakyParallel" for file in ("leakyparallel", "leakyunroll")),
    f"{_SNNTORCH}.leakykernel.LeakyKernel",
)
"""Bases of all neurons of snnTorch, those without a rule among them (second order, convolutional LSTM, parallel)."""


def states(module: nn.Module) -> tuple[str, ...]:
    """The states of a neuron of snnTorch with a rule; none for any other module."""
    return SNNTORCH_STATES.get(qualified_name(type(module)), ())


def given(module: nn.Module, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The states that a neuron of snnTorch is called with, or else keeps."""
    named = {name: arguments.get(name) for name in states(module)}
    return {name: getattr(module, name) if state is None else state for name, state in named.items()}


def constants(module: nn.Module) -> dict[str, torch.Tensor]:
    """
    The constants that differ from neuron to neuron, float32, by the IR's name, in a shape that fits one sample.

    There are none where `module` is no neuron of snnTorch.
    """
    if not states(module):
        return {}
    table: dict[str, torch.Tensor] = {"threshold": _threshold(module)}
    if "syn_exc" in states(module):
        table.update(_alpha_constants(module))
    elif not hasattr(module, "C"):
        table["decay"] = 1 - _factor(module, "beta")
    if "syn" in states(module):
        table["current_decay"] = 1 - _factor(module, "alpha")
    return {role: _of_one_sample(values.float()) for role, values in table.items() if values.numel() > 1}


def recurrence(module: nn.Module) -> Connection | None:
    """What a neuron of snnTorch sends its own spikes through, to itself; None for any other module."""
    return module.recurrent if "spk" in states(module) else None  # pyright: ignore[reportReturnType]


def readouts(module: Any, op: Op, _result: Any) -> tuple[Readout, ...]:
    """
    The membrane of a neuron of snnTorch as a value, none for one that is no plain `Lif`.

    Where resets subtract one step late, or there are none, it is a membrane without threshold that gets a current from the
    spikes: what chips with graded spikes can do. Where a reset sets it to zero, comes at once, or would have to pass a gain
    or a current, it is the neuron's own potential.
    """
    if type(op) is not Lif:
        return ()
    late = (op.reset, op.reset_at) == ("subtract", "next") and "syn" not in states(module) and op.gain == 1
    if not late:
        moment = "before" if getattr(module, "reset_delay", True) else "after"
        return (Readout("mem", module.mem, membrane_of(op, moment)),)
    membrane = Leaky(decay=op.decay, gain=op.gain, form=op.form, current_decay=op.current_decay)
    return (Readout("mem", module.mem, membrane, Scale(-op.threshold)),)


def _of_one_sample(values: torch.Tensor) -> torch.Tensor:
    while values.shape[0] == 1:
        values = values[0]
    return values


SNNTORCH = NeuronFramework(
    rules=SNNTORCH_CELLS,
    stateful=_STATEFUL,
    takes_single_steps=lambda module, name: True,
    check=lambda module, name, has_run: check_snntorch(module, states(module)),
    reset=lambda module: module.reset_mem(),  # pyright: ignore[reportCallIssue]
    recurrence=recurrence,
    constants=constants,
    given=given,
    left=lambda module, result: {name: getattr(module, name) for name in states(module)},
    first="zeros",
    readouts=readouts,
)
"""Its neurons keep their state from call to call."""
