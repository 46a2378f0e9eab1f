"""Accuracy by hand, and metrics of the user's that fail in every way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from compile.measure.metric import accuracy, measured, same_names
from ir.errors import CompileError


def test_accuracy_adds_up_the_steps_and_the_first_of_equals_counts():
    spikes = np.array([[[1, 0, 0], [0, 1, 1]], [[0, 0, 1], [0, 1, 1]], [[0, 0, 1], [0, 0, 0]]], np.uint8)
    assert accuracy(spikes, [2, 1]) == 1.0
    assert accuracy(spikes, [0, 2]) == 0.0
    assert accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])) == 0.5


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        ({"a": np.zeros((2, 3)), "b": np.zeros((2, 3))}, [0, 1]),
        (np.zeros((2, 3)), [0]),
        (np.zeros((2, 3)), [0.0, 1.0]),
        (np.zeros((2, 3)), [0, 3]),
        (np.zeros((2, 3)), [-1, 0]),
        (np.zeros((2, 3)), None),
        (np.zeros((4, 2, 3, 3)), [0, 1]),
    ],
)
def test_what_has_no_accuracy(outputs: Any, labels: Any):
    with pytest.raises(CompileError) as error:
        accuracy(outputs, labels)
    assert error.value.rule == "report.accuracy"


def mean(outputs: Any, labels: Any) -> Any:
    return outputs.mean()


def test_a_metric_is_a_number_or_numbers_by_name():
    one, two = {"y": np.full((2, 3), 0.5)}, {"y": np.ones(2), "z": np.zeros(2)}
    assert measured(mean, one, None) == {"mean": 0.5}
    assert measured(lambda outputs, labels: {"a": torch.tensor(1), "b": sum(labels)}, one, [1, 2]) == {"a": 1, "b": 3}
    assert measured(lambda outputs, labels: {name: array.sum() for name, array in outputs.items()}, two, None) == {
        "y": 2,
        "z": 0,
    }


@pytest.mark.parametrize(
    "value", [None, "0.5", {}, {"a": "b"}, np.zeros(2), {"a": np.zeros(1)}, np.nan, {"a": 1, "b": -np.inf}]
)
def test_what_is_no_number_is_refused(value: Any):
    with pytest.raises(CompileError) as error:
        measured(lambda outputs, labels: value, {"y": np.zeros(2)}, None)
    assert error.value.rule == "report.metric"


def test_a_metric_may_do_what_it_likes_with_what_it_gets():
    def greedy(outputs: Any, labels: Any) -> float:
        outputs[:] = 0
        return 1.0

    outputs = {"y": np.ones(2)}
    assert measured(greedy, outputs, None) == {"greedy": 1.0}
    assert outputs["y"].all()


def test_metrics_of_different_names_are_refused():
    values = {"source": {"a": 1.0, "b": 2.0}, "float": {"b": 1.0, "a": 2.0}}
    assert same_names(values) == values
    with pytest.raises(CompileError, match=r"report\.metric(.|\n)*a, b of source, and a of compiled"):
        same_names({**values, "compiled": {"a": 1.0}})


def test_an_error_of_the_metric_is_named():
    with pytest.raises(CompileError, match=r"broken\(\) raised ZeroDivisionError: division by zero"):
        measured(broken, {"y": np.zeros(2)}, None)


def broken(outputs: Any, labels: Any) -> float:
    return 1 / 0
