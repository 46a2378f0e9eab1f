"""
The modules that are imported whole: neurons, by qualified class name, so that nothing optional is imported here.

SpikingJelly's neurons are exact instances of the IR's `lif` (https://github.com/fangwei123456/spikingjelly, 0.0.0.0.14,
`activation_based/neuron.py` and `clock_driven/neuron.py`): they start at `v_reset`, so the IR's membrane is theirs minus
`v_reset`, which starts and resets at 0. They fire at `v >= v_threshold`; `v_reset=None` subtracts the threshold.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from frontend.neuron_rules.norse_rules import NORSE_CELLS, NORSE_LAYERS, NORSE_STATEFUL
from frontend.neuron_rules.snntorch_checks import check_snntorch
from frontend.neuron_rules.snntorch_rules import SNNTORCH_CELLS, SNNTORCH_STATEFUL
from ir.errors import CompileError
from ir.ops import Lif
from ir.ops.membrane import Membrane

NeuronRule = Callable[[nn.Module], Membrane]


def lif(module: nn.Module) -> Lif:
    """v <- v + (x - v) / tau, or v <- v - v / tau + x without `decay_input`."""
    return _leaky(module, 1 / float(module.tau))  # pyright: ignore[reportArgumentType]


def parametric_lif(module: nn.Module) -> Lif:
    """The same with 1 / tau = sigmoid(w), w learned."""
    return _leaky(module, float(torch.sigmoid(module.w.detach())))  # pyright: ignore


def integrate_and_fire(module: nn.Module) -> Lif:
    """v <- v + x."""
    return Lif(decay=0.0, form="sum", **_firing(module))  # pyright: ignore[reportArgumentType]


def _leaky(module: nn.Module, decay: float) -> Lif:
    form = "euler" if module.decay_input else "sum"
    return Lif(decay=decay, form=form, **_firing(module))  # pyright: ignore[reportArgumentType]


def _firing(module: nn.Module) -> dict[str, float | str]:
    v_reset = module.v_reset
    soft = v_reset is None
    threshold = float(module.v_threshold) - (0.0 if soft else float(v_reset))  # pyright: ignore[reportArgumentType]
    return {"threshold": threshold, "comparator": ">=", "reset": "subtract" if soft else "value"}


_JELLY = "spikingjelly.activation_based.neuron"
_OLD_JELLY = "spikingjelly.clock_driven.neuron"

NEURON_RULES: dict[str, NeuronRule] = {
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
    **NORSE_CELLS,
    **NORSE_LAYERS,
    **SNNTORCH_CELLS,
}
"""Qualified class name -> the neuron it is. Subclasses count as what they inherit from once a probe confirms it."""

_JELLY_STATEFUL = ("spikingjelly.activation_based.base.MemoryModule", "spikingjelly.clock_driven.base.MemoryModule")
_STATEFUL = (*_JELLY_STATEFUL, *NORSE_STATEFUL, *SNNTORCH_STATEFUL)
_STATELESS_IN_EVAL = tuple(
    f"spikingjelly.{package}.{name}"
    for package in ("activation_based.layer", "activation_based.layer.dropout", "clock_driven.layer")
    for name in ("Dropout", "Dropout2d")
)
"""They keep a mask from step to step in training and let everything through in eval mode."""


def qualified_name(cls: type) -> str:
    """The name a class is filed under."""
    return f"{cls.__module__}.{cls.__qualname__}"


def neuron_name(module: nn.Module) -> str | None:
    """The name in NEURON_RULES that a module is filed under, its own or that of what it inherits from."""
    return next((name for name in map(qualified_name, type(module).__mro__) if name in NEURON_RULES), None)


def neuron_rule(module: nn.Module) -> NeuronRule | None:
    """
    The rule for a neuron module, None for anything that is no neuron.

    Raises:
        CompileError: for a neuron without a rule, or used in a way that has none.
    """
    names = [qualified_name(cls) for cls in type(module).__mro__]
    known = [name for name in names if name in NEURON_RULES]
    if not known:
        base = next((name for name in names if name in _STATEFUL), None)
        if base is not None and not set(names) & set(_STATELESS_IN_EVAL):
            siblings = [name for name in NEURON_RULES if name.split(".")[0] == base.split(".")[0]]
            raise CompileError(
                "import.module", f"no rule for {names[0]}, which has state", hint=f"known: {', '.join(siblings)}"
            )
        return None
    return NEURON_RULES[known[0]]


def is_single_step(module: nn.Module) -> bool:
    """Whether a neuron takes one step per call, (B, ...), and not the window at once; False for anything that is no neuron."""
    known = neuron_name(module)
    if known is None:
        return False
    if known in NORSE_CELLS or known in NORSE_LAYERS or known in SNNTORCH_CELLS:
        return known not in NORSE_LAYERS
    mode = getattr(module, "step_mode", None)  # clock_driven has classes instead
    return mode == "s" if mode is not None else not known.startswith(f"{_OLD_JELLY}.MultiStep")


def check_neuron(module: nn.Module, has_run: bool = False) -> None:
    """
    Refuse a neuron that is about to run in a way that its rule does not cover; `has_run`: not for the first time.

    Raises:
        CompileError: for analog output, for a membrane left over, for parameters that no rule knows.
    """
    if _is_snntorch(module):
        check_snntorch(module)
    if not _is_jelly(module):
        return
    name = type(module).__name__
    if not getattr(module.surrogate_function, "spiking", True):
        raise CompileError(
            "import.surrogate",
            f"{name} emits no spikes (spiking=False)",
            hint="use its surrogate function with spiking=True",
        )
    later = has_run and is_single_step(module)
    if later and not isinstance(module.v, torch.Tensor):
        raise CompileError(
            "import.steps",
            f"{name} is reset in the middle of the window",
            hint="reset once, before the first step or behind the last one",
        )
    if isinstance(module.v, torch.Tensor) and not later:
        raise CompileError(
            "import.shared_neuron",
            f"{name} runs again without a reset, its membrane carries over",
            hint="give every use a neuron layer of its own",
        )
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        learned = key == "w" and neuron_rule(module) is parametric_lif
        if not learned and not bool((tensor == module.v_threshold).all()):
            raise CompileError(
                "import.parameter",
                f"{name} has a parameter {key} that no rule knows",
                hint="one that equals the threshold (CMSF's dynamic threshold) is accepted",
            )


def _is_jelly(module: nn.Module) -> bool:
    return any(qualified_name(cls) in _JELLY_STATEFUL for cls in type(module).__mro__)


def _is_snntorch(module: nn.Module) -> bool:
    return neuron_name(module) in SNNTORCH_CELLS


def reset_neurons(module: nn.Module) -> None:
    """Bring every neuron in `module` to the start of a window."""
    for child in module.modules():
        if _is_jelly(child) and neuron_name(child) is not None:
            child.reset()  # pyright: ignore[reportCallIssue]
        elif _is_snntorch(child):
            child.reset_mem()  # pyright: ignore[reportCallIssue]
