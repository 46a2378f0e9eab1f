"""Indexing that torch's function modes miss is heard of within the context, and only there."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from frontend.tracing.storage.indexing import INDEXING, observed_indexing


@pytest.mark.parametrize(
    ("index", "expected"), [(0, [1.0, 2.0]), (slice(1, 2), [[3.0, 4.0]]), (None, [[[1.0, 2.0], [3.0, 4.0]]])]
)
def test_a_handler_hears_of_an_index_and_answers(index: Any, expected: Any) -> None:
    heard = list[Any]()

    def handler(function: Any, types: Any, arguments: tuple[Any, ...]) -> Any:
        heard.append(arguments[1])
        return function(*arguments)

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    with observed_indexing(handler):
        assert x[index].tolist() == expected
        x[0] = 7.0
    assert heard == [index, 0]
    assert x.tolist() == [[7.0, 7.0], [3.0, 4.0]]
    assert heard == [index, 0], "nobody hears of this one"


@pytest.mark.parametrize(
    ("number", "name"), [(0, "masked_fill_"), (torch.tensor(0.0), "masked_fill_"), (torch.zeros(2), "__setitem__")]
)
def test_a_number_where_a_mask_is_true_fills(number: Any, name: str) -> None:
    heard = list[str]()

    def handler(function: Any, types: Any, arguments: tuple[Any, ...]) -> Any:
        heard.append(function.__name__)
        return function(*arguments)

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    with observed_indexing(handler):
        x[x > 2] = number
    assert heard == [name]
    assert x.tolist() == [[1.0, 2.0], [0.0, 0.0]]


def test_the_methods_are_there_within_the_context_only() -> None:
    with observed_indexing(lambda *_: None):
        assert all(name in vars(torch.Tensor) for name in INDEXING)
    assert not any(name in vars(torch.Tensor) for name in INDEXING)
