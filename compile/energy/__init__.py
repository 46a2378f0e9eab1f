"""Energy of a deployed part: bills by several models at several prices, and why formula and counted events differ."""

from __future__ import annotations

from compile.energy.activity import Activity
from compile.energy.bill import Bill, EnergyRange
from compile.energy.causes import CAUSES
from compile.energy.comparison import EnergyReport, energy_report
from compile.energy.crossing import CrossingCost, crossing_cost
from compile.energy.dense import dense_twin_pj
from compile.energy.facts import SampleFacts, sample_facts
from compile.energy.formula.analytic import FormulaRow, TableRow, formula_rows, table_rows
from compile.energy.formula.published import PUBLISHED_TABLES, PublishedTable
from compile.energy.formula.rates import Rate, RateMeter, Rates
from compile.energy.layer_energy import LayerEnergy
from compile.energy.like_for_like import PriceTable, price_table
from compile.energy.on_chip import OnChip, on_chip
from compile.energy.simulated import Counts, missing_prices, node_counts

__all__ = ["CAUSES", "PUBLISHED_TABLES", "Activity", "Bill", "Counts", "CrossingCost", "EnergyRange", "EnergyReport"]
__all__ += ["FormulaRow", "LayerEnergy", "OnChip", "PriceTable", "PublishedTable", "Rate", "RateMeter", "Rates"]
__all__ += ["SampleFacts", "TableRow", "crossing_cost", "dense_twin_pj", "energy_report", "formula_rows"]
__all__ += ["missing_prices", "node_counts", "on_chip", "price_table", "sample_facts", "table_rows"]
