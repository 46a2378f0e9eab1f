"""
SpikingJelly's neurons (https://github.com/fangwei123456/spikingjelly, 0.0.0.0.14, `activation_based/neuron.py` and
`clock_driven/neuron.py`), exact instances of the IR's neurons, and what else remembers: `layer.py`, `lava_exchange.py`.

LIF, IF and PLIF start at `v_reset`, so the IR's membrane is theirs minus `v_reset`, which starts and resets at 0. They fire at
`v >= v_threshold`; `v_reset=None` subtracts the threshold. They take one step per call, or the whole window (`step_mode`, or
classes called MultiStep...). Version 2 has the same neurons in files of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isinf
from typing import Any

import numpy as np
import torch
from torch import nn

from frontend.neuron_rules.framework import NeuronFramework, NeuronRule, Readout, membrane_of
from frontend.neuron_rules.spikingjelly_checks import check_spikingjelly
from ir.errors import CompileError
from ir.ops import Delay, FixedPointLif, GatedFilter, Lif, NonlinearLif, Op, RectifiedLif


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
    if soft and isinf(module.v_threshold):
        what = f"{type(module).__name__} subtracts a threshold of inf, which leaves no number of its membrane"
        raise CompileError("import.parameter", what, hint="v_reset=0.0 for a neuron that never fires")
    threshold = float(module.v_threshold) - (0.0 if soft else float(v_reset))
    return {"threshold": threshold, "comparator": ">=", "reset": "subtract" if soft else "value"}


def kept_above_zero(module: Any) -> RectifiedLif:
    """KLIF: v <- relu(k c), c what LIF's membrane would be; with `scale_reset` it is v / k that remains."""
    k, v_reset = float(module.k), _number(module.v_reset)
    if k <= 0:
        raise CompileError(
            "import.parameter", f"{type(module).__name__} scales by k = {k}", hint="k of a trained neuron is above 0"
        )
    return RectifiedLif(
        decay=1 / float(module.tau),
        form="euler" if module.decay_input else "sum",
        leak=v_reset,
        v0=v_reset,
        scale=k,
        kept="unscaled" if module.scale_reset else "scaled",
        **_absolute_firing(module),
    )


def fixed_point(module: Any) -> FixedPointLif:
    """
    CubaLIFNode: Loihi's neuron in multiples of 1 / (64 scale), decays in multiples of 1 / 4096, reset to 0.

    It fires where v - (v_threshold + 0.01 / (64 scale)) >= 0 in float32: above the largest multiple for which that is not so.
    """
    if module.norm is not None:
        raise CompileError(
            "import.parameter",
            f"{type(module).__name__} normalises its current (norm) within the current's memory: what is left "
            "of it is divided anew at every step, as no weights before it do",
            hint="train with the batch norm before the neuron",
        )
    grid, unit = int(module.s_scale), int(module.p_scale)
    decays = [
        float(torch.round(value.detach().clamp(0, unit))) for value in (module.current_decay, module.voltage_decay)
    ]
    firing_at = np.float32(module.v_threshold + module.v_threshold_eps)
    near = round(float(firing_at) * grid)
    silent = max(n for n in range(near - 2, near + 3) if np.float32(n / grid) - firing_at < 0)
    return FixedPointLif(
        decay=decays[1] / unit,
        current_decay=decays[0] / unit,
        form="sum",
        grid=grid,
        threshold=silent / grid,
        comparator=">",
    )


def quadratic(module: Any) -> NonlinearLif:
    """QIF: v <- v + (x + a0 (v - v_rest) (v - v_c)) / tau."""
    return NonlinearLif(**_driven(module), sharpness=float(module.a0), critical=float(module.v_c))


def exponential(module: Any) -> NonlinearLif:
    """EIF: v <- v + (x + v_rest - v + delta_T exp((v - theta_rh) / delta_T)) / tau."""
    return NonlinearLif(
        **_driven(module), drive="exponential", sharpness=float(module.delta_T), critical=float(module.theta_rh)
    )


def izhikevich(module: Any) -> NonlinearLif:
    """QIF with - w in its drive; w <- w + (a (v - v_rest) - w) / tau_w, + b at a spike; w starts at w_rest."""
    adaptation = {"w_decay": 1 / module.tau_w, "w_gain": module.a, "w_jump": module.b, "w0": module.w_rest}
    return NonlinearLif(**_driven(module), sharpness=float(module.a0), critical=float(module.v_c), **adaptation)


def synapse_filter(module: Any) -> GatedFilter:
    """i <- i - (1 - x) i / tau + x, emitted; 1 / tau = sigmoid(w) where it is learned."""
    return GatedFilter(decay=float(torch.sigmoid(module.w.detach())) if module.learnable else 1 / float(module.tau))


def delay(module: Any) -> Delay:
    """y[t] = x[t - delay_steps], 0 before."""
    return Delay(int(module.delay_steps))


def _driven(module: Any) -> dict[str, Any]:
    tau = float(module.tau)
    start = {"v0": _number(module.v_reset), "leak": float(module.v_rest)}
    return {"decay": 1 / tau, "tau": tau, **start, **_absolute_firing(module)}


def _absolute_firing(module: Any) -> dict[str, Any]:
    """Threshold and reset where v is counted from 0."""
    reset = "subtract" if module.v_reset is None else "value"
    firing = {"threshold": float(module.v_threshold), "comparator": ">="}
    return {**firing, "reset": reset, "v_reset": _number(module.v_reset)}


def _number(v_reset: float | None) -> float:
    return 0.0 if v_reset is None else float(v_reset)


_JELLY = "spikingjelly.activation_based.neuron"
_JELLY_LAYERS = "spikingjelly.activation_based.layer"
_OLD_JELLY = "spikingjelly.clock_driven.neuron"

SPIKINGJELLY_NEURONS: dict[str, NeuronRule] = {
    f"{_JELLY}.LIFNode": lif,
    f"{_JELLY}.IFNode": integrate_and_fire,
    f"{_JELLY}.ParametricLIFNode": parametric_lif,
    f"{_JELLY}.KLIFNode": kept_above_zero,
    f"{_JELLY}.QIFNode": quadratic,
    f"{_JELLY}.EIFNode": exponential,
    f"{_JELLY}.IzhikevichNode": izhikevich,
    "spikingjelly.activation_based.lava_exchange.CubaLIFNode": fixed_point,
    f"{_JELLY_LAYERS}.SynapseFilter": synapse_filter,
    f"{_JELLY_LAYERS}.Delay": delay,
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
"""Neurons with a rule, and what else is one node of the IR."""
CONTAINERS = tuple(f"{_JELLY_LAYERS}.{name}" for name in ("LinearRecurrentContainer", "ElementWiseRecurrentContainer"))
"""They hand what the modules in them return back to them, one step late, as their state y."""
_STATES = {"SynapseFilter": "out_i", "Delay": "queue", "CubaLIFNode": "voltage_state"}
"""What remembers that a module has run: its class -> the attribute; v for all others."""
_LEARNED: dict[NeuronRule, tuple[str, ...]] = {
    parametric_lif: ("w",),
    kept_above_zero: ("k",),
    fixed_point: ("current_decay", "voltage_decay", "norm.running_mean", "norm.running_var"),
    synapse_filter: ("w",),
}
"""Rule -> the parameters and buffers that it reads."""
_MEMORIES = (
    "spikingjelly.activation_based.base.MemoryModule",
    "spikingjelly.clock_driven.base.MemoryModule",
)
"""Bases of everything that keeps a state, users' own neurons among them."""


def takes_single_steps(module: nn.Module, name: str) -> bool:
    """Whether a neuron, filed under `name`, takes one step per call."""
    mode = getattr(module, "step_mode", None)  # clock_driven has classes instead
    return mode == "s" if mode is not None else not name.startswith(f"{_OLD_JELLY}.MultiStep")


def _check(module: nn.Module, name: str, has_run: bool) -> None:
    learned = _LEARNED.get(SPIKINGJELLY_NEURONS[name], ())
    check_spikingjelly(module, has_run, _STATES.get(name.rpartition(".")[2], "v"), learned)


def start(module: Any) -> tuple[Any, float]:
    """v, as a reset or the model's own code left it; rules have it start at v_reset, or 0."""
    usual = _number(getattr(module, "v_reset", None))
    return getattr(module, "v", usual), usual


def check_kept(network: nn.Module) -> None:
    """CompileError for a membrane that was set to a number which a reset, before every window, takes back."""
    modules: list[Any] = list(network.modules())
    for module in modules:
        usual = getattr(module, "_memories_rv", dict[str, Any]()).get("v")
        if isinstance(usual, float) and isinstance(module.v, float) and module.v != usual:
            what = f"{type(module).__name__} has v = {module.v:g}, which a reset before every window makes {usual:g}"
            hint = f'set it in forward, or what resets set it to: set_reset_value("v", {module.v:g})'
            raise CompileError("import.state", what, hint=hint)


def readouts(module: Any, op: Op, _result: Any) -> Iterator[Readout]:
    """What a neuron keeps: v and v_seq, the membrane behind the reset, are values of a plain `Lif`, from v_reset on."""
    membrane = None
    if type(op) is Lif:
        usual = _number(module.v_reset)
        levels = {"leak": usual, "v0": usual + op.v0, "v_reset": usual, "threshold": float(module.v_threshold)}
        absolute = replace(op, **levels)
        membrane = membrane_of(absolute, "after")
    for name, state in module._memories.items():
        if isinstance(state, torch.Tensor):
            yield Readout(name, state, membrane if name in ("v", "v_seq") else None)


def _memories(module: Any) -> dict[str, Any]:
    return dict(module._memories)


SPIKINGJELLY = NeuronFramework(
    rules=SPIKINGJELLY_NEURONS,
    traced=_MEMORIES,
    takes_single_steps=takes_single_steps,
    check=_check,
    reset=lambda module: module.reset(),  # pyright: ignore[reportCallIssue]
    start=start,
    given=lambda module, arguments: _memories(module),
    left=lambda module, result: _memories(module),
    first="any",
    readouts=readouts,
)
"""Its neurons keep their state from call to call."""
