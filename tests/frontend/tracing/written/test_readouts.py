"""The row of values that an integrator had is found from its last one."""

from __future__ import annotations

from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE
from frontend.tracing.written.readouts import history, site_of


def x(step: int) -> Expression:
    return Expression((CURRENT, "x", (), step))


def integrated(steps: int) -> list[Expression]:
    row = [Expression(None, "add", (0.0, x(0)))]
    for step in range(1, steps):
        row.append(Expression(None, "add", (Expression(None, "mul", (row[-1], 0.5)), x(step))))
    return row


def test_the_history_of_an_integrator() -> None:
    row = integrated(5)
    assert history(row[-1], 5) == row
    assert history(row[-1], 6) is None
    assert history(x(4), 5) is None


def test_whose_membrane_it_is() -> None:
    site = object()
    state, spikes = Expression((STATE, site, 3)), Expression((SPIKES, site, 3))
    after = Expression(None, "mul", (state, Expression(None, "rsub", (spikes, 1.0))))
    assert site_of({3: after}) is site
    assert site_of({2: after}) is None
    assert site_of({3: Expression(None, "add", (after, x(3)))}) is None
