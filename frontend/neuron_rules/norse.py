"""
Norse's neurons (https://github.com/norse/norse, 1.1.0, norse/torch/functional): forward Euler with step dt, `>` threshold.

Layers (`LIF`, `LI`, `IAF`) take the window at once, cells one step; both return (output, state). The state starts at v_leak
(the membrane) and 0 (the current). A cell adds its input to the current before the membrane reads it and lets it decay
afterwards: from step to step j <- (1 - dt / tau_syn) j + x, read after the input, which is the IR's order `current_first`.
The adaptive neurons (LSNN) read the current before the input comes, order `membrane_first`. The recurrent neurons bring their
own weights along: x = input_weights input + recurrent_weights (spikes of the step before).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules.framework import Connection, NeuronFramework, NeuronRule, Readout, membrane_of
from ir.errors import CompileError
from ir.ops import Leaky, Lif, MovingThresholdLif, NonlinearLif, Op, RefractoryLif


def _parameter(module: Any, name: str) -> torch.Tensor:
    """A parameter by name; those of the membrane of a refractory neuron lie one level deeper."""
    holder = module.p if hasattr(module.p, name) else module.p.lif
    return torch.as_tensor(getattr(holder, name)).detach()


def _number(module: nn.Module, name: str) -> float:
    """A parameter of the layer's first neuron; where others differ, `constants` has them."""
    return float(_parameter(module, name).flatten()[0])


def _per_step(module: Any, name: str) -> float:
    """dt times a rate, multiplied in the dtype of Norse's own parameters."""
    return float(module.dt * _parameter(module, name).flatten()[0])


@dataclass(frozen=True)
class _NeuronOf:
    """One neuron of a layer, for its rule."""

    p: Any
    dt: Any


def constants(module: Any) -> dict[str, torch.Tensor]:
    """The numbers of the rule that differ from neuron to neuron, by the IR's name, in a shape that fits one sample."""
    given: dict[str, Any] = {**module.p._asdict(), **(module.p.lif._asdict() if hasattr(module.p, "lif") else {})}
    tables = {
        name: value.detach() for name, value in given.items() if isinstance(value, torch.Tensor) and value.numel() > 1
    }
    if not tables:
        return {}
    shape = np.broadcast_shapes(*(tuple(table.shape) for table in tables.values()))
    rows = {name: table.expand(shape).flatten() for name, table in tables.items()}
    rule = next(NORSE.rules[name] for name in map(qualified_name, type(module).__mro__) if name in NORSE.rules)
    ops = [rule(_NeuronOf(_of_neuron(module.p, rows, k), module.dt)) for k in range(prod(shape))]  # pyright: ignore
    values = {
        name: [getattr(op, name) for op in ops]
        for name, value in ops[0].attributes().items()
        if isinstance(value, float)
    }
    return {name: torch.tensor(each).reshape(shape) for name, each in values.items() if len(set(each)) > 1}


def _of_neuron(parameters: Any, rows: Mapping[str, torch.Tensor], k: int) -> Any:
    """The parameters of one neuron, those one level deeper, too."""
    own = {name: rows[name][k] for name in parameters._fields if name in rows}
    deeper = {"lif": _of_neuron(parameters.lif, rows, k)} if hasattr(parameters, "lif") else {}
    return parameters._replace(**own, **deeper)


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


def adaptive(module: nn.Module) -> MovingThresholdLif:
    """LSNN: a threshold that decays to v_th with tau_adapt and jumps by beta at a spike."""
    threshold: dict[str, Any] = {
        "adapt_decay": _per_step(module, "tau_adapt_inv"),
        "adapt_jump": _number(module, "beta"),
    }
    return MovingThresholdLif(
        **_membrane(module), **_current(module), **_firing(module), order="membrane_first", **threshold
    )


def refractory(module: nn.Module) -> RefractoryLif:
    """A LIF that rests for rho_reset steps behind a spike."""
    rest = _number(module, "rho_reset")
    return RefractoryLif(**_membrane(module), **_current(module), **_firing(module), rest=rest)


def adaptive_exponential(module: nn.Module) -> NonlinearLif:
    """AdEx: v <- v + dt / tau_mem ((v_leak - v) + delta_T exp((v - v_th) / delta_T) + j - a), a the adaptation."""
    drive: dict[str, Any] = {"sharpness": _number(module, "delta_T"), "critical": _number(module, "v_th")}
    adaptation: dict[str, Any] = {
        "w_decay": _per_step(module, "tau_ada_inv"),
        "w_gain": _number(module, "adaptation_current"),
        "w_jump": _number(module, "adaptation_spike"),
    }
    common = {**_membrane(module), **_current(module), **_firing(module)}
    return NonlinearLif(**common, drive="exponential", w_reads="old", **drive, **adaptation)


def afferents(module: Any) -> Connection | None:
    """The input weights of a recurrent neuron."""
    return _weights(module, "input_weights")


def recurrence(module: Any) -> Connection | None:
    """The recurrent weights of a recurrent neuron."""
    return _weights(module, "recurrent_weights")


def _weights(module: Any, name: str) -> Connection | None:
    weights = getattr(module, name, None)
    return None if weights is None else lambda x: torch.nn.functional.linear(x, weights)


def readouts(module: nn.Module, op: Op, result: Any) -> Iterator[Readout]:
    """The state that a neuron returns: the membrane v behind the reset, and the current i behind its decay."""
    for name, state in zip(result[1]._fields, result[1], strict=True):
        if isinstance(state, torch.Tensor):
            known = name == "v" or not constants(module)
            yield Readout(name, state, _state_of(op, name) if known else None)


def _state_of(op: Op, name: str) -> Op | None:
    """What emits a state of a plain neuron or of an integrator; None for what else remembers."""
    if type(op) not in (Lif, Leaky):
        return None
    if name == "v":
        return membrane_of(op, "after") if isinstance(op, Lif) else op
    if name != "i":
        return None
    return Leaky(decay=op.current_decay, gain=1 - op.current_decay, form="sum")  # pyright: ignore


_NORSE = "norse.torch.module"
NORSE_CELLS: dict[str, NeuronRule] = {
    f"{_NORSE}.lif.LIFCell": lif,
    f"{_NORSE}.lif_box.LIFBoxCell": lif_box,
    f"{_NORSE}.iaf.IAFCell": integrate_and_fire,
    f"{_NORSE}.leaky_integrator.LICell": leaky_integrator,
    f"{_NORSE}.leaky_integrator_box.LIBoxCell": leaky_integrator_box,
    f"{_NORSE}.lif.LIFRecurrentCell": lif,
    f"{_NORSE}.lsnn.LSNNCell": adaptive,
    f"{_NORSE}.lsnn.LSNNRecurrentCell": adaptive,
    f"{_NORSE}.lif_refrac.LIFRefracCell": refractory,
    f"{_NORSE}.lif_refrac.LIFRefracRecurrentCell": refractory,
    f"{_NORSE}.lif_adex.LIFAdExCell": adaptive_exponential,
    f"{_NORSE}.lif_adex.LIFAdExRecurrentCell": adaptive_exponential,
}
"""Neurons that take one step per call."""
NORSE_LAYERS: dict[str, NeuronRule] = {
    f"{_NORSE}.lif.LIF": lif,
    f"{_NORSE}.iaf.IAF": integrate_and_fire,
    f"{_NORSE}.leaky_integrator.LI": leaky_integrator,
    f"{_NORSE}.lif.LIFRecurrent": lif,
    f"{_NORSE}.lsnn.LSNN": adaptive,
    f"{_NORSE}.lsnn.LSNNRecurrent": adaptive,
    f"{_NORSE}.lif_refrac.LIFRefracRecurrent": refractory,
    f"{_NORSE}.lif_adex.LIFAdEx": adaptive_exponential,
    f"{_NORSE}.lif_adex.LIFAdExRecurrent": adaptive_exponential,
}
"""Neurons that take the whole window."""
_STATEFUL = tuple(f"{_NORSE}.snn.{name}" for name in ("SNNCell", "SNN", "SNNRecurrentCell", "SNNRecurrent"))
"""Bases of all neurons of Norse, those without a rule among them (conductances, compartments, Izhikevich's)."""


def _fields(state: Any, name: str = "") -> dict[str, Any]:
    """The tensors of a named tuple, and of those in it, by name."""
    if not hasattr(state, "_asdict"):
        return {} if state is None else {name: state}
    inner = [_fields(each, f"{name}.{key}".lstrip(".")) for key, each in state._asdict().items()]
    return {key: each for fields in inner for key, each in fields.items()}


NORSE = NeuronFramework(
    rules={**NORSE_CELLS, **NORSE_LAYERS},
    stateful=_STATEFUL,
    takes_single_steps=lambda module, name: name in NORSE_CELLS,
    afferents=afferents,
    recurrence=recurrence,
    constants=constants,
    given=lambda module, arguments: _fields(arguments.get("state")),
    left=lambda module, result: _fields(result[1]),
    readouts=readouts,
)
"""Its neurons return their state and keep none."""
