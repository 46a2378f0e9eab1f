"""
What a hardware profile may say: eight tables of numbers, each field with its unit, and typed access to them.

A profile is read by passes as plain numbers (`profile.arithmetic.weight_bits`) and by reports as quantities with their
origin (`profile.quantity("energy", "synaptic_event")`). A number that nobody published is absent, never guessed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from ir.errors import CompileError
from ir.profile.chip import Arithmetic, Features
from ir.profile.prices import CostWeights, Energy
from ir.profile.quantity import Quantity
from ir.profile.resources import Limits, Mesh, SynapseMemory
from ir.profile.times import EventTimes

Table = TypeVar("Table")

TABLES: Mapping[str, type] = {
    "features": Features,
    "arithmetic": Arithmetic,
    "limits": Limits,
    "synapse_memory": SynapseMemory,
    "mesh": Mesh,
    "energy": Energy,
    "timing": EventTimes,
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

    @property
    def has_events(self) -> bool:
        """Whether its energies are of events on a chip, published or not; those of others are of arithmetic alone."""
        return self.is_chip or "synaptic_event" in self.tables.get("energy", {})

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
        return self._typed("limits", Limits, Limits())

    @cached_property
    def synapse_memory(self) -> SynapseMemory:
        """How its cores store synapses; weight after weight where the profile has no such table."""
        return self._typed("synapse_memory", SynapseMemory, SynapseMemory())

    @cached_property
    def mesh(self) -> Mesh:
        """Where its cores are; nobody knows where the profile has no such table."""
        return self._typed("mesh", Mesh, Mesh())

    @cached_property
    def energy(self) -> Energy:
        """Prices per event; all None where the profile has no such table."""
        return self._typed("energy", Energy, Energy())

    @cached_property
    def cost(self) -> CostWeights:
        """What the parts of a lowering's cost are worth; the usual weights where the profile has no such table."""
        return self._typed("cost", CostWeights, CostWeights())

    def quantity(self, table: str, key: str) -> Quantity:
        """One number with its origin; CompileError("profile.missing") where the profile does not state it."""
        quantity = self.tables.get(table, {}).get(key)
        if quantity is None:
            what = f"profile {self.name} has no {table}.{key}"
            hint = f"state it in a profile of your own: extends = {self.name!r}, then [{table}] {key}"
            raise CompileError("profile.missing", what, where=self.file, hint=hint)
        return quantity

    def _typed(self, table: str, kind: type[Table], absent: Table | None = None) -> Table:
        if table in self.tables:
            return kind(**{key: quantity.value for key, quantity in self.tables[table].items()})
        if absent is not None:
            return absent
        what = f"profile {self.name} has no table [{table}]: it describes no chip that runs networks"
        raise CompileError("profile.missing", what, where=self.file, hint="choose a chip's profile")
