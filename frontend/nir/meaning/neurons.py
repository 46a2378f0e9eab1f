"""
NIR's populations -> the IR's membranes, under a semantics: the one place where the equations become discrete.

With a the share of a leaky variable (dt / tau, or 1 - exp(-dt / tau)): docs/semantics.md. NIR's equations are one, the
floating-point forms in which a step computes them several:

    euler  v <- v + a ((v_leak - v) + r i)          sum  v <- (1 - a) v + (a r) i + a v_leak

They are the same numbers but for their last bits. A node that says `membrane_form` or `current_form` = sum in its metadata was
written from the second form; whoever does not know this reads the same neuron.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNode, float64_constant
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Leaky, Lif
from ir.ops.membrane import Membrane

COMPARATORS = {"gt": ">", "ge": ">="}
"""Option `threshold` -> the IR's comparator."""
RESET_TIMES = {"same": "spike", "next": "next"}
"""Option `reset_at` -> the IR's."""
FORMS = {"membrane_form": ("form", "decay", "gain"), "current_form": ("current_form", "current_decay", "current_gain")}
"""Entry of a node's metadata -> the attributes of the IR's neuron that it is about: form, decay, gain."""
SPIKING = ("IF", "LIF", "CubaLIF")
"""Kinds that fire, remember and reset; Threshold fires without memory."""

Constants = dict[str, Any]
"""Attribute of the IR's neuron -> a text, or an array without axes or with one value per neuron."""


def population(node: NirNode, semantics: Semantics, dtype: str, looped: bool) -> tuple[Membrane, dict[str, Array]]:
    """
    The IR's neuron for a NIR node of `POPULATIONS`, and its parameters in `dtype`; `looped`: it lies on a loop.

    Raises:
        CompileError: for constants that have no meaning under these semantics.
    """
    params = {name: float64_constant(array) for name, array in node.params.items()}
    constants = POPULATIONS[node.kind](params, replace(semantics, reset_at=_reset_at(node.kind, semantics, looped)))
    constants = _in_the_form_of(node.metadata, constants)
    texts = {name: value for name, value in constants.items() if isinstance(value, str | int)}
    numbers = {name: value for name, value in constants.items() if name not in texts}
    attributes, arrays = _shared_and_single(numbers, node.input_shape, dtype)
    fields: dict[str, Any] = {"decay": 0.0, **attributes, **texts}
    return Lif(**fields) if "threshold" in constants else Leaky(**fields), arrays


def _shared_and_single(
    constants: Mapping[str, Any], shape: tuple[int, ...], dtype: str
) -> tuple[dict[str, float], dict[str, Array]]:
    """Attributes (numbers that all neurons share) and parameters (one value per neuron, in `dtype`)."""
    attributes, arrays = dict[str, float](), dict[str, Array]()
    for name, value in constants.items():
        value = float64_constant(np.asarray(value, np.float64))
        if value.ndim:
            arrays[name] = np.broadcast_to(value, shape).astype(dtype)
        else:
            attributes[name] = float(value)
    return attributes, arrays


def _in_the_form_of(metadata: Mapping[str, Any], constants: Constants) -> Constants:
    """The constants in the form that the metadata of the NIR node asks for; as they are where it asks for none."""
    for entry, (form, decay, gain) in FORMS.items():
        if metadata.get(entry) == "sum" and constants.get(form) == "euler":
            constants = {**constants, form: "sum", gain: constants[decay] * constants[gain]}
    return constants


def _reset_at(kind: str, semantics: Semantics, looped: bool) -> str:
    """When a neuron of this kind resets: `same` or `next`."""
    if kind == "CubaLIF" and semantics.cuba_reset_at != "as_lif":
        return semantics.cuba_reset_at
    if semantics.reset_at == "next_on_loops":
        return "next" if looped else "same"
    return semantics.reset_at


def share(tau: Array, semantics: Semantics) -> Array:
    """How much of the way to its target a leaky variable goes in one step; all where tau is dt rounded to float32."""
    assert semantics.dt is not None  # `semantics_resolve` refuses a network that leaks without a time step
    ratio = semantics.dt / tau
    if semantics.integrator == "exponential":
        return -np.expm1(-ratio)
    return np.where((ratio > 1) & (ratio <= 1 + 2.0**-24), 1.0, ratio)


def _start(params: Mapping[str, Array], semantics: Semantics) -> Array:
    """The membrane before the first step."""
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
    """tau v' = (v_leak - v) + r i, under one of the readings of its gain."""
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
    """When a membrane fires, and what a spike does to it."""
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
