"""docs/ablations.md: every experiment's table, and its claims, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from models.zoo.ablations.experiment import Arm, Experiment, Results, all_runs, core_minutes
from models.zoo.page import grid, mean_and_spread

COMMAND = "python -m models.zoo.ablations --jobs 2 --out docs/ablations.md"
HEAD = f"""# Ablations

What the parts of the networks are good for, on the data at hand. The arms of an experiment differ in what their row says, and
share everything else: data, schedule, seeds. The epoch is chosen on dev; its metric on the test split stands here, the mean and ±
the sample standard deviation over the seeds. No run that ended is left out.

    {COMMAND}

trains what has no result yet (`ablations.jsonl` beside this page), and writes the page after every run; with names of experiments
(`taaf-balanced`), these alone. Interrupt it at any time: the same command goes on, also within a run.

A claim is reproduced here where its arm is ahead by more than either arm's spread, all seeds in, undecided where neither arm is.
With three that is a sign, no proof; and what a small network does on small data neither confirms nor refutes a paper."""


def page(experiments: Sequence[Experiment], results: Results) -> str:
    """The page."""
    parts = [HEAD, "## Schedule", _schedule(experiments, results)]
    parts += [_section(experiment, results) for experiment in experiments]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _schedule(experiments: Sequence[Experiment], results: Results) -> str:
    runs, hours = all_runs(experiments), core_minutes(experiments) / 60
    done = sum(run in results for run in runs)
    columns = ("experiment", "epochs of the longest stage", "minutes per run, about", "runs", "done")
    told = f"{len(runs)} runs, {done} of them done; about {hours:.1f} hours of one core in all, {hours / 2:.1f} of two."
    shared = "Runs that experiments share are trained once."
    return f"{told} {shared}\n\n{grid(columns, [_plan(experiment, results) for experiment in experiments])}"


def _plan(experiment: Experiment, results: Results) -> tuple[str, ...]:
    runs = all_runs([experiment])
    done = sum(run in results for run in runs)
    return experiment.name, str(experiment.epochs), f"{experiment.minutes:g}", str(len(runs)), str(done)


def _section(experiment: Experiment, results: Results) -> str:
    columns = (experiment.title.partition(": ")[2], "`--set`", experiment.metric, *experiment.others, "seeds")
    parts = [f"## {experiment.title}", f"`{experiment.model}`, `{experiment.config}`, {experiment.epochs} epochs."]
    parts.append(grid(columns, [_line(experiment, arm, results) for arm in experiment.arms]))
    parts.append("\n".join(f"* {claim.text}: **{experiment.verdict(claim, results)}**." for claim in experiment.claims))
    return "\n\n".join(part for part in (*parts, experiment.remarks) if part)


def _line(experiment: Experiment, arm: Arm, results: Results) -> tuple[str, ...]:
    metrics = (experiment.metric, *experiment.others)
    cells = [mean_and_spread(experiment.values(arm.label, results, metric)) for metric in metrics]
    seeds = f"{sum(run in results for run in experiment.runs(arm))} of {arm.seeds}"
    return arm.label, " ".join(f"`{change}`" for change in arm.changes), *cells, seeds
