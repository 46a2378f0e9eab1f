"""Where two graphs differ, whatever the length of their windows: how a network that was imported twice is compared."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from ir.graph import Graph, Node


def first_difference(one: Graph, other: Graph) -> str:
    """
    The first node, parameter or output that differs, in words; empty where at most the graphs' `steps` do.

    >>> from ir.text import parse_graph
    >>> before, after = (parse_graph(f"graph g steps={t}\\n  %x = input() {{type='real[2]'}} : real[2]\\n"
    ...     f"  %y = at_step(%x) {{step={t - 1}}} : real[2] static\\n  output y = %y\\n", {}) for t in (2, 3))
    >>> first_difference(before, after)
    '%y is AtStep(step=1) in one and AtStep(step=2) in the other'
    """
    for a, b in zip_longest(one.nodes.values(), other.nodes.values()):
        if a is None or b is None or a != b:
            return _of_nodes(a, b)
        for role, array in one.arrays(a).items():
            theirs = other.arrays(b)[role]
            if array.dtype != theirs.dtype or not np.array_equal(array, theirs):
                return f"%{a.name} has another {role}"
    if (dict(one.outputs), one.dtype) != (dict(other.outputs), other.dtype):
        return f"the outputs are {', '.join(one.outputs)} in one and {', '.join(other.outputs)} in the other"
    return ""


def _of_nodes(a: Node | None, b: Node | None) -> str:
    """How two nodes differ of which one may be missing."""
    if a is None or b is None:
        (name,) = {node.name for node in (a, b) if node is not None}
        return f"%{name} is in one of them only"
    if a.name != b.name:
        return f"%{a.name} of one is %{b.name} in the other"
    if a.op != b.op:
        return f"%{a.name} is {a.op} in one and {b.op} in the other"
    if a.type != b.type:
        return f"%{a.name} is {a.type} in one and {b.type} in the other"
    return f"%{a.name} reads other values"
