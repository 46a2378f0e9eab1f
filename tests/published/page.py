"""docs/published-sizes.md, from the rows of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.published.measure import Row
from tests.published.table5 import HEADS, Stage, printed

HEAD = """# Published sizes

SpikeCLIP, SNNergy and TAAF-SNN as large as in their papers: what they have once they are lowered, what a run costs, and SNNergy's
table 5 from the compiled graph. Weights are random, with firing rates like those of trained ones.

One command makes this page, each network in a process of its own: `python -m tests.published --out docs/published-sizes.md`.
"""

COUNTS = """## What they have

Per sample and step, shared weights unrolled. **Synapses**: the model's own, one copy; products of spikes as dense operations.
**Copies**: what residual sums add, one per population but the first. **Host**: weighted operations on inputs and behind the last
neurons. A read-out of a residual stream of currents, which no chip sends, makes the host apply weights **again** that are
synapses, too: once per window, to sums over steps and pixels.
**Attention**, **pools**: what lowering adds, in the order of products that cost chooses here, neurons / synapses.

`tests/test_published.py` compares all of it, group by group, with what was worked out by hand before anything was compiled
(`tests/published/facts.py`): every group of layers is equal. What differs from the hand counts in its convention:

* Attention in order (Q K^T) V has more neurons, 3,178,496 per attention of 64 tokens and width 384; cost chooses Q (K^T V) there.
* A sum that crosses a border between phases comes as one population of payloads, where the hand count has a copy of the synapses
  per spike population: one copy fewer in SNNergy's MLPs and downsampling. The `gate` variant has one phase, and all copies.
* SNNergy's masked keys are counted as ANDs by hand, 2 N D per direction and block. Their means are all that is read of them, so that the
  host, which takes the means, also opens the keys (column **masked**).
* By hand, neurons of TAAF's shortcuts were left out: 175,616 per branch of 224 pixels, 14,336 of 64. They are there, since what
  SEW blocks add are spikes.
* SNNergy has an alpha per direction and block of the first two stages, four parameters that the totals leave out.
* Pools of currents were counted as if they cost nothing. Pooled before the neurons, every window is compared by relays; pooled behind
  them, there are four times the neurons before a pool, and ORs.
"""

RUNS = """## What a run costs

One sample on the reference, all events counted, one thread; SpikingJelly's own forward takes turns with it. Memory is the most that the
process ever held, compilation included. Integers at random weights of this depth are chaotic; what is asked of them here is
that no layer falls silent. (`tests/models/test_weights.py` asks it of all weights that come with the repository.)

Twice as fast as SpikingJelly is wanted, and all are at the papers' sizes. TAAF of 64 pixels is not: half of its time is the host's
convolution over time, the same one as SpikingJelly's. Readers of a residual sum of currents share products where rounding left
them the same weights; where their scales differ, each has its own. (The machine was shared while this was taken.)
"""

REFUSED = """Refused in integers, and counted above. It must be certain that no two currents in a window of a pool differ by more than
the chip holds, for any spikes: with thousands of random weights per neuron that would leave them fewer than 4 bits. The same network
runs with spikes pooled.
"""

TABLE_5 = """## SNNergy's table 5

N and D are read from the graph: keys of a stage are N D neurons with N D^2 synapses. The paper sets N D^2 for CMQKA against N^2 D for spiking
self attention (SSA), in millions. All its cells follow. Of its totals, four add cells that are rounded already: 78.5, 113.1,
28.2 and 114.9 are printed, for 78.6, 113.2, 28.3 and 114.8.
"""

LIKE_FOR_LIKE = """That compares one projection of the one with one product of the other. What the graph has, per direction and block: four
projections, 4 N D^2, in both, and besides them masks and masked keys, 4 N D, or products, 2 N^2 D in order (Q K^T) V and
2 N D^2 / h in order Q (K^T V), whichever costs less. In millions, the attention that is not in a stage by the same formulas:
"""


def page(rows: Sequence[Row], machine: Mapping[str, str], date: str) -> str:
    """The whole page."""
    described = "; ".join(f"{key}: {value}" for key, value in machine.items())
    parts = [HEAD, f"Made on {date}. Machine: {described}.", COUNTS, _counts(rows), RUNS, _runs(rows), _refusals(rows)]
    parts += [_table_5(rows), _commands(rows)]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _counts(rows: Sequence[Row]) -> str:
    columns = ("network", "parameters", "T", "phases", "neurons", "synapses", "copies", "host", "again", "masked")
    return _grid((*columns, "attention", "pools"), [_counted(row, Counter(row.counted)) for row in rows])


def _counted(row: Row, counted: Counter[str]) -> tuple[str, ...]:
    kinds = ("neurons", "synapses", "duplicates", "host", "again", "masked")
    numbers = (row.parameters, row.steps, row.phases, *(counted[kind] for kind in kinds))
    return (
        row.name,
        *(f"{n:,}" if n else "" for n in numbers),
        _added(counted, "attention="),
        _added(counted, "pool="),
    )


def _added(counted: Counter[str], strategy: str) -> str:
    """What lowerings of one kind add: neurons / synapses."""
    sums = [
        sum(n for kind, n in counted.items() if strategy in kind and kind.endswith(f" {what}"))
        for what in ("neurons", "synapses")
    ]
    return " / ".join(f"{n:,}" for n in sums) if any(sums) else ""


def _runs(rows: Sequence[Row]) -> str:
    columns = ("network", "compile, s", "run, s", "SpikingJelly / run", "GiB", "synaptic events", "read at borders")
    lines = [
        (
            row.name,
            f"{row.compile_seconds:.0f}",
            f"{row.run_seconds:.2f}",
            f"{row.forward:.1f}",
            f"{row.memory:.1f}",
            f"{row.events:,}",
            f"{row.read:,}" if row.read else "",
            f"{row.kept / (row.kept + row.lost):.0%}",
            ", ".join(row.silent) or "none",
            row.verdict,
        )
        for row in rows
        if not row.refused
    ]
    return _grid((*columns, "spikes kept", "silent layers", "against the interpreter"), lines)


def _refusals(rows: Sequence[Row]) -> str:
    refused = [(row.name, row.refused) for row in rows if row.refused]
    return f"{REFUSED}\n{_grid(('network', 'rule, where, why'), refused)}" if refused else ""


def _table_5(rows: Sequence[Row]) -> str:
    widths = {stages[0].width: stages for row in rows if (stages := [Stage(*numbers) for numbers in row.stages])}
    parts = [TABLE_5]
    for width, stages in sorted(widths.items()):
        sizes = [stage.size for stage in stages]
        lines = [
            (str(k), f"{size.tokens:,}", f"{size.width}", *cells[1:])
            for k, (size, cells) in enumerate(zip(sizes, printed(sizes), strict=False), start=1)
        ]
        lines += [(name, "", "", *cells) for name, *cells in printed(sizes)[len(sizes) :]]
        parts.append(_grid((f"base {width}: stage", "N", "D", "CMQKA N D^2", "SSA N^2 D"), lines))
    parts.append(LIKE_FOR_LIKE)
    parts += [_real(width, stages) for width, stages in sorted(widths.items())]
    return "\n\n".join(part.strip() for part in parts) if widths else ""


def _real(width: int, stages: Sequence[Stage]) -> str:
    columns = ("in the graph", "projections", "masks or products", "CMQKA", "SSA, (Q K^T) V", "SSA, Q (K^T V)")
    lines = [
        (
            str(k),
            "SSA" if k == len(stages) else "CMQKA",
            *(f"{n / 1e6:.2f}" for n in (stage.projections, stage.between)),
            *(f"{n / 1e6:.2f}" for n in (stage.size.cmqka, stage.size.ssa, stage.size.ssa_keys_first(HEADS))),
        )
        for k, stage in enumerate(stages, start=1)
    ]
    return _grid((f"base {width}: stage", *columns), lines)


def _commands(rows: Sequence[Row]) -> str:
    lines = [(row.name, f"`{row.command}`") for row in rows]
    return f"## Commands\n\nThe report of each network:\n\n{_grid(('network', 'command'), lines)}"


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [tuple(columns), ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
