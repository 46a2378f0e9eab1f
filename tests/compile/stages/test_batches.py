"""Samples in batches: whole arrays cut, iterables read one by one, labels beside them; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compile import compile_model
from compile.stages import batches as batches_module
from compile.stages.batches import batches_of
from compile.stages.program import Program
from ir.errors import CompileError

X = (np.random.default_rng(0).random((2, 7, 6)) < 0.5).astype(np.float32)
LABELS = np.arange(7)


@pytest.fixture
def program(tiny: Path) -> Program:
    return compile_model(tiny, target="gpu")


@pytest.mark.parametrize("whole", [X, torch.from_numpy(X), {"x": X}, X.tolist()])
def test_whole_arrays_are_cut_with_their_labels(program: Program, whole: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches_module, "BATCH", 3)
    cut = list(batches_of(program, whole, LABELS.tolist()))
    assert [batch.samples for batch in cut] == [3, 3, 1]
    assert np.array_equal(np.concatenate([batch.inputs["x"] for batch in cut], axis=1), X)
    assert [batch.labels.tolist() for batch in cut if batch.labels is not None] == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_iterable_is_read_one_by_one(program: Program):
    read: list[int] = []

    def stream() -> Iterator[Any]:
        for k in range(7):
            read.append(k)
            yield torch.from_numpy(X[:, k : k + 1]), LABELS[k : k + 1]

    given = batches_of(program, stream())
    assert read == []
    first = next(given)
    assert (read, first.samples, first.labels) == ([0], 1, np.array([0]))
    assert [batch.samples for batch in given] == [1] * 6


def test_a_data_loader_of_pairs_and_one_of_inputs(program: Program):
    samples = [(torch.from_numpy(X[:, k]), int(LABELS[k])) for k in range(7)]
    loader = torch.utils.data.DataLoader(samples, batch_size=4, collate_fn=side_by_side)  # type: ignore[arg-type]
    assert [batch.samples for batch in batches_of(program, loader)] == [4, 3]
    assert [batch.labels is None for batch in batches_of(program, [X, {"x": X}])] == [True, True]


def side_by_side(samples: list[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([x for x, _ in samples], 1), torch.tensor([y for _, y in samples])


@pytest.mark.parametrize(
    ("samples", "labels", "rule"),
    [
        (X, LABELS[:3], "report.labels"),
        (X, 3, "report.labels"),
        ([X], LABELS, "report.labels"),
        ([(X, LABELS[:3])], None, "report.labels"),
        ([(X, LABELS, 3)], None, "report.samples"),
        (3.5, None, "run.shape"),
        (object(), None, "report.samples"),
        (X[..., :3], None, "run.shape"),
        ([{"y": X}], None, "run.input"),
        (X, [[1], [1, 2]], "report.samples"),
        (X[:, :0], None, "run.batch"),
        ([X, X[:, :0]], None, "run.batch"),
    ],
)
def test_what_does_not_fit_is_refused(program: Program, samples: Any, labels: Any, rule: str):
    with pytest.raises(CompileError) as error:
        list(batches_of(program, samples, labels))
    assert error.value.rule == rule


def test_an_iterable_that_fails_is_told_with_the_batch(program: Program):
    def stream() -> Iterator[Any]:
        yield X
        raise OSError(5, "Input/output error", "/data/7.npy")

    read = batches_of(program, stream())
    assert next(read).samples == 7
    with pytest.raises(CompileError, match=r"batch 1 \(from 0\)(.|\n)*/data/7.npy") as error:
        next(read)
    assert isinstance(error.value.__cause__, OSError)


def test_an_interrupt_of_an_iterable_passes(program: Program):
    def stream() -> Iterator[Any]:
        raise KeyboardInterrupt
        yield X

    with pytest.raises(KeyboardInterrupt):
        next(batches_of(program, stream()))
