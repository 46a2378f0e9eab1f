"""
A loop that reads another current at every step, as norms of their own make them (BNTT), as one that reads one current.

    step 0: mem = 0.9 * mem + bn_0(h), step 1: mem = 0.9 * mem + bn_1(h), ...      mem = 0.9 * mem + (bn_0(h) [1, 0, ..] + ...)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.currents_by_step import CurrentsByStep, placeholder
from frontend.tracing.written.expressions import Expression, Key
from frontend.tracing.written.loops.rolling import CURRENT


def by_step(recorder: Recorder, made: Sequence[Expression]) -> list[Expression] | None:
    """What a loop computes at every step, by currents that are the same ones at all of them; None where that is no way."""
    read = [_currents(expression, step) for step, expression in enumerate(made)]
    shared = set[Key].intersection(*({key[:-1] for key in keys} for keys in read))
    rows = [[key for key in keys if key[:-1] not in shared] for keys in read]
    if not rows[0] or len({len(row) for row in rows}) > 1:
        return None
    renamed: dict[Key, Key] = {}
    for keys in zip(*rows, strict=True):
        views = [View(*key[1:]) for key in keys]
        types = [recorder.type(view) for view in views]
        alike = len({(view.dims, kind.shape) for view, kind in zip(views, types, strict=True)}) == 1
        if not alike or any(kind.static or (kind.steps or len(made)) != len(made) for kind in types):
            return None
        currents = CurrentsByStep(recorder, [*views])
        value = placeholder(recorder, types[0].shape, currents.domain, types[0].steps)
        currents.join(value)
        renamed |= {key: (CURRENT, value, views[0].dims, step) for step, key in enumerate(keys)}
    known: dict[int, Expression] = {}
    return [_renamed(expression, renamed, known) for expression in made]


def _currents(expression: Expression, step: int) -> list[Key]:
    """The currents of a step that an expression reads, in order."""
    keys = [symbol.key for symbol in expression.symbols(lambda e: False) if symbol.key is not None]
    return list(dict.fromkeys(key for key in keys if key[0] == CURRENT and key[-1] == step))


def _renamed(expression: Expression, renamed: Mapping[Key, Key], known: dict[int, Expression]) -> Expression:
    if id(expression) not in known:
        key = expression.key if expression.key is None else renamed.get(expression.key, expression.key)
        args = [_renamed(arg, renamed, known) if isinstance(arg, Expression) else arg for arg in expression.args]
        known[id(expression)] = Expression(key, expression.name, tuple(args))
    return known[id(expression)]
