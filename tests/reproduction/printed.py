"""What papers and their repositories print (`printed.toml`), every fraction exact."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from compile.energy.formula.arithmetic import ArithmeticWork
from hw_profiles.loader import load, tomllib

PRINTED: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("printed.toml").read_text(encoding="utf-8"), parse_float=Fraction
)
PRICES = load("45nm")
"""E_AC 0.9 pJ and E_MAC 4.6 pJ, of all papers here."""


def millijoules(work: ArithmeticWork) -> Fraction:
    """At the prices of the papers."""
    return work.energy_pj(PRICES) / 10**9
