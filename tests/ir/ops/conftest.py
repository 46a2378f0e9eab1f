"""One operation on its own, through the interpreter, on numpy and on torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from ir.graph import Array, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Input, Op

Run = Callable[..., Any]
NOTHING: Mapping[str, Array] = {}


def run_alone(op: Op, params: Mapping[str, Array], *arrays: Any, domain: str = "graded<8>") -> Any:
    """The operation on arrays (2, B, *shape) of a domain."""
    builder = GraphBuilder("one", 2)
    names = [
        builder.add(Input(f"{domain}[{'x'.join(map(str, array.shape[2:]))}]"), name=f"x{place}")
        for place, array in enumerate(arrays)
    ]
    roles = {role: builder.param(role, array) for role, array in params.items()}
    graph = builder.build({"y": builder.add(op, *names, name="y", params=roles)})
    return interpret(graph, dict(zip(names, arrays, strict=True)))["y"]


def assert_formula_holds(
    op: Op,
    formula: Callable[..., Array],
    *arrays: Array,
    params: Mapping[str, Array] = NOTHING,
    domain: str = "graded<8>",
) -> None:
    """The operation is formula(*arrays, **params), in both libraries."""
    expected = formula(*arrays, **params)
    for wrap in (np.asarray, torch.from_numpy):
        value = np.asarray(run_alone(op, params, *map(wrap, arrays), domain=domain))
        assert value.shape == expected.shape
        assert np.array_equal(value, expected)


@pytest.fixture(scope="session")
def run() -> Run:
    """run(op, params, *arrays): the result, as a fixture, because test folders are not packages."""
    return run_alone


@pytest.fixture(scope="session")
def assert_formula() -> Callable[..., None]:
    """assert_formula(op, formula, *arrays, params=..., domain=...)."""
    return assert_formula_holds


@pytest.fixture(scope="session")
def x() -> Array:
    """Counts 0..2, (T, B, 4, 5)."""
    return np.random.default_rng(7).integers(0, 3, (2, 3, 4, 5)).astype(np.float32)


@pytest.fixture(scope="session")
def dyadic() -> Callable[..., Array]:
    """dyadic(*shape): multiples of 1/4, on which float32 is exact."""

    def draw(*shape: int) -> Array:
        return np.random.default_rng(len(shape)).integers(-8, 9, shape).astype(np.float32) / 4

    return draw
