"""Where the nodes of an acyclic drawing go: in columns, every one right of what it reads, near it in height."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Place = tuple[float, float]


def layered(reads: Mapping[str, Iterable[str]]) -> dict[str, Place]:
    """
    Column and height of every node, from (0, 0); a column is centred around height 0.

    Args:
        reads: node -> what it reads, operands before their readers; edges to later nodes (loops) do not count.
    """
    column, places = dict[str, int](), dict[str, Place]()
    known: dict[str, list[str]] = {}
    for name, operands in reads.items():
        known[name] = [operand for operand in operands if operand in column]
        column[name] = 1 + max((column[operand] for operand in known[name]), default=-1)
    columns: dict[int, list[str]] = {}
    for name, number in column.items():
        columns.setdefault(number, []).append(name)
    for number in sorted(columns):
        wanted = {name: _mean([places[operand][1] for operand in known[name]]) for name in columns[number]}
        ordered = sorted(columns[number], key=lambda name: wanted[name])
        for height, name in enumerate(ordered):
            places[name] = (float(number), height - (len(ordered) - 1) / 2)
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
