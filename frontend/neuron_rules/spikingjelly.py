"""
SpikingJelly's neurons (https://github.com/fangwei123456/spikingjelly, 0.0.0.0.14, `activation_based/neuron.py` and
`clock_driven/neuron.py`), exact instances of the IR's `lif`.

They start at `v_reset`, so the IR's membrane is theirs minus `v_reset`, which starts and resets at 0. They fire at
`v >= v_threshold`; `v_reset=None` subtracts the threshold. They take one step per call, or the whole window (`step_mode`, or
classes called MultiStep...). Version 2 has the same neurons in files of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from frontend.neuron_rules.framework import NeuronFramework
from ir.errors import CompileError
from ir.ops import Lif


def lif(module: Any) -> Lif:
    """v <- v + (x - v) / tau, or v <- v - v / tau + x without `decay_input`."""
    return _leaky(module, 1 / float(module.tau))


def parametric_lif(module: Any) -> Lif:
    """The same with 1 / tau = sigmoid(w), w learned."""
    return _leaky(module, float(torch.sigmoid(module.w.detach())))


def integrate_and_fire(module: Any) -> Lif:
    """v <- v + x."""
    return Lif(decay=0.0, form="sum", **_firing(module))


def _leaky(module: Any, decay: float) -> Lif:
    form = "euler" if module.decay_input else "sum"
    return Lif(decay=decay, form=form, **_firing(module))


def _firing(module: Any) -> dict[str, Any]:
    v_reset = module.v_reset
    soft = v_reset is None
    threshold = float(module.v_threshold) - (0.0 if soft else float(v_reset))
    return {"threshold": threshold, "comparator": ">=", "reset": "subtract" if soft else "value"}


_JELLY = "spikingjelly.activation_based.neuron"
_OLD_JELLY = "spikingjelly.clock_driven.neuron"

SPIKINGJELLY_NEURONS: dict[str, Callable[[nn.Module], Lif]] = {
    f"{_JELLY}.LIFNode": lif,
    f"{_JELLY}.IFNode": integrate_and_fire,
    f"{_JELLY}.ParametricLIFNode": parametric_lif,
    f"{_JELLY}.lif.LIFNode": lif,
    f"{_JELLY}.integrate_and_fire.IFNode": integrate_and_fire,
    f"{_JELLY}.plif.ParametricLIFNode": parametric_lif,
    f"{_OLD_JELLY}.LIFNode": lif,
    f"{_OLD_JELLY}.IFNode": integrate_and_fire,
    f"{_OLD_JELLY}.ParametricLIFNode": parametric_lif,
    f"{_OLD_JELLY}.MultiStepLIFNode": lif,
    f"{_OLD_JELLY}.MultiStepIFNode": integrate_and_fire,
    f"{_OLD_JELLY}.MultiStepParametricLIFNode": parametric_lif,
}
"""Neurons with a rule."""
_STATEFUL = (
    "spikingjelly.activation_based.base.MemoryModule",
    "spikingjelly.clock_driven.base.MemoryModule",
)
"""Bases of everything that keeps a state, neurons without a rule among them."""
STATELESS_IN_EVAL = tuple(
    f"spikingjelly.{package}.{name}"
    for package in ("activation_based.layer", "activation_based.layer.dropout", "clock_driven.layer")
    for name in ("Dropout", "Dropout2d")
)
"""They keep a mask from step to step in training and let everything through in eval mode."""


def takes_single_steps(module: nn.Module, name: str) -> bool:
    """Whether a neuron, filed under `name`, takes one step per call."""
    mode = getattr(module, "step_mode", None)  # clock_driven has classes instead
    return mode == "s" if mode is not None else not name.startswith(f"{_OLD_JELLY}.MultiStep")


def check_spikingjelly(module: Any, name: str, has_run: bool) -> None:
    """
    Refuse a neuron, filed under `name`, whose rule does not cover it; `has_run`: it has made a step of this window.

    Raises:
        CompileError: for analog output, for a membrane left over, for parameters that no rule knows.
    """
    cls = type(module).__name__
    if not getattr(module.surrogate_function, "spiking", True):
        raise CompileError(
            "import.surrogate",
            f"{cls} emits no spikes (spiking=False)",
            hint="use its surrogate function with spiking=True",
        )
    _check_membrane(module, cls, has_run and takes_single_steps(module, name))
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        learned = key == "w" and SPIKINGJELLY_NEURONS[name] is parametric_lif
        if not learned and not bool((tensor == module.v_threshold).all()):
            raise CompileError(
                "import.parameter",
                f"{cls} has a parameter {key} that no rule knows",
                hint="one that equals the threshold (CMSF's dynamic threshold) is accepted",
            )


def _check_membrane(module: nn.Module, cls: str, later: bool) -> None:
    """Before the first step there must be no membrane, before `later` ones there must be one."""
    if later and not isinstance(module.v, torch.Tensor):
        raise CompileError(
            "import.steps",
            f"{cls} is reset in the middle of the window",
            hint="reset once, before the first step or behind the last one",
        )
    if isinstance(module.v, torch.Tensor) and not later:
        raise CompileError(
            "import.shared_neuron",
            f"{cls} runs again without a reset, its membrane carries over",
            hint="give every use a neuron layer of its own",
        )


SPIKINGJELLY = NeuronFramework(
    rules=SPIKINGJELLY_NEURONS,
    stateful=_STATEFUL,
    takes_single_steps=takes_single_steps,
    check=check_spikingjelly,
    reset=lambda module: module.reset(),  # pyright: ignore[reportCallIssue]
)
"""Its neurons keep their state from call to call."""
