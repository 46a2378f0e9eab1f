"""A place in a model that fires, step by step, and how it becomes a population once all steps are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from frontend.recording.earlier import depends, earlier, of_silence
from frontend.recording.layout import View
from frontend.recording.recorder import Constant, Recorder
from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.by_step import by_step
from frontend.tracing.written.loops.forced_run import COPY_HINT, ForcedRun
from frontend.tracing.written.loops.recipes import Factor, FilterRecipe, Recipe, WeightedInput, recipe
from frontend.tracing.written.loops.recognition import Firing, no_neuron
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE, Afferent, rolled
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Delay, Lif, Scale


@dataclass(eq=False)
class Site:
    """A place in a model that fires."""

    path: str
    value: str
    """Its node."""
    read: View
    """What it compares at the first step, in order."""
    firing: Firing
    """How it fires, of a difference from what is compared with."""
    given: Firing
    """The same as it was first written."""
    made: list[Expression] = field(default_factory=list[Expression])
    """What it compares, step by step."""
    ordinals: list[int] = field(default_factory=list[int])
    """Which of the comparisons of its module it is, step by step."""
    steps: list[int] = field(default_factory=list[int])
    """Which steps of the window they are: without memory some may be left out."""
    comes_back: bool = False
    """Whether it reads weighted spikes of its own, though it may remember nothing else."""
    recipe: Recipe | None = None
    currents: tuple[str, ...] = ()
    """What its population reads, once it is known."""
    params: Mapping[str, Constant] = field(default_factory=dict[str, Constant])

    @property
    def calls(self) -> int:
        """Steps that it has made."""
        return len(self.made)

    @property
    def remembers(self) -> bool:
        """Whether a step depends on what was before."""
        return self.comes_back or any(not made.kinds.isdisjoint((STATE, SPIKES)) for made in self.made[1:])


def memoryless(firing: Firing) -> Lif:
    """What fires in that way, before it is known what it remembers."""
    op = Lif(decay=1.0, form="sum", threshold=firing.threshold, comparator=firing.comparator)
    return replace(op, max_spikes=firing.max_spikes, reset="subtract" if firing.counts else "value")


def continued(recorder: Recorder, sites: Sequence[Site], expression: Expression, firing: Firing) -> Site | None:
    """The one of all sites whose next step compares an expression; None where it reads nothing of a step before."""
    return _of_state(recorder, expression, firing) or _of_weighted_spikes(recorder, sites, expression, firing)


def _of_weighted_spikes(
    recorder: Recorder, sites: Sequence[Site], expression: Expression, firing: Firing
) -> Site | None:
    """The site whose spikes of the step before come back to it through weights, and which has no membrane of its own."""
    read = [symbol.key for symbol in expression.symbols(lambda e: False) if symbol.key is not None]
    steps = {(key[1], key[-1]) for key in read if key[0] == CURRENT and key[-1] is not None}
    now = max((step for _, step in steps), default=0)
    before = [value for value, step in steps if step == now - 1]
    for site in sites if before else ():
        own = (site.path, site.firing, site.calls) == (recorder.path, firing, now)
        if own and any(depends(recorder, value, site.value) for value in before):
            site.comes_back = True
            return site
    return None


def _of_state(recorder: Recorder, expression: Expression, firing: Firing) -> Site | None:
    """The site whose membrane, or spikes, an expression reads."""
    keys = [symbol.key for symbol in expression.symbols(_stands) if symbol.key is not None]
    sites = {id(key[1]): key[1] for key in keys if key[0] == STATE}
    if not sites:  # states of their own may hide the membrane, which is compared with one of them
        now = max((key[-1] for key in keys if key[0] == CURRENT and key[-1] is not None), default=None)
        own = [key[1] for key in keys if key[0] == SPIKES and now in (None, key[1].calls)]
        sites = {id(site): site for site in own if (site.path, site.firing) == (recorder.path, firing)}
    if len(sites) > 1:
        raise CompileError("import.neuron", "a neuron that is written out reads the states of several")
    for site in sites.values():
        newest = max(key[2] for key in keys if key[0] in (STATE, SPIKES) and key[1] is site)
        if newest != site.calls - 1 or firing != site.firing or site.calls >= recorder.window(site.read):
            raise CompileError(
                "import.neuron",
                "a neuron that is written out does not do the same at every step",
                where=site.path,
                hint="let every step compute the membrane from that of the step before, and compare it in one way",
            )
        return site
    return None


def _stands(expression: Expression) -> bool:
    """Whether an expression is a current of its own: written down, and made of no state."""
    return expression.key is not None and expression.kinds.isdisjoint((STATE, SPIKES))


def population(recorder: Recorder, site: Site) -> tuple[Recipe, tuple[str, ...], dict[str, Constant]]:
    """
    What a site's node becomes: its recipe, currents and parameters.

    Raises:
        CompileError: where it is no neuron of the family, or does not do the same at every step.
    """
    try:
        return from_steps(recorder, site, site.made, site.firing, site.read)
    except CompileError as error:
        try:
            made = by_step(recorder, site.made)
            if made is not None:
                return from_steps(recorder, site, made, site.firing, site.read)
        except CompileError:
            pass  # the first error is of what the model says
        raise error


def from_steps(
    recorder: Recorder, site: Site | None, made: Sequence[Expression], firing: Firing | None, read: View
) -> tuple[Recipe, tuple[str, ...], dict[str, Constant]]:
    """
    A population by what it computes at every step: a run on random values compares it with the model's own expressions.

    What weights send to it late, biases among it, acts from the first step on, as weights of silent spikes do; or not before
    there is something that is late, as a still current that is read behind the comparison.
    """
    loop = rolled(site, len(made) - 1, made[-1], made[-2])
    silence = {s: _silence(recorder, s, read) for s in loop.sources if s.lag and s.kind == CURRENT}
    biased = any(bool(value.any()) for value in silence.values())
    tried = [(loop, before) for before in ((silence, dict[Afferent, Array]()) if biased else (silence,))]
    if any(source.lag is None for source in loop.sources):
        starts = range(1, len(loop.states) + 1)  # every state may hand it on a step later
        tried += [(rolled(site, len(made) - 1, made[-1], made[-2], start), {}) for start in starts]
    at = 0
    for each, before in tried:
        found = recipe(site, each, firing, made, before)
        differs = ForcedRun(site, found, made, firing, read.shape[1:]).first_difference(before)
        if differs is None:
            writer = _Writer(recorder, read, site, silent=before is silence)
            return found, tuple(writer.value(current) for current in found.currents), writer.constants(found.params)
        at = max(at, differs)
    if any(source.kind == SPIKES and source.what != (site,) for source in loop.sources):
        raise no_neuron("is reset by spikes that those of another layer were added to", COPY_HINT)
    if loop.is_clamped:
        hint = "only a membrane is clamped; functions of currents, and of recurrent sums, go before the sum"
        raise no_neuron("clamps what it reads, or remembers, in a way of its own", hint)
    hint = "start from zeros, do the same at every step"
    raise no_neuron(f"does something else at step {at} than at others", hint)


@dataclass(frozen=True)
class _Writer:
    """Writes down what a population reads; `silent`: what is read late is what silence made of it before the first step."""

    recorder: Recorder
    read: View
    site: Site | None
    silent: bool

    def value(self, current: WeightedInput) -> str:
        """The value of a current."""
        of = current.of
        value = self._filtered(of) if isinstance(of, FilterRecipe) else self._source(of)
        return self._scaled(value, current.factor)

    def constants(self, params: Mapping[str, Array]) -> dict[str, Constant]:
        """Parameters of single neurons."""
        return {role: self._constant(values, role) for role, values in params.items()}

    def _constant(self, values: Array, role: str) -> Constant:
        dtype = str(self.recorder.dtype).removeprefix("torch.")
        values = np.broadcast_to(values, self.read.shape[1:]).reshape(self.recorder.shape(self.read.value))
        return self.recorder.constant(torch.from_numpy(values.astype(dtype)), role)

    def _scaled(self, value: str, factor: Factor) -> str:
        if isinstance(factor, float):
            return value if factor == 1.0 else self.recorder.emit(Scale(factor), value)
        return self.recorder.emit(Scale(), value, params={"weight": self._constant(np.asarray(factor), "gain")})

    def _filtered(self, of: FilterRecipe) -> str:
        values = [self.value(current) for current in of.currents]
        if not values:
            raise no_neuron("has a state that reads nothing")
        current = self.recorder.emit(of.op, *values, params=self.constants(of.params), name="current")
        return self.recorder.emit(Delay(1), current) if of.late else current

    def _source(self, source: Afferent) -> str:
        view = _view(source)
        if view.shape != self.read.shape:
            what = (
                f"a neuron of shape {self.read.shape[1:]} that is written out reads a current of shape {view.shape[1:]}"
            )
            raise CompileError("import.neuron", what)
        if source.start:
            return self.recorder.emit(Delay(source.start), self.recorder.repeat(self.recorder.in_order(view)).value)
        value = self.recorder.in_order(view).value
        if not source.lag:
            return value
        if self.silent:
            return earlier(self.recorder, value, source.lag)
        if self.site is not None and depends(self.recorder, value, self.site.value):
            raise no_neuron("closes a loop with a bias, which is absent at the first step")
        return self.recorder.emit(Delay(source.lag), value)


def _view(source: Afferent) -> View:
    """A source at its own time."""
    if source.kind == SPIKES:
        (site,) = source.what
        return replace(site.read, value=site.value, step=None)
    value, dims = source.what
    return View(value, dims)


def _silence(recorder: Recorder, source: Afferent, read: View) -> Array:
    value = recorder.in_order(_view(source)).value
    return of_silence(recorder, value).reshape(read.shape[1:])
