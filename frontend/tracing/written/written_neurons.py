"""
Neurons that a model writes out: `mem = mem * decay * (1 - spike) + x[t]; spike = (mem > threshold).float()`.

A comparison of a traced value with a number fires. At the first step nothing is known of a memory, so a neuron without one is
written down; at the second step the compared value is an expression of what was compared, and of what fired, at the first, and
the node becomes what the expression says. All later steps must say the same. Tensors that hold more than one step are states:
they have an expression, but no view, until a comparison turns them into spikes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.tracing.tensors import TracedTensors, tensors_in
from frontend.tracing.written.comparisons import compared, is_firing, plain_name
from frontend.tracing.written.expressions import FUNCTIONS, ONE_ARGUMENT, Expression, Key, exactly
from frontend.tracing.written.fired import site_path
from frontend.tracing.written.recognition import Firing, Update, recognised
from ir.errors import CompileError
from ir.ops import Lif

STATE, SPIKES, CURRENT = "state", "spikes", "current"


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


@dataclass
class WrittenNeurons:
    """The written neurons of one traced run."""

    recorder: Recorder
    tensors: TracedTensors
    _expressions: dict[int, tuple[torch.Tensor, Expression]] = field(default_factory=dict)
    _made: dict[int, tuple[Expression, torch.Tensor]] = field(default_factory=dict)
    _views: dict[Key, View] = field(default_factory=dict)
    _sites: list[Site] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        """Take note of a function that might fire, traced or not: the module's own run counts them in the same way."""
        if is_firing(name):
            self._counts[self.recorder.path] = self._counts.get(self.recorder.path, 0) + 1

    def takes(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function is about a state, or fires."""
        tensors = tensors_in((args, kwargs))
        if any(self.is_state(tensor) for tensor in tensors):
            return True
        views = [view for view in map(self.tensors.view, tensors) if view is not None]
        if is_firing(name) and views:
            return True
        steps = {view.step for view in views if self.recorder.is_timed(view) or view.step is not None}
        return len(steps) > 1 and self.remembers(name, args, kwargs)

    def remembers(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function could be part of what happens to a state."""
        found = map(self._expression, tensors_in((args, kwargs)))
        return plain_name(name) in FUNCTIONS and any(self._holds_state(e) for e in found if e is not None)

    def apply(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function that `takes` is true of."""
        if is_firing(name):
            return self._fire(name, func, args, kwargs)
        expression = self.operation(name, args, kwargs)
        before = [tensor for tensor in tensors_in((args, kwargs)) if self.is_state(tensor)]
        if expression is None:
            raise CompileError(
                "import.state",
                f"the membrane of a neuron that is written out is used as a value ({name})",
                hint="read out its spikes, or use a neuron of a framework",
            )
        result = func(*args, **kwargs)
        self._forget_aliases(result, before)
        self._keep(result, expression)
        return result

    def note(self, result: Any, made_of: Expression | None) -> None:
        """Keep how a value was made that has been written down already, as `operation` said before it was."""
        view = self.tensors.view(result) if made_of is not None else None
        if made_of is not None and view is not None:
            self._keep(result, replace(made_of, key=self._key(view)))

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

    # expressions

    def _expression(self, tensor: Any) -> Expression | None:
        """What a tensor was computed from; a value that was written down is a current."""
        entry = self._expressions.get(id(tensor))
        if entry is not None:
            return entry[1]
        view = self.tensors.view(tensor) if isinstance(tensor, torch.Tensor) else None
        return None if view is None else Expression(self._key(view))

    def _key(self, view: View) -> Key:
        key = (CURRENT, view.value, view.dims, view.step)
        self._views[key] = view
        return key

    def is_state(self, tensor: Any) -> bool:
        """Whether a tensor has an expression and no view."""
        return id(tensor) in self._expressions and not self.tensors.is_view(tensor)

    def _holds_state(self, expression: Expression) -> bool:
        return any(
            symbol.key is not None and symbol.key[0] in (STATE, SPIKES) for symbol in expression.symbols(lambda e: False)
        )

    def operation(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expression | None:
        """The expression of a function's result; None where it has none."""
        operation = FUNCTIONS.get(plain_name(name))
        if operation is None or any(key not in ("dtype", "device", "non_blocking") for key in kwargs):
            return None
        args = args[:1] if operation in ONE_ARGUMENT else args
        shapes = {tuple(arg.shape) for arg in args if isinstance(arg, torch.Tensor) and arg.numel() != 1}
        parts = [self._part(arg) for arg in args]
        return None if len(shapes) != 1 or None in parts else Expression(None, operation, tuple(parts))  # pyright: ignore

    def _part(self, arg: Any) -> Expression | float | None:
        """An argument of an operation: a number, or a constant that is the same everywhere, or an expression."""
        if isinstance(arg, torch.Tensor):
            expression = self._expression(arg)
            if expression is not None:
                return expression
            first = arg.detach().reshape(-1)[:1]
            return float(first) if arg.numel() and bool((arg == first).all()) else None
        return float(arg) if isinstance(arg, (bool, int, float)) else None

    def _keep(self, tensor: torch.Tensor, expression: Expression) -> None:
        self._expressions[id(tensor)] = (tensor, expression)
        self._made[id(expression)] = (expression, tensor)

    def _forget_aliases(self, result: torch.Tensor, states: Sequence[torch.Tensor]) -> None:
        """A state that was written into in place is what it has become; other tensors on its memory are unknown."""
        if any(result is state for state in states):
            memory = result.untyped_storage().data_ptr()
            for key, (tensor, _) in list(self._expressions.items()):
                if tensor.untyped_storage().data_ptr() == memory:
                    del self._expressions[key]

    # firing

    def _fire(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """A comparison, which becomes a neuron's spikes."""
        tensor, firing = compared(name, args, kwargs)
        expression = self._expression(tensor)
        assert expression is not None
        result = func(*args, **kwargs)
        symbols = [symbol.key for symbol in expression.symbols(self._stands) if symbol.key is not None]
        sites = {key[1] for key in symbols if key[0] in (STATE, SPIKES)}
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
        self._keep(result, Expression((SPIKES, site, site.calls - 1)))
        self._name_states(tensor, expression, Expression((STATE, site, site.calls - 1)))
        return result

    def _stands(self, expression: Expression) -> bool:
        """Whether an expression is a current of its own: written down, and made of no state."""
        return expression.key is not None and not self._holds_state(expression)

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
        op = replace(op, max_spikes=firing.max_spikes, reset="subtract" if firing.max_spikes > 1 else "value")
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
        views = [self._views[key] for key in keys]
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
                ) from error

        return Update(following, first, len(keys), tuple(_offsets(expression)))

    def _name_states(self, tensor: torch.Tensor, expression: Expression, state: Expression) -> None:
        """What was compared is the state, and what it was made of by a number alone is a function of it."""
        static = self.tensors.view(tensor) if self.tensors.is_view(tensor) else None
        if static is None or self.recorder.is_timed(static) or static.step is not None or expression.name:
            self._keep(tensor, state)
        for child, inverse in _chain(expression, state):
            _, made = self._made.get(id(child), (None, None))
            if made is not None and self._expressions.get(id(made), (None, None))[1] is child:
                self._keep(made, inverse)
            elif child.key in self._views and self._views[child.key].step is not None:
                self._rename_current(child.key, inverse)

    def _rename_current(self, key: Key, inverse: Expression) -> None:
        """The tensors of one step of a current, which a membrane at its start may be."""
        for tensor, view in self.tensors.views():
            if id(tensor) not in self._expressions and self._key(view) == key:
                self._keep(tensor, inverse)


def _chain(expression: Expression, state: Expression) -> list[tuple[Expression, Expression]]:
    """(what the compared value was made of by numbers alone, that as an expression of the compared value), innermost last."""
    chain: list[tuple[Expression, Expression]] = []
    while expression.name in _INVERSES:
        places = [place for place, arg in enumerate(expression.args) if isinstance(arg, Expression)]
        if len(places) != 1:
            break
        numbers = [arg for arg in expression.args if not isinstance(arg, Expression)]
        if expression.name in ("mul", "div") and (numbers[0] == 0 or places == [1]):
            break
        state = _INVERSES[expression.name](state, numbers, places[0])
        child = expression.args[places[0]]
        assert isinstance(child, Expression)
        chain.append((child, state))
        expression = child
    return chain


def _offsets(expression: Expression) -> list[Fraction]:
    """0, and what turns the compared value into what it was made of by adding a number."""
    zero = Expression(("v",))
    offsets = [Fraction(0)]
    for _, inverse in _chain(expression, zero):
        at_zero, at_one = (inverse.evaluate({("v",): Fraction(n)}, exactly) for n in (0, 1))
        if at_one - at_zero == 1:
            offsets.append(at_zero)
    return offsets


def _term(name: str, *args: Any) -> Expression:
    return Expression(None, name, args)


_INVERSES: dict[str, Callable[[Expression, list[Any], int], Expression]] = {
    "same": lambda e, numbers, place: e,
    "add": lambda e, numbers, place: _term("sub", e, numbers[0]),
    "sub": lambda e, numbers, place: _term("add", e, numbers[0]) if place == 0 else _term("rsub", e, numbers[0]),
    "rsub": lambda e, numbers, place: _term("rsub", e, numbers[0]) if place == 0 else _term("add", e, numbers[0]),
    "mul": lambda e, numbers, place: _term("div", e, numbers[0]),
    "div": lambda e, numbers, place: _term("mul", e, numbers[0]),
    "neg": lambda e, numbers, place: _term("neg", e),
}
"""Operation -> the argument that is no number, from the result."""
