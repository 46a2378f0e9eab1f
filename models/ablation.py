"""
`python -m models.ablation`: what the fusion used in training does for retrieval on the digits.

Trains every fusion variant with every seed and the same schedule, and adds one JSON line per run to
`--out`; runs that are there already are not repeated, so an interrupted ablation goes on where it
stopped. Prints the table of docs/ablation.md: mean and sample standard deviation over seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from models.cmsf import CONFIGS
from models.cmsf_network.config import FUSIONS
from models.retrieval.digits_training import digits_training
from models.training.loop import fit

METRICS = ("i2t R@1", "i2t R@10", "t2i R@1", "t2i R@10", "R@Sum")
AblationRun = dict[str, object]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, print the table; exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m models.ablation", description=__doc__)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("docs/ablation.jsonl"))
    options = parser.parse_args(arguments)
    if options.epochs < 1 or min(options.seeds) < 0 or not options.out.parent.is_dir():
        parser.error("--epochs from 1, --seeds from 0, and --out in a folder that exists")
    runs = read_runs(options.out)
    done = {(run["fusion"], run["seed"], run["epochs"]) for run in runs}
    for seed in options.seeds:
        for fusion in FUSIONS:
            if (fusion, seed, options.epochs) not in done:
                run = _run(fusion, seed, options.epochs)
                with options.out.open("a") as file:
                    file.write(json.dumps(run) + "\n")
                runs.append(run)
    print(table([run for run in runs if run["epochs"] == options.epochs]))
    return 0


def read_runs(path: Path) -> list[AblationRun]:
    """The runs recorded in `path`, none if there is no such file."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def _run(fusion: str, seed: int, epochs: int) -> AblationRun:
    training = digits_training(replace(CONFIGS["digits"], fusion=fusion), seed, epochs)
    best = fit(training, seed).log[-1]["best_epoch"]
    return {"fusion": fusion, "seed": seed, "epochs": epochs, "best_epoch": best, **training.test()}


def table(runs: list[AblationRun]) -> str:
    """Markdown table of `runs`, one row per fusion variant."""
    rows = ["| fusion in training | seeds | " + " | ".join(METRICS) + " |"]
    rows.append("|---" * (len(METRICS) + 2) + "|")
    for fusion in FUSIONS:
        repeats = [run for run in runs if run["fusion"] == fusion]
        if repeats:
            cells = " | ".join(_cell([float(str(run[metric])) for run in repeats]) for metric in METRICS)
            rows.append(f"| {fusion} | {len(repeats)} | {cells} |")
    return "\n".join(rows)


def _cell(values: list[float]) -> str:
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread}"


if __name__ == "__main__":
    sys.exit(main())
