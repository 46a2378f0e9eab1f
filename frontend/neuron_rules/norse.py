"""
Norse's neurons (https://github.com/norse/norse, 1.1.0, norse/torch/functional): forward Euler with step dt, `>` threshold.

Layers (`LIF`, `LI`, `IAF`) take the window at once, cells one step; both return (output, state). The state starts at v_leak
(the membrane) and 0 (the current). A cell adds its input to the current before the membrane reads it and lets it decay
afterwards: from step to step j <- (1 - dt / tau_syn) j + x, read after the input, which is the IR's order `current_first`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from frontend.neuron_rules.framework import NeuronFramework, NeuronRule
from ir.errors import CompileError
from ir.ops import Leaky, Lif


def _number(module: nn.Module, name: str) -> float:
    """A parameter that all neurons of the layer share."""
    value = torch.as_tensor(getattr(module.p, name)).detach()
    if value.numel() != 1:
        raise CompileError(
            "import.parameter",
            f"{name} of {type(module).__name__} differs from neuron to neuron",
            hint="give the layer one number for all neurons",
        )
    return float(value)


def _per_step(module: Any, name: str) -> float:
    """dt times a rate, multiplied in the dtype of Norse's own parameters."""
    _number(module, name)
    return float(module.dt * torch.as_tensor(getattr(module.p, name)).detach())


def _membrane(module: nn.Module) -> dict[str, Any]:
    leak = _number(module, "v_leak")
    return {"decay": _per_step(module, "tau_mem_inv"), "leak": leak, "v0": leak}


def _current(module: nn.Module) -> dict[str, Any]:
    return {"current_decay": _per_step(module, "tau_syn_inv")}


def _firing(module: nn.Module) -> dict[str, Any]:
    return {"threshold": _number(module, "v_th"), "comparator": ">", "v_reset": _number(module, "v_reset")}


def lif(module: nn.Module) -> Lif:
    """A membrane behind a synaptic current."""
    return Lif(**_membrane(module), **_current(module), **_firing(module))


def lif_box(module: Any) -> Lif:
    """A membrane without a current; its reset is to a value or by subtraction."""
    reset = getattr(module.p.reset_method, "__name__", "")
    resets = {"reset_value": "value", "reset_subtract": "subtract"}
    if reset not in resets:
        raise CompileError(
            "import.parameter",
            f"{type(module).__name__} resets by a function of its own ({reset})",
            hint=f"known: {', '.join(resets)}",
        )
    return Lif(**_membrane(module), **_firing(module), reset=resets[reset])


def integrate_and_fire(module: nn.Module) -> Lif:
    """v <- v + x, from v_reset."""
    return Lif(decay=0.0, form="sum", v0=_number(module, "v_reset"), **_firing(module))


def leaky_integrator(module: nn.Module) -> Leaky:
    """A membrane behind a synaptic current that is read out."""
    return Leaky(**_membrane(module), **_current(module))


def leaky_integrator_box(module: nn.Module) -> Leaky:
    """A membrane that is read out."""
    return Leaky(**_membrane(module))


_NORSE = "norse.torch.module"
NORSE_CELLS: dict[str, NeuronRule] = {
    f"{_NORSE}.lif.LIFCell": lif,
    f"{_NORSE}.lif_box.LIFBoxCell": lif_box,
    f"{_NORSE}.iaf.IAFCell": integrate_and_fire,
    f"{_NORSE}.leaky_integrator.LICell": leaky_integrator,
    f"{_NORSE}.leaky_integrator_box.LIBoxCell": leaky_integrator_box,
}
"""Neurons that take one step per call."""
NORSE_LAYERS: dict[str, NeuronRule] = {
    f"{_NORSE}.lif.LIF": lif,
    f"{_NORSE}.iaf.IAF": integrate_and_fire,
    f"{_NORSE}.leaky_integrator.LI": leaky_integrator,
}
"""Neurons that take the whole window."""
_STATEFUL = tuple(f"{_NORSE}.snn.{name}" for name in ("SNNCell", "SNN", "SNNRecurrentCell", "SNNRecurrent"))
"""Bases of all neurons of Norse, those without a rule among them (refractory, adaptive, recurrent)."""
NORSE = NeuronFramework(
    rules={**NORSE_CELLS, **NORSE_LAYERS},
    stateful=_STATEFUL,
    takes_single_steps=lambda module, name: name in NORSE_CELLS,
)
"""Its neurons return their state and keep none."""
