"""A hardware profile: the tables that it may have, and typed access to them."""

from ir.profile.chip import Arithmetic, Features
from ir.profile.prices import CostWeights, Energy
from ir.profile.profile import TABLES, Profile
from ir.profile.quantity import KINDS, Number, Quantity, counted_in
from ir.profile.resources import Limits, Mesh, SynapseMemory
from ir.profile.times import EventTimes

__all__ = [
    "KINDS",
    "TABLES",
    "Arithmetic",
    "CostWeights",
    "Energy",
    "EventTimes",
    "Features",
    "Limits",
    "Mesh",
    "Number",
    "Profile",
    "Quantity",
    "SynapseMemory",
    "counted_in",
]
