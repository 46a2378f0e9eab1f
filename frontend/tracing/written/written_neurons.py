"""
Neurons that a model writes out: `mem = mem * decay * (1 - spike) + x[t]; spike = (mem > threshold).float()`.

A comparison of a traced value with a number fires. At the first step nothing is known of a memory, so a neuron without one is
written down; at the second step the compared value is an expression of what was compared, and of what fired, at the first, and
the node becomes what the expression says. All later steps must say the same. Tensors that hold more than one step are states:
they have an expression, but no view, until a comparison turns them into spikes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from frontend.function_rules import is_in_place
from frontend.recording.layout import BATCH, Axis, View, feature_dims
from frontend.recording.recorder import Recorder
from frontend.tracing.storage.taint import tensors_in
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.comparisons import (
    clamp_refused,
    clamped_to,
    compared,
    counted,
    counts,
    is_firing,
    plain_name,
)
from frontend.tracing.written.conditions import Conditions
from frontend.tracing.written.expressions import FUNCTIONS, Expression
from frontend.tracing.written.fired import site_path
from frontend.tracing.written.loops.recognition import Firing
from frontend.tracing.written.loops.rolling import STATE
from frontend.tracing.written.plan import Compared, Comparisons, Plan
from frontend.tracing.written.refusals import UnknownFunctions, check_dtype, unknown_in, used_as_value
from frontend.tracing.written.running_sums import population_or_mean
from frontend.tracing.written.sites import Site, continued, memoryless
from frontend.tracing.written.tracked import TrackedExpressions
from frontend.tracing.written.written_membranes import WrittenMembranes
from ir.errors import CompileError


class WrittenNeurons:
    """
    The written neurons of one traced run.

    Args:
        record: the view of what a function, named first, makes of views.
        plan: the comparisons of neurons that start with constants.
    """

    def __init__(self, recorder: Recorder, tensors: TracedTensors, record: Callable[..., View], plan: Plan) -> None:
        self.recorder, self.tensors, self._record = recorder, tensors, record
        self.tracked = TrackedExpressions(recorder, tensors, record)
        self.membranes = WrittenMembranes(recorder, tensors, self.tracked, record)
        self.conditions = Conditions(recorder, tensors, self.tracked, record)
        self.comparisons = Comparisons(recorder, plan)
        self._unknown = UnknownFunctions()
        self._sites: list[Site] = []
        self._planned: dict[tuple[str, int], Site] = {}
        self._clamped: dict[int, tuple[torch.Tensor, int]] = {}

    def count(self, name: str) -> None:
        """Take note of a function that might fire, traced or not: the module's own run counts them in the same way."""
        if is_firing(name):
            self.comparisons.count()

    def result(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> torch.Tensor | None:
        """What needs no rule: a window of a membrane, a condition of spikes; None for any other call."""
        window = self.membranes.window(name, func, args, kwargs)
        if window is not None or (is_firing(name) and self.comparisons.place() is not None):
            return window
        condition = self.conditions.result(name, func, args, kwargs)
        if condition is not None and is_firing(name):
            self.comparisons.compares(Compared.SPIKES)
        return condition

    def takes(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function is about a state, or fires."""
        tensors = tensors_in((args, kwargs))
        if (is_firing(name) and self.comparisons.place() is not None) or self.tracked.has_states(args, kwargs):
            return True
        views = [view for view in map(self.tensors.view, tensors) if view is not None]
        if views and (self._fires(name, args) or clamped_to(name, args, kwargs) is not None):
            return True
        steps = {view.step for view in views if self.recorder.is_timed(view) or view.step is not None}
        return len(steps) > 1 and self.remembers(name, args, kwargs)

    def keeps_states(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function reads states that stay so: it is a neuron's own, or they are no values yet."""
        return self.tracked.has_states(args, kwargs) and not self.membranes.become_values(name, args, kwargs)

    def _fires(self, name: str, args: tuple[Any, ...]) -> bool:
        """Whether a function makes spikes; what was not clamped before is rounded as any value is."""
        return is_firing(name) and (not counts(name) or id(args[0]) in self._clamped)

    def remembers(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function could be part of what happens to a state."""
        found = map(self.tracked.of, tensors_in((args, kwargs)))
        return plain_name(name) in FUNCTIONS and any(self.tracked.holds_state(e) for e in found if e is not None)

    def apply(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function that `takes` is true of."""
        if is_firing(name):
            return self._fire(name, func, args, kwargs)
        expression = self.tracked.operation(name, args, kwargs)
        if expression is not None and (most := clamped_to(name, args, kwargs)) is not None:
            return self._clamp(func(*args, **kwargs), args[0], most, expression)
        before = [tensor for tensor in tensors_in((args, kwargs)) if self.tracked.is_state(tensor)]
        expression = expression or self._unknown.symbol(name, args, kwargs, self.tracked.of)
        read = [tensor for tensor in tensors_in((args, kwargs)) if self.tracked.of(tensor) is not None]
        row = is_in_place(name) and self.tensors.is_part(args[0])
        if row:
            self.tensors.prepare_write(args[0])
        result = func(*args, **kwargs)
        check_dtype(name, read, result, self.recorder.dtype)
        self.tracked.forget_aliases(result, before)
        self.tracked.keep(result, expression)
        self.tensors.refuse(result, used_as_value(unknown_in(expression)).placed(self.recorder.path))
        if row:
            self.tensors.write(result, None, self.tracked.stand_in(result))
        return result

    def _clamp(self, result: torch.Tensor, x: torch.Tensor, most: int, expression: Expression) -> torch.Tensor:
        """A clamp to 0..`most`, of which spikes are rounded; what is no membrane may be used as it is, too."""
        view = None if self.tracked.is_state(x) else self.tensors.view(x)
        if view is None:
            self.tensors.refuse(result, clamp_refused())
        else:
            self.tensors.add(result, self._record("clamp", view, 0.0, float(most)))
        self.tracked.keep(result, expression)
        self._clamped[id(result)] = (x, most)
        return result

    def note(self, result: Any, made_of: Expression | None, written: bool) -> None:
        """Keep how a value was made, as `operation` said, that is written down by now; `written`: over another one."""
        if made_of is not None and (view := self.tensors.view(result)) is not None:
            self.tracked.keep(result, replace(made_of, key=self.tracked.key_of(view)))
            if written and self.tensors.is_part(result):
                self.tensors.write(result, view, self.tracked.stand_in(result))

    def finish(self) -> None:
        """Make every site the population that its steps say it is, and say where its spikes are in a run of the module."""
        for site in self._sites:
            self.recorder.path, self.recorder.function = site.path, ""
            try:
                self._finish(site)
            except CompileError as error:
                raise error.placed(site.path) from error
            total, steps = self.comparisons.total(site.path), self.recorder.window(site.read)
            taken = site.steps if site.read.step is not None else ()
            path = site_path(site.path, site.ordinals, total, site.firing.below, site.read.dims, steps, taken)
            if path is None:
                raise CompileError("import.steps", "a comparison runs at irregular steps", where=site.path)
            self.recorder.locate(site.value, path)
        self.membranes.finish()

    def _finish(self, site: Site) -> None:
        if not site.remembers and site not in self._planned.values():
            return
        if site.calls != self.recorder.window(site.read):
            what = f"a neuron that is written out makes {site.calls} of {self.recorder.window(site.read)} steps"
            raise CompileError("import.steps", what, hint="loop over all steps")
        site.recipe, site.currents, site.params = population_or_mean(self.recorder, site)
        self.recorder.revise(site.value, site.recipe.op, *site.currents, params=site.params)

    def _fire(self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        """A comparison, which becomes a neuron's spikes."""
        self.comparisons.compares(Compared.MEMBRANE)
        place, clamped = self.comparisons.place(), self._clamped.get(id(args[0]))
        asked = counted(name, clamped) if counts(name) else compared(name, args, kwargs)
        if place is None and asked.than is not None and self.tracked.of(asked.tensor) is None:
            asked = asked.turned()  # constants are thresholds
        tensor, given, than = asked
        difference, firing, itself = self.tracked.difference(asked)
        if difference is None:
            raise CompileError("import.comparison", f"{name} compares values of different shapes")
        if unknown_in(difference):
            raise used_as_value(unknown_in(difference))
        result, at = func(*args, **kwargs), None
        if place is not None:
            site = self._planned_site(place, firing, result)
            if not site.made:
                self.conditions.starts[id(tensor)] = (tensor, site)
        else:
            before = self.tracked.fired_before(difference, firing)
            if before is not None:
                self.comparisons.compares(Compared.SPIKES)
                return self.conditions.give(name, result, before, firing.below)
            site = (
                None if self.tracked.is_at_once(tensor) else continued(self.recorder, self._sites, difference, firing)
            )
            if site is None:
                view = self._view(tensor, than)
                site, at = self._without_memory(view, given, firing), view.step
        return self._fired(name, site, result, difference, tensor if itself else None, at)

    def _fired(
        self,
        name: str,
        site: Site,
        result: torch.Tensor,
        expression: Expression,
        tensor: torch.Tensor | None,
        at: int | None,
    ) -> torch.Tensor:
        """The spikes of a step of a site, `at` or the next one, which compared an expression: a tensor's, or a difference's."""
        self.tracked.sites[site.value, site.read.dims] = site
        step, timed = site.calls if at is None else at, self.recorder.is_timed(site.read) and site.read.step is None
        site.made.append(expression)
        site.steps.append(step)
        site.ordinals.append(self.comparisons.ordinal)
        view = replace(site.read, value=site.value, step=None if timed else step)
        self.conditions.give(name, result, self.tracked.spikes(site, step, view), site.firing.below)
        if not timed and self.recorder.window(site.read) > 1:
            self.recorder.stepwise = True  # although nothing takes a step of a still image
            self.tracked.name_states(tensor, expression, Expression((STATE, site, step)))
        return result

    def _planned_site(self, place: tuple[str, int, int], firing: Firing, result: torch.Tensor) -> Site:
        """The site of a planned comparison, which reads nothing that is known at its first step."""
        path, which, step = place
        if step == 0:
            features, recorder = tuple(result.shape[1:]), self.recorder
            if result.ndim < 2 or result.shape[0] != recorder.batch:
                raise CompileError("import.neuron", "a neuron that is written out starts without (B, ...)")
            label = path or "spikes"
            read = View(recorder.past(label, features), ((Axis(BATCH, recorder.batch),), *feature_dims(features)), 0)
            site = Site(path, recorder.placeholder(memoryless(firing), read.value, name=label), read, firing, firing)
            self._planned[path, which] = site
            self._sites.append(site)
        site = self._planned[path, which]
        if site.firing != firing or site.read.shape != tuple(result.shape):
            raise CompileError("import.neuron", "a neuron that is written out does not fire alike at every step")
        return site

    def _view(self, tensor: torch.Tensor, than: torch.Tensor | None) -> View:
        """What is compared with a number."""
        view = self.tensors.as_rules_see(tensor)
        return view if than is None else self._record("sub", view, self.tensors.as_rules_see(than))

    def _without_memory(self, view: View, given: Firing, firing: Firing) -> Site:
        """The site of a comparison that remembers nothing: a new one, or one whose next step it is."""
        recorder, step = self.recorder, view.step
        read = recorder.in_order(view)
        for site in self._sites:
            same = (site.path, site.given) == (recorder.path, given)
            same = same and replace(site.read, step=None) == replace(read, step=None) and not site.remembers
            new = 0 < site.calls < recorder.window(read) if step is None else step not in site.steps
            if same and new:
                return site
        value = recorder.placeholder(memoryless(given), read.value, name=recorder.path or "spikes")
        site = Site(recorder.path, value, replace(read, step=step), firing, given)
        self._sites.append(site)
        return site
