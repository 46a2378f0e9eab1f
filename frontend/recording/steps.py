"""
Single steps of values over the window, for models that loop over the steps themselves.

T passes of the loop's body are folded into the one step that an IR graph describes: `x[t]` is a view of x with a `step`.
Operations on views of one step are recorded once, at the first step; at later steps they find the node that is there already,
as they have the same operation, operands and parameters. All steps stacked are the value over the window again; any other
mixture of steps takes them out of the window, for the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from torch.utils._pytree import tree_leaves, tree_map

from frontend.recording.layout import BATCH, TIME, Axis, View, is_plain
from frontend.recording.recorder import Recorder
from frontend.type_guards import is_list, is_tuple
from ir.errors import CompileError
from ir.ops import AtStep

JOINS = {"stack": 1, "cat": 0, "concat": 0, "concatenate": 0}
"""Functions that can put steps together -> how many dimensions they add."""


def part_of_window(recorder: Recorder, x: View, dim: int, steps: Sequence[int]) -> list[View]:
    """Single steps of a value over the window, its dimension `dim` of length 1."""
    dims = (*x.dims[:dim], (), *x.dims[dim + 1 :])
    recorder.stepwise = True
    return [replace(x.with_dims(dims), step=step) for step in steps]


def at_step(recorder: Recorder, view: View) -> View:
    """A step of a value as a value without time; other views as they are."""
    return view if view.step is None else View(recorder.emit(AtStep(view.step), view.value), view.dims)


def with_time(recorder: Recorder, view: View) -> View:
    """A tensor with features before the batch as one whose steps they are, and its own steps features; others as they are."""
    features_first = bool(view.dims) and is_plain(view.dims[0])
    before_batch = any(axis.kind == BATCH for dim in view.dims[1:2] for axis in dim[:1])
    if not (features_first and before_batch):
        return view
    return recorder.unfold_time(folded(recorder, view), 0)


def one_step(recorder: Recorder, arguments: Any) -> tuple[Any, int | None]:
    """The arguments as the rules take them, and the step they all belong to; mixed steps become values of the whole window."""
    views = _views(arguments)
    steps = {view.step for view in views if view.step is not None}
    if not steps:
        return arguments, None
    if len(steps) == 1 and not any(recorder.is_timed(view) for view in views):
        return tree_map(_without_step, arguments), steps.pop()
    return tree_map(partial(_at_step_if_view, recorder), arguments), None


def _at_step_if_view(recorder: Recorder, leaf: Any) -> Any:
    return at_step(recorder, leaf) if isinstance(leaf, View) else leaf


def _without_step(leaf: Any) -> Any:
    return replace(leaf, step=None) if isinstance(leaf, View) else leaf


def recorded(
    recorder: Recorder, name: str, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The view, or the views, of what the rule of the function `name` writes down; CompileError where it is not called so."""
    try:
        whole = whole_window(recorder, name, *args, **kwargs) if name in JOINS else None
        if whole is not None:
            return whole
        if name in (*JOINS, "pad") and _beside_steps(recorder, *args):
            args = tree_map(partial(_at_step_if_view, recorder), args)
        (args, kwargs), step = one_step(recorder, (args, kwargs))
        views = _in_time(recorder, rule, args, kwargs)
    except TypeError as error:
        raise CompileError("import.arguments", f"cannot import this use of {name}: {error}") from error
    recorder.calls += 1
    if step is None:
        return views
    return replace(views, step=step) if isinstance(views, View) else [replace(view, step=step) for view in views]


def _in_time(recorder: Recorder, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """
    What a rule makes of its arguments.

    Where it cannot leave time to itself, it gets all steps as features, for the host; and where features are merged with the
    batch, these as steps.
    """
    try:
        return rule(recorder, *args, **kwargs)
    except CompileError as error:
        if error.rule != "import.axes":
            raise
        seen = (args, kwargs)
        for change in (folded, _unfolded):
            before, seen = _views(seen), tree_map(partial(change, recorder), seen)
            if _views(seen) == before:
                continue
            try:
                return rule(recorder, *seen[0], **seen[1])
            except CompileError:
                pass
        raise error from None


def _views(arguments: Any) -> list[View]:
    return [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, View)]


def folded(recorder: Recorder, leaf: Any) -> Any:
    """All steps of a value over the window as features; anything else as it is."""
    return recorder.fold_time(leaf) if isinstance(leaf, View) and recorder.is_timed(leaf) else leaf


def _unfolded(recorder: Recorder, leaf: Any) -> Any:
    """Of a tensor (N * B, ...) without time, N as the steps of a window; anything else as it is."""
    if not isinstance(leaf, View) or recorder.is_timed(leaf) or not leaf.dims or len(leaf.dims[0]) < 2:
        return leaf
    *features, last = leaf.dims[0]
    if last.kind != BATCH:
        return leaf
    view = recorder.unfold_time(leaf.with_dims((tuple(features), (last,), *leaf.dims[1:])), 0)
    return view.with_dims(((*view.dims[0], *view.dims[1]), *view.dims[2:]))


def _beside_steps(recorder: Recorder, tensors: Any, *arguments: Any) -> bool:
    """
    Whether single steps are meant as what lies beside other steps, or zeros, along the window.

    So it is where one of the tensors holds several steps, or where zeros before the first step make it as long as the window.
    """
    if isinstance(tensors, View):
        amounts = [count for count in arguments[0] if count] if arguments else []
        return tensors.step == 0 and amounts == [recorder.window(tensors) - 1]
    items = list(tensors) if is_tuple(tensors) or is_list(tensors) else []
    if any(
        (item, place) in recorder.moments for item in items if isinstance(item, View) for place in range(len(item.dims))
    ):
        return True
    last = items[-1] if items else None
    constants = not any(isinstance(item, View) for item in items[:-1])
    if not (constants and isinstance(last, View) and last.step == 0):
        return False
    return len(items) == recorder.window(last) > 1


def whole_window(recorder: Recorder, name: str, tensors: Any, dim: int = 0) -> View | None:
    """All steps of one value, stacked or joined in order: the value itself. None where a call is anything else."""
    items = tensors if is_tuple(tensors) or is_list(tensors) else ()
    views = [item for item in items if isinstance(item, View)]
    if not views or len(views) < len(items):
        return None
    first, steps = replace(views[0], step=None), recorder.window(views[0])
    if [view.step for view in views] != list(range(steps)):
        return None
    if any(replace(view, step=None) != first for view in views):
        return None
    place = dim % (len(first.dims) + JOINS[name])
    if name != "stack" and first.dims[place]:
        return None
    after = place if name == "stack" else place + 1
    return first.with_dims((*first.dims[:place], (Axis(TIME, steps),), *first.dims[after:]))
