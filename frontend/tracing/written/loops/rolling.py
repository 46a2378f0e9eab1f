"""
One step of a loop, from what it computes at two steps in a row.

A model unrolls its loop: mem[2] is made of mem[1], mem[1] of mem[0]. Where two expressions, one step apart, are made in the same
way, they are one equation at two times; and where the newer one reads what the older one is, it reads its own value of the step
before. So states are found, whatever the model calls them and in whatever order it updates them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from frontend.tracing.written.expressions import OPERATIONS, Expression, Key
from frontend.tracing.written.loops.clamps import CLAMP
from frontend.tracing.written.loops.recognition import no_neuron
from ir.graph import Array

STATE, SPIKES, CURRENT = "state", "spikes", "current"
"""What a symbol can stand for: the first entry of its key. (STATE | SPIKES, site, step) or (CURRENT, value, dims, step)."""


@dataclass(frozen=True)
class Afferent:
    """What a loop reads from outside, or the spikes of a site: `lag` steps late, None for what never changes."""

    kind: str
    what: Key
    lag: int | None
    start: int = 0
    """The step from which on it reads what never changes."""


@dataclass(eq=False)
class Equation:
    """A value of one step: an operation, something read, a constant, or the value of another equation a step before."""

    name: str = ""
    args: list[Equation] = field(default_factory=list["Equation"])
    source: Afferent | None = None
    constant: float | Array | None = None
    before: Equation | None = None

    def evaluate(
        self,
        past: Mapping[int, Any],
        sources: Mapping[Afferent, Any],
        number: Callable[[Any], Any],
        known: dict[int, Any],
    ) -> Any:
        """The value, from those of states a step before (by the id of their equation) and of what is read."""
        if id(self) not in known:
            if self.before is not None:
                known[id(self)] = past[id(self.before)]
            elif self.source is not None:
                known[id(self)] = sources[self.source]
            elif self.constant is not None:
                known[id(self)] = number(self.constant)
            else:
                known[id(self)] = OPERATIONS[self.name](*(a.evaluate(past, sources, number, known) for a in self.args))
        return known[id(self)]


@dataclass(frozen=True)
class Loop:
    """The equations behind `root`, what they read, and the states: those whose value of the step before is read."""

    root: Equation
    states: tuple[Equation, ...]
    sources: tuple[Afferent, ...]

    @property
    def is_clamped(self) -> bool:
        """Whether a clamp is part of it."""
        return any(equation.name == CLAMP for equation in equations(self.root))


def rolled(site: Any, step: int, newer: Expression, older: Expression, start: int = 0) -> Loop:
    """
    The loop that makes `newer` at `step`, of the neuron `site` (None for a value).

    Where the older one is made in another way, as first steps are, only the newer one is looked at from there on.

    Args:
        older: the same a step before.
        start: of what never changes.
    """
    return _Rolling(site, step, start).run(newer, older)


class _Rolling:
    def __init__(self, site: Any, step: int, start: int) -> None:
        self._site, self._step, self._start = site, step, start
        self._older: dict[Key, Equation] = {}
        self._done: dict[tuple[Key, Key], Equation] = {}
        self._sources: dict[Afferent, Equation] = {}
        self._waiting: deque[tuple[Equation, Expression, Expression | None]] = deque()
        self._root: Equation | None = None

    def run(self, newer: Expression, older: Expression) -> Loop:
        root = self._equation(newer, older)
        while self._waiting:
            equation, a, b = self._waiting.popleft()
            others = [None] * len(a.args) if b is None else b.args
            equation.args.extend(self._argument(x, y) for x, y in zip(a.args, others, strict=True))
        states = {id(e.before): e.before for e in equations(root) if e.before is not None}
        return Loop(root, tuple(states.values()), tuple(self._sources))

    def _argument(self, a: Expression | float | Array, b: Expression | float | Array | None) -> Equation:
        if isinstance(a, Expression):
            return self._equation(a, b if isinstance(b, Expression) else None)
        return Equation(constant=a)

    def _equation(self, a: Expression, b: Expression | None) -> Equation:
        """That of `a`, which was `b` a step before."""
        earlier = self._older.get(a.identity)
        if earlier is not None and b is not a:
            return Equation(before=earlier)
        read = self._read(a, b)
        if read is not None:
            return read
        pair = (a.identity, a.identity if b is None else b.identity)
        if pair in self._done:
            return self._done[pair]
        if not a.name:
            raise no_neuron(
                "reads a current that is made of values of several steps", "add currents elementwise, behind norms"
            )
        equation = self._done[pair] = Equation(a.name)
        self._root = self._root or equation
        if b is not None and b is not a:
            self._older[b.identity] = equation
        alike = b is not None and (b.name, len(b.args)) == (a.name, len(a.args))
        self._waiting.append((equation, a, b if alike else None))
        return equation

    def _read(self, a: Expression, b: Expression | None) -> Equation | None:
        """A symbol, or a value that was written down and is the same at both steps; None for what must be looked into."""
        if a.key is None:
            return None
        if a.key[:2] == (STATE, self._site) and a.key[2] == self._step - 1 and self._root is not None:
            return Equation(before=self._root)
        stands = a.key[-1] is not None if b is None or b.key is None else self._moves(a, b)
        more = (STATE,) if a.name == CLAMP else (STATE, SPIKES)
        if a.name and (not stands or not a.kinds.isdisjoint(more)):
            return None  # made of others, which tell more
        return self._sources.setdefault(self._source(a.key), Equation(source=self._source(a.key)))

    def _moves(self, a: Expression, b: Expression) -> bool:
        """Whether two values that were written down are one, a step apart."""
        assert a.key is not None
        assert b.key is not None
        steps = (a.key[-1], b.key[-1])
        return a is b or (
            a.key[:-1] == b.key[:-1] and (steps == (None, None) or (None not in steps and steps[0] == steps[1] + 1))
        )

    def _source(self, key: Key) -> Afferent:
        if key[-1] is None:
            return Afferent(key[0], tuple(key[1:-1]), None, self._start)
        return Afferent(key[0], tuple(key[1:-1]), self._step - key[-1])


def equations(root: Equation) -> list[Equation]:
    """All that an equation is made of, within one step."""
    found: dict[int, Equation] = {}
    waiting = [root]
    while waiting:
        equation = waiting.pop()
        if id(equation) not in found:
            found[id(equation)] = equation
            waiting.extend(equation.args)
    return list(found.values())
