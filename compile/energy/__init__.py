"""Energy of a deployed part: analytic, simulated, dense twin, and why they differ."""

from __future__ import annotations

from compile.energy.analytic import FormulaRow, TableRow, dense_twin_pj, formula_rows, table_rows
from compile.energy.causes import CAUSES
from compile.energy.comparison import EnergyReport, LayerEnergy, energy_report
from compile.energy.crossing import CrossingCost, crossing_cost
from compile.energy.published import PUBLISHED_TABLES, PublishedTable
from compile.energy.rates import Rate, RateMeter, Rates
from compile.energy.simulated import Counts, missing_prices, node_counts

__all__ = ["CAUSES", "PUBLISHED_TABLES", "Counts", "CrossingCost", "EnergyReport", "FormulaRow", "LayerEnergy"]
__all__ += ["PublishedTable", "Rate", "RateMeter", "Rates", "TableRow", "crossing_cost", "dense_twin_pj"]
__all__ += ["energy_report", "formula_rows", "missing_prices", "node_counts", "table_rows"]
