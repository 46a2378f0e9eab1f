"""docs/networks.md, from the rows of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.networks.measure import Row
from tests.networks.network import SIZES

HEAD = """# Published networks

Networks of the literature, written anew from their equations in the style of their authors' code (`tests/networks`), and compiled
unchanged. Weights are random, scaled so that no layer is silent; what is measured is whether the compiler computes what the code
does, not how well a network was trained.

* **float**: at `--precision float`, emissions compared with the module's own, over neurons, steps and samples, and how many of
  them differ, each with its membrane within float rounding of the threshold. **output**: the largest difference of the lowered
  network's output from the module's own forward; norms that are folded into weights round in another way, so that a spike next to
  the threshold can flip, and others after it.
* **kept, lost, added**: in the chip's integers, spikes of the floats that are there too, that are not, and new ones. Random
  weights make deep networks chaotic: what 8 bits change in the first layers grows from layer to layer, more than in trained ones.
* **Lava**: whether Lava's processes and the reference agree in every population, step, output and event count.
* **on the host**: what is not computed by synapses and neurons.

One command makes this page, each network in a process of its own: `python -m tests.networks --out docs/networks.md`.
"""
TITLES: Mapping[str, str] = {
    "small": "Small: the same code with few channels, as in the suite",
    "published": "Published size: one sample, or two",
}
COLUMNS = (
    "network",
    "parameters",
    "neurons",
    "T",
    "float: equal",
    "rounding",
    "output",
    "kept",
    "lost",
    "added",
    "Lava",
)


def page(rows: Sequence[Row], machine: Mapping[str, str], date: str, command: str) -> str:
    """The whole page."""
    described = "; ".join(f"{key}: {value}" for key, value in machine.items())
    parts = [HEAD, f"Made on {date} by `{command}`. Machine: {described}.", _sources(rows)]
    parts += [_section(size, [row for row in rows if row.size == size]) for size in SIZES]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _sources(rows: Sequence[Row]) -> str:
    return _grid(("network", "source"), [(name, text) for name, text in {row.name: row.source for row in rows}.items()])


def _section(size: str, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    compiled = [row for row in rows if not row.float_refused]
    hosts = [(row.name, row.host) for row in compiled]
    refusals = [(row.name, "float, int", row.float_refused) for row in rows if row.float_refused]
    refusals += [(row.name, "int", row.int_refused) for row in compiled if row.int_refused]
    parts = [f"## {TITLES[size]}", _grid(COLUMNS, [_cells(row) for row in compiled])]
    parts += ["On the host:", _grid(("network", "operations"), hosts)]
    if refusals:
        parts += ["Refused:", _grid(("network", "precision", "rule, where, why"), refusals)]
    return "\n\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    equal = f"{row.spikes - row.within_rounding:,} of {row.spikes:,}"
    output = "" if row.output is None else f"{row.output:.2g}"
    integers = (f"{row.kept:,}", f"{row.lost:,}", f"{row.added:,}", row.lava)
    integers = ("refused", "", "", "") if row.int_refused else integers
    counts = (f"{row.parameters:,}", f"{row.neurons:,}", str(row.steps))
    return (row.name, *counts, equal, str(row.within_rounding), output, *integers)


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [tuple(columns), ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
