"""
`python -m models.zoo.ablations [EXPERIMENT ...] --jobs 2 --out docs/ablations.md`: train the arms that have no result yet.

Results are kept beside the page (`.jsonl`), weights, logs and states of the trainings in `--runs`. Interrupt it at any time: the
same command goes on, also within a training.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from models.zoo.ablations.experiment import all_runs
from models.zoo.ablations.experiments import EXPERIMENTS
from models.zoo.ablations.page import page
from models.zoo.run_command import RunCommand
from models.zoo.training_run import TrainingRun


def _runs(names: Sequence[str]) -> list[TrainingRun]:
    return all_runs([experiment for experiment in EXPERIMENTS if experiment.name in names])


COMMAND = RunCommand(
    "models.zoo.ablations",
    __doc__,
    [experiment.name for experiment in EXPERIMENTS],
    _runs,
    TrainingRun.of,
    lambda results: page(EXPERIMENTS, results),
)

if __name__ == "__main__":
    sys.exit(COMMAND.main())
