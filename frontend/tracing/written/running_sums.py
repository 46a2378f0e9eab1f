"""
Running sums that a loop adds up: `acc = acc + x[t]; mean = acc / (t + 1)`, compared with a number there or joined to a window.

They are known by what they are at every step, w[t] (x[0] + ... + x[t]) + c[t] in exact fractions, however the model computes it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np

from frontend.recording.layout import View
from frontend.recording.recorder import Constant, Recorder
from frontend.tracing.written.expressions import Expression, Key, exactly
from frontend.tracing.written.loops.recipes import Recipe
from frontend.tracing.written.loops.recognition import TINY
from frontend.tracing.written.loops.rolling import CURRENT, STATE
from frontend.tracing.written.sites import Site, population
from ir.ops import Lif, TimeWeight
from ir.ops.host.reduce import TIME, Along

TRIALS = 3


@dataclass(frozen=True)
class RunningSum:
    """w[t] (x[0] + ... + x[t]) + c[t]."""

    of: View
    """x, over the window."""
    factors: tuple[Fraction, ...]
    terms: tuple[Fraction, ...]

    def written(self, recorder: Recorder) -> View:
        """The sum with its factors, over the window."""
        x = recorder.in_order(self.of)
        total = View(recorder.emit(Along("cumsum", TIME), x.value, name="cumsum"), x.dims)
        if set(self.factors) == {1}:
            return total
        weight = np.array([float(factor) for factor in self.factors], str(recorder.dtype).removeprefix("torch."))
        return recorder.apply(TimeWeight(), total, {"weight": Constant("factors", weight)}, name="running")


def running_sum(recorder: Recorder, made: Sequence[Expression], site: Site | None = None) -> RunningSum | None:
    """
    The running sum of one value that expressions are, at every step of its window; None where they are none.

    Args:
        site: that compares the expressions, and whose earlier values they may read.
    """
    symbols = [symbol for expression in made for symbol in expression.symbols(lambda e: False)]
    keys = {symbol.key for symbol in symbols if symbol.key is not None}
    sources = {key[:-1] for key in keys if key[:2] != (STATE, site)}
    adds = any(array.any() for expression in made for array in expression.constants())
    if len(sources) != 1 or any(key[-1] is None for key in keys) or adds:
        return None
    (source,) = sources
    steps = range(len(made))
    if source[0] != CURRENT or recorder.window(View(*source[1:])) != len(steps):
        return None
    terms = _values(made, site, source, [Fraction(0) for _ in steps])
    ones = _values(made, site, source, [Fraction(int(step == 0)) for step in steps])
    factors = [one - term for one, term in zip(ones, terms, strict=True)]
    generator = random.Random(0)
    for _ in range(TRIALS):
        x = [Fraction(generator.randint(-99, 99), generator.randint(1, 9)) for _ in steps]
        expected = [w * total + c for w, total, c in zip(factors, accumulate(x), terms, strict=True)]
        if expected != _values(made, site, source, x):
            return None
    return RunningSum(View(*source[1:]), tuple(factors), tuple(terms))


def population_or_mean(recorder: Recorder, site: Site) -> tuple[Recipe, tuple[str, ...], dict[str, Constant]]:
    """
    What a site's node becomes, see `population`, or one that compares a running mean with a number.

    A sum less t times a number is both, and as a mean exact where they are equal.

    Raises:
        CompileError: where it is neither.
    """
    return _threshold_of_mean(recorder, site) or population(recorder, site)


def _threshold_of_mean(recorder: Recorder, site: Site) -> tuple[Recipe, tuple[str], dict[str, Constant]] | None:
    found = running_sum(recorder, site.made, site)
    if found is None or site.firing.max_spikes != 1 or min(found.factors) <= 0 or found.of.shape != site.read.shape:
        return None
    levels = [-term / factor / t for t, (term, factor) in enumerate(zip(found.terms, found.factors, strict=True), 1)]
    if any(abs(level - levels[0]) > TINY for level in levels):
        return None
    mean = RunningSum(found.of, tuple(Fraction(1, t) for t in range(1, len(levels) + 1)), ()).written(recorder)
    op = Lif(decay=1.0, form="sum", threshold=float(levels[0]), comparator=site.firing.comparator)
    return Recipe(op, {}, (), 1.0), (mean.value,), {}


def _values(made: Sequence[Expression], site: Site | None, source: Key, x: Sequence[Fraction]) -> list[Fraction]:
    """The expressions where the source has a value at every step."""
    values: dict[Key, Any] = {(*source, step): value for step, value in enumerate(x)}
    for step, expression in enumerate(made):
        values[STATE, site, step] = expression.evaluate(values, _number)
    return [values[STATE, site, step] for step in range(len(made))]


def _number(constant: Any) -> Fraction:
    return Fraction(0) if isinstance(constant, np.ndarray) else exactly(constant)
