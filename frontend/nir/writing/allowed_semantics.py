"""
Under which semantics a written file means what its graph computes, and the ones that it states.

Every neuron layer allows some values of some options; the file states what all of them share, canonical wherever that is
allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from frontend.nir.meaning.neurons import COMPARATORS
from frontend.nir.meaning.semantics import OPTIONS, Semantics, checked
from frontend.nir.writing.populations import Population
from ir.errors import CompileError
from ir.ops import Lif

AllowedOptions = dict[str, tuple[Any, ...]]
"""Option of the semantics -> the values under which NIR says a neuron, the best first; any where it is not listed."""
CANONICAL = Semantics(dt=1.0, time_unit="step")
"""What a file means where nothing else is needed: time in steps."""


def allowed_semantics(population: Population) -> AllowedOptions | None:
    """The semantics under which NIR says a neuron layer; None where there are none."""
    op = population.op
    if population.memoryless:
        return {}
    decays = [population.value("decay")]
    if population.remembers_current:
        decays.append(population.value("current_decay"))
    flat = population.is_flat and not population.remembers_current
    if not flat and any((decay <= 0).any() for decay in decays):
        return None
    options: AllowedOptions = {"v0": _starts(population)}
    if population.remembers_current:
        options["order"] = (op.order,)
    if isinstance(op, Lif):
        options |= {"reset": (op.reset,), "max_spikes": (op.max_spikes,)}
        if op.reset != "none":
            options["reset_at"] = ("same" if op.reset_at == "spike" else op.reset_at,)
        if op.reset not in ("value", "none") or op.max_spikes != 1:
            options["threshold"] = tuple(name for name, sign in COMPARATORS.items() if sign == op.comparator)
    return options


def _starts(population: Population) -> tuple[Any, ...]:
    """The values of `v0` that mean the population's own start."""
    start = population.value("v0")
    values: list[Any] = [] if start.any() else ["zero"]
    reset = population.value("v_reset") if isinstance(population.op, Lif) else np.zeros(())
    meanings = {"v_leak": reset if population.is_flat else population.value("leak"), "v_reset": reset}
    values += [name for name, value in meanings.items() if not (value - start).any()]
    first = start.reshape(-1)[0]
    return (*values, float(first)) if (start == first).all() else tuple(values)


def shared_semantics(allowed: Mapping[str, AllowedOptions]) -> tuple[Semantics, frozenset[str]]:
    """
    The semantics that neuron layers share, option by option, and the names of those that they do not fit.

    Args:
        allowed: node -> the values that it allows. An option that splits the nodes is left canonical.
    """
    options = CANONICAL.options()
    for option in OPTIONS:
        values = [table[option] for table in allowed.values() if option in table]
        shared = [value for value in values[0] if all(value in other for other in values)] if values else []
        if shared and options[option] not in shared and _exists(option, shared[0]):
            options[option] = shared[0]
    misfits = frozenset(
        name
        for name, table in allowed.items()
        if any(options[option] not in values for option, values in table.items())
    )
    return Semantics(**options), misfits


def _exists(option: str, value: object) -> bool:
    """Whether an option has a value."""
    try:
        return checked(option, value) == value
    except CompileError:
        return False
