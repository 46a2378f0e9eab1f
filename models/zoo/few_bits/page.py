"""docs/few-bits.md: every network's table, and which goals it reaches, one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from models.zoo.ablations.experiment import Experiment
from models.zoo.few_bits.networks import GOALS, NETWORKS, RECALLS, SEEDS, Goal, quantized_runs, runs_at
from models.zoo.few_bits.quantized_run import QuantizedRun
from models.zoo.page import NOT_MEASURED, grid, mean_and_spread

Results = Mapping[QuantizedRun, Mapping[str, float]]
"""Run -> its `measured`."""
COLUMNS = (
    *("bits", "floats", "rounded", "kept, lost, added", "epochs", "fine-tuned", "kept, lost, added"),
    *("energy, uJ", "cores", "seeds"),
)
ROUNDING = 1e-9
"""Of points, which are parts of whole samples."""
COMMAND = "python -m models.zoo.few_bits --jobs 2 --out docs/few-bits.md"
HEAD = f"""# Networks at few bits

The trained networks with weights of fewer bits, on whole test sets, by the chip's integers: as their floats are
[rounded](quantisation.md#weights), and [fine-tuned](quantisation.md#fine-tuning) for a few epochs. Mean and ± the sample standard
deviation over the seeds. Spikes are those of the first 32 samples, in % of the floats'; energy, counted, and cores are those of
the fine-tuned network, of one sample of every part.

    {COMMAND}

does what has no result yet (`few-bits.jsonl` beside this page), and writes the page after every run; with names
(`taaf-av-digits`), these networks alone. Seed 0 begins with the repository's weights, the others with those of
[the ablations](ablations.md) in the same `--runs` (`python -m models.zoo.ablations taaf-av-digits`). Interrupt it at any time: it
goes on, also within a run.

Wanted is that 8 bits lose at most 0.3 points as rounded and 0.1 fine-tuned, 4 bits 1 and 2 bits, which are ternary, 3 points
fine-tuned: in the mean of three seeds, or one test sample where that is more; a sixth of R@Sum, which adds six
recalls up, is a point of it."""


def page(results: Results) -> str:
    """The page."""
    runs = quantized_runs([*NETWORKS])
    done = f"{len(runs)} runs, {sum(run in results for run in runs)} of them done."
    parts = [HEAD, done, *(_section(network, results) for network in NETWORKS.values())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(network: Experiment, results: Results) -> str:
    table = grid(COLUMNS, [_line(network, bits, results) for bits in SEEDS])
    goals = "\n".join(f"* {_goal(goal)}: **{verdict(network, goal, results)}**." for goal in GOALS)
    title = network.title.partition(": ")[0]
    return f"## {title}\n\n`{network.model}`, `{network.config}`: {network.metric}.\n\n{table}\n\n{goals}"


def _line(network: Experiment, bits: int, results: Results) -> tuple[str, ...]:
    found, metric = _found(network, bits, results), network.metric
    done = f"{len(found)} of {SEEDS[bits]}"
    if not found:
        return str(bits), *(NOT_MEASURED,) * (len(COLUMNS) - 2), done

    def cell(key: str) -> str:
        return mean_and_spread([each[key] for each in found])

    def cells(way: str) -> tuple[str, str]:
        spikes = [f"{mean(each[f'{way} {name}'] for each in found):.1f}" for name in ("kept", "lost", "added")]
        return cell(f"{way} {metric}"), ", ".join(spikes)

    tuned = (*cells("tuned"), cell("tuned uJ"), cell("tuned cores"), done)
    return str(bits), cell(f"floats {metric}"), *cells("rounded"), str(runs_at(network, bits)[0].epochs), *tuned


def _found(network: Experiment, bits: int, results: Results) -> Sequence[Mapping[str, float]]:
    return [results[run] for run in runs_at(network, bits) if run in results]


def _goal(goal: Goal) -> str:
    way = {"rounded": "as rounded", "tuned": "fine-tuned"}[goal.way]
    return f"{goal.bits} bits, {way}, lose at most {goal.points:g}"


def verdict(network: Experiment, goal: Goal, results: Results) -> str:
    """Whether the points lost, in the mean over all seeds, are within a goal; not measured before all are there."""
    found, metric = _found(network, goal.bits, results), network.metric
    if len(found) < SEEDS[goal.bits]:
        return NOT_MEASURED
    recalls = RECALLS if metric == "R@Sum" else 1
    lost = mean(each[f"floats {metric}"] - each[f"{goal.way} {metric}"] for each in found) / recalls
    allowed = max(goal.points, 100 / min(each["samples"] for each in found))
    told = f"lost {lost:.2f}" if lost >= 0 else f"gained {-lost:.2f}"
    return f"reached: {told}" if lost <= allowed + ROUNDING else f"not reached: {told}"
