"""The table of operations is complete, and each of them is tested in the file of its module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ir.ops
from ir.ops import OPS
from ir.ops.base import Op


def subclasses(kind: type[Op]) -> set[type[Op]]:
    """All classes below one."""
    return {below for direct in kind.__subclasses__() for below in (direct, *subclasses(direct))}


def test_the_table_holds_every_operation_by_its_kind():
    operations = {op for op in subclasses(Op) if op.__module__.startswith(f"{ir.ops.__name__}.") and "kind" in vars(op)}
    assert set(OPS.values()) == operations
    assert {kind: op.kind for kind, op in OPS.items()} == {kind: kind for kind in OPS}
    assert {op.__name__ for op in operations} | {"OPS", "Op"} == set(ir.ops.__all__)


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_is_tested(kind: str):
    op = OPS[kind]
    *folders, module = op.__module__.removeprefix(f"{ir.ops.__name__}.").split(".")
    path = Path(__file__).parent.joinpath(*folders, f"test_{module}.py")
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert op.__name__ in names
