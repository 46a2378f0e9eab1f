"""Energy of a deployed part: analytic, simulated, dense twin, and why they differ."""

from __future__ import annotations

from compile.energy.analytic import FormulaRow, TableRow, dense_twin_pj, formula_rows, table_rows
from compile.energy.causes import CAUSES
from compile.energy.comparison import EnergyReport, LayerEnergy, energy_report
from compile.energy.published import PUBLISHED_TABLES, PublishedTable
from compile.energy.rates import Rate, RateMeter, Rates
from compile.energy.simulated import Counts, missing_prices, node_counts

__all__ = ["CAUSES", "PUBLISHED_TABLES", "Counts", "EnergyReport", "FormulaRow", "LayerEnergy", "PublishedTable"]
__all__ += ["Rate", "RateMeter", "Rates", "TableRow", "dense_twin_pj", "energy_report", "formula_rows"]
__all__ += ["missing_prices", "node_counts", "table_rows"]
