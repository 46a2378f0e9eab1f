"""
The dense twin: the same network as an ordinary one with analog activations, computed once.

Every real operation of its matrix products, on the host and on the chip, is a multiplication with accumulation. It has no
time steps. Elementwise products and plain sums are left out, as the papers leave them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from compile.energy.analytic import price
from compile.energy.operations import operations
from hw_profiles import Profile
from ir.graph import Graph

DENSE_KINDS = ("linear", "conv", "matmul")


def dense_twin_pj(source: Graph, profile: Profile) -> Mapping[str, Fraction]:
    """Module of the source network -> energy per sample of its dense twin."""
    energy: dict[str, Fraction] = {}
    for operation in operations(source):
        if operation.kind in DENSE_KINDS:
            own = price(profile, "e_mac") * operation.real
            energy[operation.module] = energy.get(operation.module, Fraction(0)) + own
    return energy
