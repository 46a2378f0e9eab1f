"""The tables of docs/zoo.md and of README, from rows that were measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, stdev

from models.training.training_error import TrainingError
from models.zoo.cases import NEURONS, STAGES, ZooCase
from models.zoo.row import PartRow, ZooRow

NOT_MEASURED = "not measured"
COMMAND = "python -m models.zoo"
HEAD = f"""# The zoo

All networks of `models/`, every configuration, from one command:

    {COMMAND}

measures what has no row yet, one of other weights, or one that failed, each network in processes of its own with a limit of time,
and writes this page from all rows (`zoo.jsonl` beside it) and README's table after each; with names (`taaf`, `taaf-av-digits`),
these anew. Without weights a configuration has seeded random ones with which its neurons fire: what it takes is measured then,
and not what it is worth.
"""
RESULT_NOTES = """At 95 % confidence the share p of n independent test samples is within 1.96 sqrt(p (1 - p) / n): av-digits has
920 clips (1.3 points at 96 %), digit-films 1,350 (2.0 at 84 %), emoji 1,100 images of known concepts (2.9 at 40 to 60 %), CMSF's
digits 1,000 scenes and 5,000 captions (3.0 and 1.4 of R@1), of which R@Sum adds up six recalls. Spreads over seeds are in
[ablations](ablations.md).
"""
NOTES = """* **neurons, added**: of the model, and those that lowering adds (gates, counters, relays). **rate**: mean spikes per
  neuron and step.
* **differing**: spikes and payloads of all neurons and steps that differ between the engine and its twin, of those compared.
* **samples/s**: of the torch reference, host and events included, one thread on CPU, the largest batch of the run; in brackets,
  the torch module's own forward.
"""
ENERGY_NOTES = """* **twin**: the same network without spikes, once, every operation a multiplication of 4.6 pJ.
* **formula**: the paper's own, or the usual one where it states none (`compile/energy/formula/published.py`): 0.9 pJ T R FL.
* **like with like**: the events of the run at the twin's prices, 0.9 pJ a spike at a synapse and 4.6 pJ a payload, and what the
  host computes.
* **counted**: the events at the chip's prices, neurons included. Counted - formula has causes that add up to it; the report of a
  row's command names them ([report](report.md)).

What papers print beside these is in [reproduction](reproduction.md), SpikeCLIP's saving among it.
"""
PRINTED = {"Q": "9 to 15%", "K": "11 to 14%", "Attn": "19 to 44%", "MLP layer 1": "8 to 12%", "MLP layer 2": "6 to 10%"}
"""Ranges of SNNergy's Table 4."""
START, END = "<!-- zoo -->", "<!-- /zoo -->"


def page(rows: Sequence[ZooRow], missing: Sequence[ZooCase]) -> str:
    """docs/zoo.md."""
    good = [row for row in rows if not row.failed]
    trained, random = [row for row in good if row.trained], [row for row in good if not row.trained]
    parts = [HEAD]
    parts += [f"## Trained networks\n\n{_results(trained)}\n\n{RESULT_NOTES}"] if trained else []
    parts += [f"## What they take\n\n{NOTES}", _sizes(good), _machines(good)] if good else []
    parts += [f"## Energy per sample\n\n{ENERGY_NOTES}\n{_energies(good)}"] if good else []
    parts += [_firing(row) for row in trained if row.model == "snnergy"]
    parts += [f"## Commands of the others\n\n{_commands(random)}"] if random else []
    parts += [f"## Refused, or not finished\n\n{_failures(rows)}"] if len(good) < len(rows) else []
    if missing:
        parts.append(f"## Not measured\n\n{', '.join(case.name for case in missing)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def with_short_table(readme: str, rows: Sequence[ZooRow]) -> str:
    """
    README with the short table between its two marks.

    Raises:
        TrainingError: the marks are not there.
    """
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise TrainingError(f"no lines {START} and {END}, between which the table stands")
    return f"{before}{START}\n{_short([row for row in rows if row.trained and not row.failed])}\n{END}{after}"


def _short(rows: Sequence[ZooRow]) -> str:
    columns = (
        "network",
        "metric",
        "float",
        "integers",
        "T",
        "neurons",
        "twin",
        "formula",
        "like with like",
        "phases",
        "command",
    )
    return grid(columns, [(row.name, *_metrics(row), *_deployed(row), f"`{row.command}`") for row in rows])


def _metrics(row: ZooRow) -> tuple[str, str, str]:
    names, pairs = "<br>".join(row.metrics), list(row.metrics.values())
    floats, integers = (("<br>".join(f"{pair[side]:.1f}" for pair in pairs)) for side in (0, 1))
    return names, floats, integers


def _deployed(row: ZooRow) -> tuple[str, ...]:
    part = row.parts[0]
    energies = (_joules(pj) for pj in (part.twin_pj, part.formula_pj, part.arithmetic_pj))
    return f"{row.steps:g}", f"{part.neurons + part.added_neurons:,}", *energies, str(part.phases)


def _results(rows: Sequence[ZooRow]) -> str:
    lines = [(row.name, *_metrics(row), f"{row.steps:g}", row.engine, f"`{row.command}`") for row in rows]
    return grid(("network", "metric", "float", "integers", "T", "ran on", "command"), lines)


def _sizes(rows: Sequence[ZooRow]) -> str:
    columns = ("network", "T", "neurons", "added", "synapses", "rate", "phases", "differing")
    return grid((*columns, "samples/s, CPU", "GPU"), [_size(row, part) for row, part in _parts(rows)])


def _size(row: ZooRow, part: PartRow) -> tuple[str, ...]:
    counts = (f"{number:,}" for number in (part.neurons, part.added_neurons, part.synapses))
    checked = f"{part.differing:,} of {part.compared:,}"
    speeds = (_speed(row, part, device) for device in ("CPU", "GPU"))
    return (_called(row, part), f"{row.steps:g}", *counts, f"{part.rate:.1%}", str(part.phases), checked, *speeds)


def _speed(row: ZooRow, part: PartRow, device: str) -> str:
    if device not in part.per_second:
        return f"{NOT_MEASURED}: {row.unmeasured[device]}" if device in row.unmeasured else NOT_MEASURED
    own = part.source_per_second.get(device)
    return _rate(part.per_second[device]) + ("" if own is None else f" ({_rate(own)})")


def _rate(per_second: float) -> str:
    """Whole from a hundred on, else three digits."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.3g}"


def _machines(rows: Sequence[ZooRow]) -> str:
    told = dict.fromkeys(f"{row.name}: {text}" for row in rows for text in row.machines.values())
    return "Speeds, where and under what load (more than the cores is a busy machine): " + "; ".join(told) + "."


def _energies(rows: Sequence[ZooRow]) -> str:
    columns = ("network", "twin", "formula", "like with like", "counted", "formula saves", "like with like saves")
    return grid(columns, [_energy(row, part) for row, part in _parts(rows)])


def _energy(row: ZooRow, part: PartRow) -> tuple[str, ...]:
    energies = (part.twin_pj, part.formula_pj, part.arithmetic_pj, part.counted_pj)
    savings = (f"{_saved(part, pj):.0%}" for pj in (part.formula_pj, part.arithmetic_pj))
    return (_called(row, part), *map(_joules, energies), *savings)


def _saved(part: PartRow, energy_pj: float) -> float:
    return 1 - energy_pj / part.twin_pj if part.twin_pj else 0.0


def _firing(row: ZooRow) -> str:
    """SNNergy's rates beside those that its Table 4 has for two data sets; a variant may lack a group of neurons."""
    found = {group: f"{rate:.1%}" for group, rate in row.parts[0].rates.items()}
    lines = [(name, *(found.get(f"{name} {stage}", "") for stage in STAGES), PRINTED[name]) for name in NEURONS]
    title = f"## Firing rates of {row.name}, as SNNergy's Table 4 has them"
    return f"{title}\n\n{grid(('neurons', *STAGES, 'printed: CREMA-D and AVE, all stages'), lines)}"


def _failures(rows: Sequence[ZooRow]) -> str:
    return grid(("network", "why", "command"), [(r.name, r.failed, f"`{r.command}`") for r in rows if r.failed])


def _commands(rows: Sequence[ZooRow]) -> str:
    return grid(("network", "command"), [(row.name, f"`{row.command}`") for row in rows])


def _parts(rows: Sequence[ZooRow]) -> Iterable[tuple[ZooRow, PartRow]]:
    return ((row, part) for row in rows for part in row.parts)


def _called(row: ZooRow, part: PartRow) -> str:
    return row.name if part.name == "network" else f"{row.name}, {part.name}"


def _joules(pj: float) -> str:
    """An energy in nJ, uJ or mJ."""
    unit, scale = next((pair for pair in (("mJ", 1e9), ("uJ", 1e6)) if abs(pj) >= pair[1]), ("nJ", 1e3))
    return f"{pj / scale:.3g} {unit}"


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [tuple(columns), ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def mean_and_spread(values: list[float]) -> str:
    """Mean and spread, to a tenth of a percent; of losses and variances, which are small, three digits."""
    if not values:
        return NOT_MEASURED
    digits = 1 if abs(mean(values)) >= 2 else 3
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"
