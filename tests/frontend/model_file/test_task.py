"""A task is checked when its file is loaded: parts, functions, their arguments; what it returns is checked when it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.model_file.model_file import load_model_file
from frontend.model_file.task import Task
from ir.errors import CompileError

FILE = """
import torch
from torch import nn

T = 2


def build(config):
    return nn.Linear(3, 2)


def example(config, samples, seed):
    return {"input": torch.zeros(T, samples, 3)}


class Task:
    parts = ("network",)

    def inputs(self, part):
        return {"input": [1]}

    def metrics(self, outputs):
        return {"n": 1}

CHANGE

def task(config):
    return Task()
"""


def loaded(folder: Path, change: str = "") -> Task:
    (folder / "net.py").write_text(FILE.replace("CHANGE", change))
    task = load_model_file(folder / "net.py").task
    assert task is not None
    return task


@pytest.mark.parametrize(
    "change",
    [
        "",
        'Task.inputs = lambda self, part, split="test": {"input": [1]}',
        "Task.metrics = lambda self, *outputs: {'n': 1}",
        "Task.inputs = staticmethod(lambda part: {'input': [1]})",
        "Task.parts = ['network']",
    ],
)
def test_what_a_task_may_look_like(tmp_path: Path, change: str):
    task = loaded(tmp_path, change)
    assert (task.parts, task.inputs("network"), task.metrics({})) == (("network",), {"input": [1]}, {"n": 1.0})
    assert task.metric_names is None


def test_metrics_may_be_named_beforehand(tmp_path: Path):
    assert loaded(tmp_path, "Task.metric_names = ('n',)").metric_names == ("n",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("del Task.parts", "a Task, has no parts"),
        ("del Task.inputs", "has no inputs"),
        ("del Task.metrics", "has no metrics"),
        ("Task.parts = 'network'", "task.parts is no tuple of names"),
        ("Task.parts = (1,)", "task.parts is no tuple of names"),
        ("Task.parts = ('image',)", "'image', which is no part of the network"),
        ("Task.metrics = 3", "task.metrics is no function, but a int"),
        ("Task.inputs = lambda self, part, split: 3", "task.inputs cannot be called as inputs(part)"),
        ("Task.metrics = lambda self: 3", "task.metrics cannot be called as metrics(outputs)"),
        ("Task.parts = property(lambda self: 1 / 0)", "raised ZeroDivisionError"),
        ("Task.examples = 3", "task.examples is no function, but a int"),
        ("Task.examples = lambda self: []", "task.examples cannot be called as examples(outputs)"),
    ],
)
def test_what_is_no_task_is_refused_when_it_is_loaded(tmp_path: Path, change: str, said: str):
    with pytest.raises(CompileError) as error:
        loaded(tmp_path, change)
    assert said in error.value.what
    assert "net.py" in error.value.where


@pytest.mark.parametrize("value", ["3", "{'n': 'one'}", "None"])
def test_metrics_that_are_no_numbers_by_name(tmp_path: Path, value: str):
    task = loaded(tmp_path, f"Task.metrics = lambda self, outputs: {value}")
    with pytest.raises(CompileError, match="no numbers by name"):
        task.metrics({})
    with pytest.raises(CompileError, match=r"task.metrics\(\) returned nan for 'n'"):
        loaded(tmp_path, "Task.metrics = lambda self, outputs: {'n': float('nan')}").metrics({})
    with pytest.raises(CompileError, match=r"task.inputs\(\) returned a int"):
        loaded(tmp_path, "Task.inputs = lambda self, part: 3").inputs("network")


EXAMPLE = "{'sample': f'clip {n}', 'answers': ['a'], 'expected': ['b']}"


def test_a_task_may_show_examples_of_which_twelve_are_kept(tmp_path: Path):
    assert loaded(tmp_path).examples({}) == ()
    change = f"Task.examples = lambda self, outputs: [{EXAMPLE} for n in range(outputs['network'])]"
    examples = loaded(tmp_path, change).examples({"network": 14})  # pyright: ignore[reportArgumentType]
    assert [example.sample for example in examples] == [f"clip {n}" for n in range(12)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("3", "task.examples() returned a int"),
        ("{'sample': 'clip 3'}", "task.examples() returned a dict"),
        ("[{'sample': 'clip 3'}]", "an example of task.examples() has no list of texts 'answers'"),
        ("[1 / 0]", "task.examples() raised ZeroDivisionError"),
    ],
)
def test_examples_that_are_none_are_one_error_of_the_file(tmp_path: Path, given: str, said: str):
    task = loaded(tmp_path, f"Task.examples = lambda self, outputs: {given}")
    with pytest.raises(CompileError) as error:
        task.examples({})
    assert said in error.value.what
    assert "net.py" in error.value.where
