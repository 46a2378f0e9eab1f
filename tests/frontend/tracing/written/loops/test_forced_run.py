"""A population that does something else than the model is found out, at the first step at which it does."""

from __future__ import annotations

import pytest

from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.forced_run import ForcedRun
from frontend.tracing.written.loops.recipes import Recipe, WeightedInput
from frontend.tracing.written.loops.recognition import Firing
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE, Afferent
from ir.errors import CompileError
from ir.ops import Leaky, Lif

X = Afferent(CURRENT, ("x", ()), 0)
HALVING = Lif(decay=0.5, form="sum", comparator=">", reset="subtract")


def made(steps: int, late: int = 99) -> list[Expression]:
    """mem <- (mem - s) / 2 + x; twice x from step `late` on."""

    def at(step: int) -> Expression:
        x = Expression((CURRENT, "x", (), step))
        x = x if step < late else Expression(None, "mul", (x, 2.0))
        v, s = (Expression((kind, "site", step - 1)) for kind in (STATE, SPIKES))
        return (
            Expression(None, "add", (Expression(None, "mul", (Expression(None, "sub", (v, s)), 0.5)), x)) if step else x
        )

    return [at(step) for step in range(steps)]


def run(op: Lif | Leaky, steps: list[Expression], factor: float = 1.0) -> int | None:
    recipe = Recipe(op, {}, (WeightedInput(X, factor),), 1.0)
    return ForcedRun("site", recipe, steps, Firing(1.0, ">"), (3,)).first_difference({})


def test_resets_and_currents_of_all_steps_are_compared() -> None:
    assert run(HALVING, made(6)) is None
    assert run(HALVING, made(6), factor=2.0) == 0
    assert run(HALVING, made(6, late=4)) == 4
    assert run(Lif(decay=0.5, form="sum", comparator=">", reset="value"), made(6)) == 1
    assert run(Lif(decay=0.25, form="sum", comparator=">", reset="subtract"), made(6)) == 1


def test_what_never_changes_may_start_later() -> None:
    still = Expression((CURRENT, "x", (), None))
    v = [Expression((STATE, "site", step)) for step in range(4)]
    steps = [Expression(None, "mul", (still, 0.0)), *(Expression(None, "add", (each, still)) for each in v)]
    for start, differs in ((0, 0), (1, None), (2, 1)):
        recipe = Recipe(
            Leaky(0.0, form="sum"), {}, (WeightedInput(Afferent(CURRENT, ("x", ()), None, start), 1.0),), 1.0
        )
        assert ForcedRun("site", recipe, steps, None, (3,)).first_difference({}) == differs


def test_a_step_that_reads_something_else() -> None:
    steps = [*made(3), Expression((CURRENT, "y", (), 3))]
    with pytest.raises(CompileError, match="reads %y at one step and not at others"):
        run(HALVING, steps)
