"""
What the states of a loop are to a neuron: its membrane, currents that filter the input before it, an adaptation of its threshold.

At one neuron of the population, in exact fractions. A state that reads itself and currents only is a filter; one that reads
itself and the spikes only adapts the threshold; the one that is left, or that is compared itself, is the membrane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from frontend.tracing.written.loops.parts import ONE, ZERO, Adaptation, Filter, Parts, check_source
from frontend.tracing.written.loops.recognition import Firing, Update, no_neuron
from frontend.tracing.written.loops.rolling import SPIKES, Afferent, Equation, Loop


class Decomposition:
    """
    A loop at one neuron.

    Args:
        number: a constant of the loop -> what it is at this neuron, in fractions.
        start: what the loop computes at the first step without currents of its window.
        before: what late sources are before the first step.
    """

    def __init__(
        self,
        site: Any,
        loop: Loop,
        number: Callable[[Any], Fraction],
        start: Fraction,
        before: Mapping[Afferent, Fraction],
    ) -> None:
        self._site, self._loop, self._number, self._start, self._before = site, loop, number, start, before
        self._spikes = Afferent(SPIKES, (site,), 1)
        self.inputs = [source for source in loop.sources if source != self._spikes]
        for source in self.inputs:
            check_source(source, site)

    def values(
        self, past: Mapping[int, Any], sources: Mapping[Afferent, Any], now: Mapping[int, Any], number: Any = None
    ) -> Callable[[Equation], Any]:
        """What equations are; states and sources that are not given are 0. `now`: equations whose values are given."""
        zero = ZERO if number is None else 0.0
        before = {id(state): past.get(id(state), zero) for state in self._loop.states}
        read = {source: sources.get(source, zero) for source in self._loop.sources}
        known = dict(now)
        return lambda equation: equation.evaluate(before, read, number or self._number, known)

    def _change(self, of: Equation, state: Equation | None, source: Afferent | None, spikes: Fraction) -> Fraction:
        """By how much more an equation is where a state, or a source, was 1."""
        fired = {self._spikes: spikes}
        past = {id(state): ONE} if state is not None else {}
        sources = {**fired, source: ONE} if source is not None else fired
        return self.values(past, sources, {})(of) - self.values({}, fired, {})(of)

    def _reads(self, of: Equation, state: Equation) -> bool:
        return any(self._change(of, state, None, spikes) != 0 for spikes in (ZERO, ONE))

    def _jump(self, of: Equation) -> Fraction:
        return self.values({}, {self._spikes: ONE}, {})(of) - self.values({}, {}, {})(of)

    @cached_property
    def _kinds(self) -> dict[int, str]:
        """What each state could be, by the id of its equation."""
        kinds: dict[int, str] = {}
        for state in self._loop.states:
            alone = not any(self._reads(state, other) for other in self._loop.states if other is not state)
            fed = any(
                self._change(state, None, source, spikes) != 0 for source in self.inputs for spikes in (ZERO, ONE)
            )
            keeps = self._change(state, state, None, ZERO) == self._change(state, state, None, ONE)
            jumps = self._jump(state) != 0
            linear = alone and keeps and state is not self._loop.root
            kinds[id(state)] = "other" if not linear or (fed and jumps) else "adaptation" if jumps else "filter"
        return kinds

    def _of_kind(self, kind: str) -> list[Equation]:
        return [state for state in self._loop.states if self._kinds[id(state)] == kind]

    @cached_property
    def membrane(self) -> Equation:
        """The state that is compared, as it is or shifted and scaled."""
        found = self._of_kind("other")
        if self._loop.root in self._loop.states:
            found = [self._loop.root, *(state for state in found if state is not self._loop.root)]
        if not found:  # without resets the membrane looks like a filter: the last of a chain is it
            found = [state for state in self._of_kind("filter") if self._enters(state)][:1] or [self._loop.root]
            if (
                found[0] is not self._loop.root
                and self._loop.root not in self._loop.states
                and not self._compared(found[0])
            ):
                found = [self._loop.root]
        if len(found) > 1:
            raise no_neuron("has several states that read each other")
        return found[0]

    def _enters(self, state: Equation) -> bool:
        """Whether a state is part of what is compared."""
        return self._now({id(state): ONE}) != self._now({id(state): ZERO})

    def _compared(self, state: Equation) -> bool:
        """Whether what is compared is that state but for numbers."""
        given = {id(state): ZERO}
        others = [other for other in self._loop.states if other is not state and self._kinds[id(other)] != "adaptation"]
        plain = self.values({}, {}, given)(self._loop.root)
        read = [self.values({}, {source: ONE}, given)(self._loop.root) for source in self.inputs]
        read += [self.values({id(other): ONE}, {}, given)(self._loop.root) for other in others]
        return all(value == plain for value in read)

    def _now(self, given: Mapping[int, Fraction]) -> Fraction:
        return self.values({}, {}, given)(self._loop.root)

    @cached_property
    def filters(self) -> tuple[Filter, ...]:
        """The filters that the membrane reads."""
        membrane = self.membrane
        states = [f for f in self._of_kind("filter") if f is not membrane and self._reads(membrane, f)]
        gains = {id(f): self._gains(f) for f in states}
        keeps = {id(f): self._change(f, f, None, ZERO) for f in states}
        factors = {id(f): self._change(membrane, f, None, ZERO) for f in states}
        direct = self._gains(membrane)
        now = {id(f): factors[id(f)] / keeps[id(f)] if keeps[id(f)] else ZERO for f in states}
        read = {source for f in states for source in gains[id(f)]}
        late = any(
            direct.get(source, ZERO) != sum(now[id(f)] * gains[id(f)].get(source, ZERO) for f in states)
            for source in read
        )
        factors = factors if late else now
        return tuple(Filter(keeps[id(f)], gains[id(f)], factors[id(f)], late) for f in states)

    def _gains(self, state: Equation) -> dict[Afferent, Fraction]:
        gains = {source: self._change(state, None, source, ZERO) for source in self.inputs}
        return {source: gain for source, gain in gains.items() if gain}

    @cached_property
    def direct(self) -> dict[Afferent, Fraction]:
        """The currents that the membrane takes without a filter, and what by."""
        taken = dict(self._gains(self.membrane))
        for f in self.filters:
            for source in () if f.late else f.gains:
                taken.pop(source, None)
        return taken

    def parts(self, firing: Firing, offsets: tuple[Fraction, ...]) -> Parts:
        """
        The loop as a neuron, or as a membrane that nothing fires.

        Args:
            offsets: what may be added to what is compared to make it the membrane that the model speaks of.
        """
        membrane, root = self.membrane, self._loop.root
        at = {id(membrane): ZERO, **{id(state): self._at_rest(state) for state in self._of_kind("adaptation")}}
        shift = self._now(at)
        slope = self._now({**at, id(membrane): ONE}) - shift
        if slope <= 0:
            raise no_neuron("fires where its membrane is below a number")
        firing = replace(firing, threshold=float((Fraction(firing.threshold) - shift) / slope))
        start = self._start - sum(self._change(root, None, s, ZERO) * value for s, value in self._before.items())
        start, adaptation = (start - shift) / slope, self._adaptation(at, slope, (start - shift) / slope)
        update = Update(self.step, ZERO if adaptation else start, offsets if root is membrane else (ZERO,))
        return Parts(update, slope, firing, self.direct, self.filters, adaptation)

    def step(self, v: Any, s: Any, x: Any) -> Any:
        """The membrane of the next step; x is its first current."""
        number = None if isinstance(v, Fraction) else lambda constant: float(self._number(constant))  # pyright: ignore
        now: dict[int, Any] = {id(state): self._at_rest(state) for state in self._of_kind("adaptation")}
        now = now if number is None else {key: float(value) for key, value in now.items()}
        past, sources = {**now, id(self.membrane): v}, {self._spikes: s}
        states = [f for f in self._of_kind("filter") if f is not self.membrane and self._reads(self.membrane, f)]
        if self.direct:
            sources[next(iter(self.direct))] = x
        elif states:
            past, now = (past | {id(states[0]): x}, now) if self.filters[0].late else (past, now | {id(states[0]): x})
        return self.values(past, sources, now, number)(self.membrane)

    def _at_rest(self, state: Equation) -> Fraction:
        """Where an adaptation stays without spikes."""
        keep = self._change(state, state, None, ZERO)
        if keep == 1 or keep == 0:
            raise no_neuron(f"has a threshold that keeps {float(keep):g} of what spikes raised it by")
        return self.values({}, {}, {})(state) / (1 - keep)

    def _adaptation(self, at: Mapping[int, Fraction], slope: Fraction, start: Fraction) -> Adaptation | None:
        """What raises the threshold; `start`: the membrane less that at the first step, the membrane starting at 0."""
        states = self._of_kind("adaptation")
        if not states:
            return None
        if len(states) > 1:
            raise no_neuron("has several states that its spikes change")
        (state,), membrane = states, self.membrane
        more = {**at, id(state): at[id(state)] + 1}
        raised = (self._now(at) - self._now(more)) / slope
        without = {id(state): at[id(state)]}
        taken = [
            self.values({}, {self._spikes: s}, without | {id(state): without[id(state)] + 1})(membrane)
            for s in (ZERO, ONE)
        ]
        taken = [
            a - self.values({}, {self._spikes: s}, without)(membrane) for a, s in zip(taken, (ZERO, ONE), strict=True)
        ]
        late = self.values({id(state): ONE}, {}, at)(self._loop.root) != self._now(at)
        fell = [
            self.values({id(state): ONE}, {self._spikes: s}, without)(membrane)
            - self.values({}, {self._spikes: s}, without)(membrane)
            for s in (ZERO, ONE)
        ]
        at_once = -raised * self._change(membrane, membrane, None, ZERO)
        ways = ((ZERO, ZERO), (-raised, ZERO), (ZERO, at_once))
        if late or taken[0] != 0 or fell[0] != 0 or (taken[1], fell[1]) not in ways:
            raise no_neuron(
                "reads its moving threshold in a way of its own", "compare with it, and subtract it or its rest"
            )
        keep = self._change(state, state, None, ZERO)
        jump = raised * self._jump(state) / keep
        return Adaptation(keep, jump, -start / keep, "moving" if taken[1] or fell[1] else "rest")
