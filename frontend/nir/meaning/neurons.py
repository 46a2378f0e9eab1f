"""
NIR's populations -> the IR's membranes, under a semantics: the one place where the equations become discrete.

With a the share of a leaky variable (dt / tau, or 1 - exp(-dt / tau)): docs/semantics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from frontend.nir.meaning.constants import split, wide
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNode
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Leaky, Lif, Op

COMPARATORS = {"gt": ">", "ge": ">="}
RESET_TIMES = {"same": "spike", "next": "next"}
SPIKING = ("IF", "LIF", "CubaLIF")
"""Kinds that fire, remember and reset; Threshold fires without memory."""

Constants = dict[str, Any]
"""Attribute of the IR's neuron -> a text, or an array without axes or with one value per neuron."""


def population(node: NirNode, semantics: Semantics, dtype: str, looped: bool) -> tuple[Op, dict[str, Array]]:
    """
    The IR's neuron for a NIR node of `POPULATIONS`, and its parameters in `dtype`; `looped`: it lies on a loop.

    Raises:
        CompileError: for constants that have no meaning under these semantics.
    """
    params = {name: wide(array) for name, array in node.params.items()}
    constants = POPULATIONS[node.kind](params, replace(semantics, reset_at=_reset_at(node.kind, semantics, looped)))
    texts = {name: value for name, value in constants.items() if isinstance(value, str | int)}
    numbers = {name: value for name, value in constants.items() if name not in texts}
    attributes, arrays = split(numbers, node.input_shape, dtype)
    made: dict[str, Any] = {"decay": 0.0, **attributes, **texts}
    return Lif(**made) if "threshold" in constants else Leaky(**made), arrays


def _reset_at(kind: str, semantics: Semantics, looped: bool) -> str:
    if kind == "CubaLIF" and semantics.cuba_reset_at != "as_lif":
        return semantics.cuba_reset_at
    if semantics.reset_at == "next_on_loops":
        return "next" if looped else "same"
    return semantics.reset_at


def share(tau: Array, semantics: Semantics) -> Array:
    """How much of the way to its target a leaky variable goes in one step; all where tau is dt rounded to float32."""
    assert semantics.dt is not None
    ratio = semantics.dt / tau
    if semantics.integrator == "exponential":
        return -np.expm1(-ratio)
    return np.where((ratio > 1) & (ratio <= 1 + 2.0**-24), 1.0, ratio)


def _start(params: Mapping[str, Array], semantics: Semantics) -> Array:
    if not isinstance(semantics.v0, str):
        return np.array(semantics.v0)
    names = {"v_leak": ("v_leak", "v_reset"), "v_reset": ("v_reset",)}.get(semantics.v0, ())
    return next((params[name] for name in names if name in params), np.array(0.0))


def _integrator(params: Mapping[str, Array], semantics: Semantics) -> Constants:
    """v' = r x."""
    gain = params["r"] if semantics.if_gain == "step" else np.float64(semantics.dt or 0.0) * params["r"]
    return {"decay": np.array(0.0), "form": "sum", "gain": gain, "v0": _start(params, semantics)}


def _leaky(params: Mapping[str, Array], semantics: Semantics) -> Constants:
    """tau v' = (v_leak - v) + r x."""
    return _membrane(params, params["tau"], semantics.li_gain, semantics)


def _membrane(params: Mapping[str, Array], tau: Array, gain: str, semantics: Semantics) -> Constants:
    a, r = share(tau, semantics), params["r"]
    forms = {"ode": ("euler", r), "step": ("sum", r), "unit": ("sum", np.array(1.0)), "decayed": ("sum", 1 - a)}
    leak = {"leak": params["v_leak"], "v0": _start(params, semantics)}
    return {"decay": a, "form": forms[gain][0], "gain": forms[gain][1], **leak}


def _cuba(params: Mapping[str, Array], semantics: Semantics) -> Constants:
    """tau_syn j' = -j + w_in x; tau_mem v' = (v_leak - v) + r j."""
    c, w = share(params["tau_syn"], semantics), params["w_in"]
    forms = {"ode": ("euler", w), "step": ("sum", w), "decayed": ("sum", (1 - c) * w)}
    form, gain = forms[semantics.cuba_gain]
    current = {"current_decay": c, "current_form": form, "current_gain": gain, "order": semantics.order}
    return {**_membrane(params, params["tau_mem"], semantics.lif_gain, semantics), **current}


def _firing(params: Mapping[str, Array], semantics: Semantics) -> Constants:
    threshold = params["v_threshold"]
    if semantics.max_spikes != 1 and float(threshold.min()) <= 0:
        raise CompileError(
            "nir.value",
            f"v_threshold is {float(threshold.min())}",
            hint="several spikes per step (max_spikes) need thresholds above 0",
        )
    return {
        "threshold": threshold,
        "v_reset": params["v_reset"],
        "comparator": COMPARATORS[semantics.threshold],
        "reset": semantics.reset,
        "reset_at": RESET_TIMES[semantics.reset_at],
        "max_spikes": semantics.max_spikes,
    }


def _threshold(params: Mapping[str, Array], semantics: Semantics) -> Constants:
    """z = [x > threshold]."""
    memoryless = {"decay": np.array(1.0), "form": "sum"}
    return {**memoryless, "threshold": params["threshold"], "comparator": COMPARATORS[semantics.threshold]}


POPULATIONS: dict[str, Callable[[Mapping[str, Array], Semantics], Constants]] = {
    "I": _integrator,
    "LI": _leaky,
    "CubaLI": _cuba,
    "IF": lambda params, semantics: {**_integrator(params, semantics), **_firing(params, semantics)},
    "LIF": lambda params, semantics: {
        **_membrane(params, params["tau"], semantics.lif_gain, semantics),
        **_firing(params, semantics),
    },
    "CubaLIF": lambda params, semantics: {**_cuba(params, semantics), **_firing(params, semantics)},
    "Threshold": _threshold,
}
"""Kind of NIR node -> the constants of the IR's neuron."""
