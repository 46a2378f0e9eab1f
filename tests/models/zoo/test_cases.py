"""The cases are all configurations of all model files, and their commands are ones that the compiler takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from compile.cli import _parser as parser  # pyright: ignore[reportPrivateUsage]
from models.training.training_error import TrainingError
from models.zoo.cases import ENTRIES, ZooCase, cases
from models.zoo.child import PACKAGE


def test_every_model_file_and_configuration_is_a_case() -> None:
    folder = Path(ENTRIES["cmsf"].module.__file__ or "").parent
    files = {path.stem for path in folder.glob("*.py") if "\ndef build(" in path.read_text()}
    assert files == {*ENTRIES}
    assert len(cases()) == sum(len(entry.module.CONFIGS) for entry in ENTRIES.values())


@pytest.mark.parametrize(("name", "count"), [("taaf", 6), ("taaf-published-64", 1), ("cmsf-digits", 1)])
def test_a_name_is_a_model_or_a_configuration(name: str, count: int) -> None:
    assert len(cases([name])) == count


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(TrainingError, match="no network 'digits'; there are cmsf, "):
        cases(["taaf", "digits"])


@pytest.mark.parametrize(
    ("case", "arguments"),
    [
        (ZooCase("taaf", "av-digits"), "models/taaf.py --config av-digits --target loihi"),
        (ZooCase("taaf", "av-digits-sum"), "models/taaf.py --config av-digits-sum --part network --target loihi"),
        (ZooCase("cmsf", "paper"), "models/cmsf.py --config paper --part image --target gpu --samples 1"),
    ],
)
def test_random_weights_have_no_task_and_large_networks_one_sample(case: ZooCase, arguments: str) -> None:
    assert " ".join(case.arguments) == arguments


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_commands_are_of_the_compiler(case: ZooCase) -> None:
    report, speed = case.report_command(), case.speed_command(Path("x"))
    assert report[:3] == speed[:3] == [sys.executable, "-m", f"{PACKAGE}compile"]
    assert parser().parse_args(report[3:]).json
    taken = parser().parse_args(speed[3:])
    assert (taken.bench, taken.target, taken.out) == (True, "gpu", Path("x"))


def test_metrics_are_those_of_the_tasks() -> None:
    named = {name: entry.module.task(next(iter(entry.module.CONFIGS))).metric_names for name, entry in ENTRIES.items()}
    assert all({*entry.metrics} <= {*named[name]} for name, entry in ENTRIES.items())


@pytest.mark.parametrize("case", [case for case in cases() if not case.large], ids=lambda case: case.name)
def test_sweeps_judge_by_a_share_and_no_loss(case: ZooCase) -> None:
    task = ENTRIES[case.model].module.task(case.config)
    assert task.metric_names[-1] in {"accuracy", "groups", "R@Sum"}
