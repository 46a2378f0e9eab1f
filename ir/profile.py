"""
What a hardware profile may say: five tables of numbers, each field with its unit, and typed access to them.

A profile is read by passes as plain numbers (`profile.arithmetic.weight_bits`) and by reports as quantities with their
origin (`profile.quantity("energy", "synaptic_event")`). A number that nobody published is absent, never guessed here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from ir.errors import CompileError

KINDS = ("measured", "estimated", "assumed", "specified")
"""How a number came to be: on silicon, by simulation or fit or derivation, by us, or as a fact of the architecture."""

Number = bool | int | Fraction
Table = TypeVar("Table")


@dataclass(frozen=True)
class Quantity:
    """One number with its origin. `lender` names the profile it was borrowed from, where it is not the chip's own."""

    value: Number
    unit: str
    source: str
    kind: str
    note: str = ""
    lender: str = ""

    def plain(self) -> dict[str, Any]:
        """The quantity as plain JSON content, empty entries left out."""
        value = float(self.value) if isinstance(self.value, Fraction) else self.value
        entries = {
            "unit": self.unit,
            "kind": self.kind,
            "source": self.source,
            "note": self.note,
            "lender": self.lender,
        }
        return {"value": value, **{key: text for key, text in entries.items() if text}}


WIDEST = {"bit": 32}
"""Unit -> the largest number of it that the engines compute exactly; no chip of this kind comes near."""


def counted_in(unit: str, least: int = 0) -> dict[str, Any]:
    """A field's metadata: its unit, and the least and the largest value that make sense."""
    return {"unit": unit, "least": least, "most": WIDEST.get(unit, math.inf)}


@dataclass(frozen=True)
class Features:
    """What the chip's neurons and spikes can do."""

    graded_spikes: bool = field(metadata=counted_in("flag"))
    """A spike carries a signed integer payload."""
    programmable_neurons: bool = field(metadata=counted_in("flag"))
    """Neurons run programs of ours (graded, gated, own comparators), not only the built-in leaky integrator."""
    soft_reset: bool = field(default=False, metadata=counted_in("flag"))
    """A spike can take the threshold from the membrane instead of setting it to zero."""


_PRODUCT_BITS = 53
"""Up to here the engines' double precision is exact."""


@dataclass(frozen=True)
class Arithmetic:
    """Widths of the integer neuron and its synapses (`ir.ops.integer_neuron` says what is computed with them)."""

    weight_bits: int = field(metadata=counted_in("bit", 2))
    """A weight in a matrix of both signs, sign included: -2^(n-1) .. 2^(n-1) - 1."""
    decay_bits: int = field(metadata=counted_in("bit", 1))
    """Decays are fractions of 2^n."""
    activation_shift: int = field(metadata=counted_in("bit"))
    """Left shift of the weighted sum on its way into the current, and of the threshold."""
    state_bits: int = field(metadata=counted_in("bit", 2))
    """Current and voltage, sign included."""
    threshold_bits: int = field(metadata=counted_in("bit", 1))
    """Threshold before the shift; thresholds are positive."""
    bias_mantissa_bits: int = field(metadata=counted_in("bit", 2))
    """Bias mantissa, sign included."""
    bias_exponent_max: int = field(metadata=counted_in("bit"))
    """The bias is its mantissa shifted left by `bias_exponent_min` .. n."""
    payload_bits: int = field(metadata=counted_in("bit"))
    """Payload of a graded spike, sign included; 0 where spikes carry none."""
    max_delay: int = field(metadata=counted_in("step"))
    """Extra delay of a synapse, beyond the one step that each takes."""
    bias_exponent_min: int = field(default=0, metadata=counted_in("bit"))
    """The least of these shifts; with that of the activation, biases are whole weight units."""
    weight_exponent_max: int = field(default=0, metadata=counted_in("bit"))
    """
    The weights of a projection are mantissas shifted left by 0 .. n, or right by as many as the activation shift undoes; 0 where
    all projections share one unit.
    """

    def __post_init__(self) -> None:
        if self.activation_shift + 2 > self.state_bits:
            what = f"activation_shift {self.activation_shift} leaves nothing of the {self.state_bits} state_bits"
            raise CompileError("profile.value", what, where="[arithmetic]")
        if self.bias_exponent_min > self.bias_exponent_max:
            what = f"bias_exponent_min {self.bias_exponent_min} is more than bias_exponent_max {self.bias_exponent_max}"
            raise CompileError("profile.value", what, where="[arithmetic]")
        if self.state_bits + self.decay_bits > _PRODUCT_BITS:
            what = f"state_bits {self.state_bits} and decay_bits {self.decay_bits} make products beyond {_PRODUCT_BITS} bits"
            raise CompileError("profile.value", what, where="[arithmetic]")


@dataclass(frozen=True)
class Limits:
    """Resources; None where there is no limit, or none is known."""

    cores_per_chip: int | None = field(default=None, metadata=counted_in("core", 1))
    neurons_per_core: int | None = field(default=None, metadata=counted_in("neuron", 1))
    synapse_memory_per_core: int | None = field(default=None, metadata=counted_in("byte", 1))
    axons_in_per_core: int | None = field(default=None, metadata=counted_in("axon", 1))
    axons_out_per_core: int | None = field(default=None, metadata=counted_in("axon", 1))
    neurons_per_chip: int | None = field(default=None, metadata=counted_in("neuron", 1))
    synapses_per_chip: int | None = field(default=None, metadata=counted_in("synapse", 1))


@dataclass(frozen=True)
class Energy:
    """Prices per event, exact; None where nobody published one."""

    e_ac: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One accumulation in the papers' formula."""
    e_mac: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One multiplication with accumulation in the papers' formula."""
    synaptic_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike arriving over one synapse."""
    graded_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One payload arriving over one synapse."""
    neuron_update: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One neuron at one step, whether it fires or not."""
    spike: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike leaving a neuron, before any hop."""
    hop_east_west: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike over one tile boundary of a row."""
    hop_north_south: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike over one tile boundary of a column."""
    crossing_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike or payload that passes between host and chip, in either direction; bits of payload are paid for beside it."""
    crossing_bit: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One bit of payload that does."""


@dataclass(frozen=True)
class CostWeights:
    """
    What the parts of a lowering's cost (`ir.lowerings.cost`) are worth, all in synapses; the cheapest lowering is taken.

    A chip is full when its neurons or its synapses are, so a neuron is worth the synapses that a chip has for each of its
    neurons: more than a hundred on the chips that we know. Synaptic events and micro-steps are energy and time, not space.
    Events weigh nothing by default, since how many occur is not known before a network runs; a micro-step weighs just enough
    to decide between lowerings of the same size.
    """

    neuron: int = field(default=120, metadata=counted_in("synapse"))
    """One neuron; 120 is Loihi 2's published number of synapses per neuron (of a chip)."""
    synapse: int = field(default=1, metadata=counted_in("synapse"))
    """One synapse."""
    event: int = field(default=0, metadata=counted_in("synapse"))
    """One synaptic event per model step, if every population fired."""
    step: int = field(default=1, metadata=counted_in("synapse"))
    """One micro-step of a model step."""


USUAL_WEIGHTS = CostWeights()
"""The weights where a profile states none."""

TABLES: Mapping[str, type] = {
    "features": Features,
    "arithmetic": Arithmetic,
    "limits": Limits,
    "energy": Energy,
    "cost": CostWeights,
}
"""Table of the TOML file -> what it holds."""


@dataclass(frozen=True)
class Profile:
    """A chip or technology node. A table that the profile lacks raises CompileError when it is asked for."""

    name: str
    title: str
    file: str
    tables: Mapping[str, Mapping[str, Quantity]]

    def __post_init__(self) -> None:
        tables = {name: MappingProxyType(dict(table)) for name, table in self.tables.items()}
        object.__setattr__(self, "tables", MappingProxyType(tables))

    def __reduce__(self) -> tuple[Any, ...]:
        """As plain tables, for other processes; read-only views of tables cannot travel."""
        return Profile, (self.name, self.title, self.file, {name: dict(table) for name, table in self.tables.items()})

    @property
    def is_chip(self) -> bool:
        """Whether it says what a chip can do and how it computes; others are tables of prices."""
        return {"features", "arithmetic"} <= self.tables.keys()

    @cached_property
    def features(self) -> Features:
        """What the chip can do."""
        return self._typed("features", Features)

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """The chip's integer formats."""
        return self._typed("arithmetic", Arithmetic)

    @cached_property
    def limits(self) -> Limits:
        """The chip's resources; all None where the profile has no such table."""
        return self._typed("limits", Limits) if "limits" in self.tables else Limits()

    @cached_property
    def energy(self) -> Energy:
        """Prices per event; all None where the profile has no such table."""
        return self._typed("energy", Energy) if "energy" in self.tables else Energy()

    @cached_property
    def cost(self) -> CostWeights:
        """What the parts of a lowering's cost are worth; the usual weights where the profile has no such table."""
        return self._typed("cost", CostWeights) if "cost" in self.tables else USUAL_WEIGHTS

    def quantity(self, table: str, key: str) -> Quantity:
        """One number with its origin; CompileError("profile.missing") where the profile does not state it."""
        quantity = self.tables.get(table, {}).get(key)
        if quantity is None:
            what = f"profile {self.name} has no {table}.{key}"
            hint = f"state it in a profile of your own: extends = {self.name!r}, then [{table}] {key}"
            raise CompileError("profile.missing", what, where=self.file, hint=hint)
        return quantity

    def _typed(self, table: str, kind: type[Table]) -> Table:
        if table not in self.tables:
            what = f"profile {self.name} has no table [{table}]: it describes no chip that runs networks"
            raise CompileError("profile.missing", what, where=self.file, hint="choose a chip's profile")
        return kind(**{key: quantity.value for key, quantity in self.tables[table].items()})
