"""
`python -m models.zoo.ablations [EXPERIMENT ...] --jobs 2 --out docs/ablations.md`: train the arms that have no result yet.

Results are kept beside the page (`.jsonl`), weights, logs and states of the trainings in `--runs`. Interrupt it at any time: the
same command goes on, also within a training.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from compile.command.exit_code import EXIT_BUG, EXIT_OK, exit_code
from models.training.run_files import write_text
from models.zoo.ablations.experiment import TrainingRun, all_runs
from models.zoo.ablations.experiments import EXPERIMENTS
from models.zoo.ablations.page import page
from models.zoo.ablations.runs import read_results, train_missing, write_results


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 all results are there, 1 a training failed, 2 bad arguments or files, 128 + n after the signal n."""
    names = [experiment.name for experiment in EXPERIMENTS]
    parser = argparse.ArgumentParser(prog="python -m models.zoo.ablations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT", help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once, of one thread each")
    parser.add_argument("--out", type=Path, default=Path("out/ablations.md"), metavar="FILE", help="the page")
    parser.add_argument(
        "--runs", type=Path, default=Path("out/ablations"), metavar="DIR", help="files of the trainings"
    )
    parser.add_argument("--page-only", action="store_true", help="write the page from the results that are there")
    options = parser.parse_args(arguments)
    unknown = sorted({*options.names} - {*names})
    if unknown or options.jobs < 1:
        parser.error(f"no experiment {unknown[0]!r}; there are {', '.join(names)}" if unknown else "--jobs from 1")
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    kept, failed = options.out.with_suffix(".jsonl"), list[TrainingRun]()
    results = read_results(kept)
    chosen = [experiment for experiment in EXPERIMENTS if experiment.name in options.names or not options.names]
    options.out.parent.mkdir(parents=True, exist_ok=True)

    def write() -> None:
        write_text(options.out, page(EXPERIMENTS, results))

    def ended(run: TrainingRun, metrics: dict[str, float] | None) -> None:
        print(
            f"{run.name}: {'failed, see its .txt in ' + str(options.runs) if metrics is None else metrics}", flush=True
        )
        if metrics is None:
            failed.append(run)
            return
        results[run] = metrics
        write_results(kept, results)
        write()

    write()
    if not options.page_only:
        train_missing([run for run in all_runs(chosen) if run not in results], options.runs, options.jobs, ended)
    return EXIT_BUG if failed else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
