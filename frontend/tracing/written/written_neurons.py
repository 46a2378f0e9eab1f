"""
Neurons that a model writes out: `mem = mem * decay * (1 - spike) + x[t]; spike = (mem > threshold).float()`.

A comparison of a traced value with a number fires. At the first step nothing is known of a memory, so a neuron without one is
written down; at the second step the compared value is an expression of what was compared, and of what fired, at the first, and
the node becomes what the expression says. All later steps must say the same. Tensors that hold more than one step are states:
they have an expression, but no view, until a comparison turns them into spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.chains import offsets_of
from frontend.tracing.written.comparisons import clamped_to, compared, is_firing, plain_name, rounded
from frontend.tracing.written.expressions import FUNCTIONS, Expression, Key, exactly
from frontend.tracing.written.fired import site_path
from frontend.tracing.written.recognition import Firing, Update, recognised
from frontend.tracing.written.tracked import CURRENT, SPIKES, STATE, TrackedExpressions
from ir.errors import CompileError
from ir.ops import Lif


@dataclass(eq=False)
class Site:
    """A place in a model that fires."""

    path: str
    value: str
    """Its node."""
    read: View
    """What it compares at the first step, in order."""
    firing: Firing
    first: Expression
    ordinals: list[int]
    """Which of the comparisons of its module it is, step by step."""
    op: Lif | None = None
    """None as long as it remembers nothing."""

    @property
    def calls(self) -> int:
        """Steps that it has made."""
        return len(self.ordinals)


class WrittenNeurons:
    """The written neurons of one traced run."""

    def __init__(self, recorder: Recorder, tensors: TracedTensors) -> None:
        self.recorder, self.tensors = recorder, tensors
        self.tracked = TrackedExpressions(recorder, tensors)
        self._sites: list[Site] = []
        self._counts: dict[str, int] = {}
        self._clamped: dict[int, tuple[torch.Tensor, int]] = {}

    def count(self, name: str) -> None:
        """Take note of a function that might fire, traced or not: the module's own run counts them in the same way."""
        if is_firing(name):
            self._counts[self.recorder.path] = self._counts.get(self.recorder.path, 0) + 1

    def takes(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function is about a state, or fires."""
        tensors = tensors_in((args, kwargs))
        if any(self.tracked.is_state(tensor) for tensor in tensors):
            return True
        views = [view for view in map(self.tensors.view, tensors) if view is not None]
        if views and (is_firing(name) or clamped_to(name, args, kwargs) is not None):
            return True
        steps = {view.step for view in views if self.recorder.is_timed(view) or view.step is not None}
        return len(steps) > 1 and self.remembers(name, args, kwargs)

    def remembers(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function could be part of what happens to a state."""
        found = map(self.tracked.of, tensors_in((args, kwargs)))
        return plain_name(name) in FUNCTIONS and any(self.tracked.holds_state(e) for e in found if e is not None)

    def apply(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function that `takes` is true of."""
        if is_firing(name):
            return self._fire(name, func, args, kwargs)
        most = clamped_to(name, args, kwargs)
        if most is not None:
            result = func(*args, **kwargs)
            self.tracked.keep(result, Expression(None, "clamp", (self._known(args[0]), 0.0, float(most))))
            self._clamped[id(result)] = (args[0], most)
            self.tensors.refuse(result, _clamped())
            return result
        expression = self.tracked.operation(name, args, kwargs)
        before = [tensor for tensor in tensors_in((args, kwargs)) if self.tracked.is_state(tensor)]
        if any(id(tensor) in self._clamped for tensor in before):
            raise _clamped()
        if expression is None:
            raise _used_as_value(f" ({name})")
        result = func(*args, **kwargs)
        self.tracked.forget_aliases(result, before)
        self.tracked.keep(result, expression)
        self.tensors.refuse(result, _used_as_value())
        return result

    def note(self, result: Any, made_of: Expression | None) -> None:
        """Keep how a value was made that has been written down already, as `operation` said before it was."""
        view = self.tensors.view(result) if made_of is not None else None
        if made_of is not None and view is not None:
            self.tracked.keep(result, replace(made_of, key=self.tracked.key_of(view)))

    def finish(self) -> None:
        """Check that every neuron has made all steps, and say where its spikes are in a run of the module."""
        for site in self._sites:
            if site.op is not None and site.calls != self.recorder.steps:
                what = f"a neuron that is written out makes {site.calls} of {self.recorder.steps} steps"
                raise CompileError("import.steps", what, where=site.path, hint="loop over all steps")
            path = site_path(site.path, site.ordinals, self._counts[site.path])
            if path is None:
                raise CompileError("import.steps", "a comparison runs at irregular steps", where=site.path)
            self.recorder.locate(site.value, path)

    def _fire(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """A comparison, which becomes a neuron's spikes."""
        tensor, firing = self._rounded(args[0]) if plain_name(name) == "round" else compared(name, args, kwargs)
        expression = self._known(tensor)
        result = func(*args, **kwargs)
        symbols = [symbol.key for symbol in expression.symbols(self._stands) if symbol.key is not None]
        late = not self.tracked.is_at_once(tensor)
        sites = {key[1] for key in symbols if key[0] in (STATE, SPIKES) and late}
        if not sites:
            site = self._without_memory(tensor, expression, firing)
        elif len(sites) == 1:
            site = sites.pop()
            self._with_memory(site, expression, firing, symbols)
        else:
            raise CompileError("import.neuron", "a neuron that is written out reads the states of several")
        site.ordinals.append(self._counts[self.recorder.path] - 1)
        step = site.calls - 1 if site.read.step is not None or not self.recorder.is_timed(site.read) else None
        self.tensors.add(result, replace(site.read, value=site.value, step=step))
        self.tracked.keep(result, Expression((SPIKES, site, site.calls - 1)))
        self.tracked.name_states(tensor, expression, Expression((STATE, site, site.calls - 1)))
        return result

    def _known(self, tensor: torch.Tensor) -> Expression:
        expression = self.tracked.of(tensor)
        assert expression is not None
        return expression

    def _rounded(self, tensor: torch.Tensor) -> tuple[torch.Tensor, Firing]:
        """What was clamped before it is rounded, and how it fires."""
        if id(tensor) not in self._clamped:
            raise CompileError(
                "import.comparison",
                "round counts spikes of a value that was not clamped to 0..D",
                hint="integer spikes are round(clamp(x, 0, D))",
            )
        source, most = self._clamped[id(tensor)]
        return source, rounded(most)

    def _stands(self, expression: Expression) -> bool:
        """Whether an expression is a current of its own: written down, and made of no state."""
        return expression.key is not None and not self.tracked.holds_state(expression)

    def _without_memory(self, tensor: torch.Tensor, expression: Expression, firing: Firing) -> Site:
        """The site of a comparison that remembers nothing: a new one, or one whose next step it is."""
        view = self.tensors.view(tensor)
        assert view is not None
        recorder, step = self.recorder, view.step
        read = recorder.in_order(view)
        for site in self._sites:
            same = (site.path, site.firing) == (recorder.path, firing)
            same = same and replace(site.read, step=None) == replace(read, step=None)
            if same and site.op is None and 0 < site.calls < recorder.steps and step in (None, site.calls):
                return site
        op = Lif(decay=1.0, form="sum", threshold=firing.threshold, comparator=firing.comparator)
        op = replace(op, max_spikes=firing.max_spikes, reset="subtract" if firing.comparator == "round" else "value")
        value = recorder.placeholder(op, read.value, name=recorder.path or "spikes")
        site = Site(recorder.path, value, replace(read, step=step), firing, expression, [])
        self._sites.append(site)
        return site

    def _with_memory(self, site: Site, expression: Expression, firing: Firing, symbols: Sequence[Key]) -> None:
        """The next step of a site that remembers."""
        late = {key[2] for key in symbols if key[0] in (STATE, SPIKES)}
        if late != {site.calls - 1} or firing != site.firing or (site.op is None and site.calls > 1):
            raise CompileError(
                "import.neuron",
                "a neuron that is written out does not do the same at every step",
                where=site.path,
                hint="let every step compute the membrane from that of the step before",
            )
        keys = list(dict.fromkeys(key for key in symbols if key[0] == CURRENT))
        op = recognised(self._update(site, expression, keys), firing)
        views = [self.tracked.views[key] for key in keys]
        self._check_currents(site, views)
        if site.op is None:
            self.recorder.revise(site.value, op, *(self.recorder.in_order(view).value for view in views))
            site.op = op
        elif op != site.op:
            raise CompileError(
                "import.neuron", "a neuron that is written out changes from step to step", where=site.path
            )

    def _check_currents(self, site: Site, views: Sequence[View]) -> None:
        for view in views:
            if view.step not in (None, site.calls) or view.shape != site.read.shape:
                what = f"reads step {view.step} of a current at its own step {site.calls}"
                raise CompileError("import.steps", f"a neuron that is written out {what}", where=site.path)

    def _update(self, site: Site, expression: Expression, keys: Sequence[Key]) -> Update:
        """The equation of one step; the first step knows its currents under the step before."""
        state, spikes = (STATE, site, site.calls - 1), (SPIKES, site, site.calls - 1)
        first_keys = [(*key[:3], None if key[3] is None else 0) for key in keys]

        def following(v: Any, s: Any, xs: Sequence[Any]) -> Any:
            number = exactly if isinstance(v, Fraction) else float
            return expression.evaluate({state: v, spikes: s, **dict(zip(keys, xs, strict=True))}, number)

        def first(xs: Sequence[Any]) -> Fraction:
            try:
                return Fraction(site.first.evaluate(dict(zip(first_keys, xs, strict=True)), exactly))
            except KeyError as error:
                raise CompileError(
                    "import.neuron",
                    "a neuron that is written out reads another current at the first step than later",
                    where=site.path,
                    hint="a loop over its own spikes needs a framework's recurrent neuron, as RSynaptic or LIFRecurrent",
                ) from error

        return Update(following, first, len(keys), offsets_of(expression))


def _used_as_value(where: str = "") -> CompileError:
    return CompileError(
        "import.state",
        f"the membrane of a neuron that is written out is used as a value{where}",
        hint="read out its spikes, or use a neuron of a framework",
    )


def _clamped() -> CompileError:
    what, hint = "cannot import a clamp with an upper limit", "integer spikes are round(clamp(x, 0, D))"
    return CompileError("import.clamp", what, hint=hint)
