"""
Runs a torch module on example inputs and writes down what it computes as an IR graph.

Concrete tracing: the module runs on real tensors, every torch function that touches a value computed from the inputs goes
through `FUNCTION_RULES`, and neurons through `NEURON_RULES`. What has no rule is an error with the module's path; nothing is
left out in silence. (torch.fx cannot see shapes, which layers and attention branch on.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

import torch
from torch import nn

from frontend.input_domain import input_domains, shown_values
from frontend.names import parameters_of
from frontend.neuron_rules.spikingjelly import check_kept
from frontend.ordinary_tensors import ordinary_tensors
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.recording.dtype import dtype_of, takes_ids
from frontend.recording.recorder import Recorder
from frontend.tracing.outputs import named_outputs
from frontend.tracing.session import Session
from frontend.tracing.untouched import undone_where_it_fails
from frontend.tracing.written.plan import Plan
from ir.analysis.windows import in_window, windows_of_neurons
from ir.errors import CompileError
from ir.graph import Graph
from ir.types import REAL, Domain, Type
from ir.verify import verify

BATCH_FIRST_ERRORS = frozenset(
    ("import.axes", "import.forward", "import.inputs", "import.outputs", "import.step_mode", "import.steps")
)
"""Rules that a module breaks which takes (B, T, ...), when it is given (T, B, ...)."""


@dataclass(frozen=True)
class Traced:
    """A module's computation."""

    graph: Graph
    """Of level `source`; all in it is (T, B, ...)."""
    order: AxisOrder
    """Of the module's own inputs and outputs."""


def trace_module(
    module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int, name: str
) -> Graph:
    """The graph of a module that takes (T, B, ...); see `trace_in_order`."""
    return trace_in_order(module, example, static, steps, name, batch_first=False).graph


@ordinary_tensors()
def trace_in_order(
    module: nn.Module,
    example: Mapping[str, torch.Tensor],
    static: Sequence[str],
    steps: int,
    name: str,
    batch_first: bool | None = None,
    domains: Mapping[str, Domain] | None = None,
) -> Traced:
    """
    The module's computation as a graph of level `source`.

    Time is the axis along which the neurons step. So there is one order at most in which a module can be imported: where nobody
    says which it is, (T, B, ...) is tried first, and (B, T, ...) where the module turns out to exchange the two. Where neither
    can be, what is told is why the one cannot in which more of the module could be.

    Args:
        module: in eval mode; neurons take the whole window at once, or one step per call of a loop in `forward`.
        example: input by parameter name of `forward`: (B, ...) if static, else (T, B, ...) or (B, T, ...); any B.
        static: the inputs without a time axis.
        steps: T, the number of steps of a window; 0 for as many as the example has.
        name: of the graph.
        batch_first: whether inputs are (B, T, ...); None to find out.
        domains: input -> what it takes; by default what the example shows.

    Raises:
        CompileError: for inputs that do not fit and for anything that cannot be imported.
    """
    if domains is None:
        domains = input_domains({}, shown_values(example, static))
    trace = partial(_traced, module, example, static, steps, name, domains)
    first, second = list[Recorder](), list[Recorder]()
    if batch_first is not None:
        return trace(AxisOrder(batch_first), first)
    try:
        with undone_where_it_fails(module):
            return trace(TIME_FIRST, first)
    except CompileError as error:
        if error.rule not in BATCH_FIRST_ERRORS or set(example) <= set(static):
            raise
        try:
            return trace(AxisOrder(batch_first=True), second)
        except CompileError as other:
            reached, further = (max((each.calls for each in runs), default=0) for runs in (first, second))
            told = other if (further, other.rule not in BATCH_FIRST_ERRORS) > (reached, False) else error
            raise told from told.__cause__


def _traced(
    module: nn.Module,
    example: Mapping[str, torch.Tensor],
    static: Sequence[str],
    steps: int,
    name: str,
    domains: Mapping[str, Domain],
    order: AxisOrder,
    recorders: list[Recorder],
) -> Traced:
    """The module traced with its axes in one order; the recorders of its runs are added to `recorders`."""
    timed = [tensor for key, tensor in example.items() if key not in static]
    axis = 1 if order.batch_first else 0
    lengths = [tensor.shape[axis] for tensor in timed if tensor.ndim > axis]
    steps = steps or next(iter(lengths), 0)
    # Held, as states among them are replaced while it runs, so that no id is used twice; of several names the first comes last.
    parameters = [*module.named_parameters(), *module.named_buffers()][::-1]
    try:
        dtype = dtype_of(module, example.values())
        _check_call(module, example, static, steps, order)
        _check_numbers(module, example, dtype)
        names = {id(tensor): key for key, tensor in parameters}

        def start(plan: Plan) -> tuple[Session, dict[str, torch.Tensor]]:
            recorders.append(Recorder(name, steps, _batch({steps, *lengths}), names, dtype))
            session = Session(module, recorders[-1], order, plan)
            kinds = {key: _type_of(x, domains.get(key, REAL), key in static, axis, steps) for key, x in example.items()}
            return session, {key: session.input(key, x, kinds[key]) for key, x in example.items()}

        traced = _trace_as_planned(start, order)
    except CompileError as error:
        raise _with_lengths(error, lengths).placed(type(module).__name__) from error.__cause__
    verify(traced.graph, "source")
    return traced


def _with_lengths(error: CompileError, lengths: Sequence[int]) -> CompileError:
    """The error of a module that failed, with a hint where its inputs differ in their number of steps."""
    if error.rule != "import.forward" or len(set(lengths)) < 2:
        return error
    hint = f"inputs have {', '.join(map(str, lengths))} steps: bring them to one number before they meet, as by a convolution"
    return CompileError(error.rule, error.what, where=error.where, hint=f"{hint} over time")


def _trace_as_planned(start: Callable[[Plan], tuple[Session, Mapping[str, torch.Tensor]]], order: AxisOrder) -> Traced:
    """Trace a module; again where neurons start with constants, or do not always read the same, as far as a run comes to see."""
    session, inputs = start(Plan())
    try:
        traced = _trace(session, inputs, order)
    except CompileError:
        plan = session.plan(inputs)
        if plan == Plan():
            raise
    else:
        plan = session.plan(inputs)
        if plan == Plan():
            return traced
    session, inputs = start(plan)
    try:
        return _trace(session, inputs, order)
    except CompileError:
        further = replace(plan, by_step=session.plan(inputs).by_step)
        if further == plan:
            raise
    return _trace(*start(further), order)


def _trace(session: Session, inputs: Mapping[str, torch.Tensor], order: AxisOrder) -> Traced:
    results = named_outputs(session.run(inputs))
    depending = {key: tensor for key, tensor in results.items() if session.depends_on_input(tensor)}
    if not depending:
        raise CompileError("import.outputs", f"output {next(iter(results))} does not depend on the inputs")
    graph = session.recorder.build({key: session.output(key, tensor) for key, tensor in depending.items()})
    graph = in_window(graph, max(windows_of_neurons(graph).values(), default=graph.steps))
    return Traced(graph, replace(order, batch_first_outputs=frozenset(session.batch_first_outputs)))


def _batch(lengths: Set[int]) -> int:
    """The batch to trace, which is no number of steps, so that the two axes cannot be confused."""
    return next(size for size in count(3, 2) if size not in lengths)


def _type_of(tensor: torch.Tensor, domain: Domain, static: bool, axis: int, steps: int) -> Type:
    """The type of an example input, time on its `axis`, in a graph of so many `steps`."""
    if static:
        return Type(tuple(tensor.shape[1:]), domain, static=True)
    return Type(tuple(tensor.shape[2:]), domain, steps=tensor.shape[axis]).moved(steps, steps)


def _check_call(
    module: nn.Module, example: Mapping[str, torch.Tensor], static: Sequence[str], steps: int, order: AxisOrder
) -> None:
    """CompileError where the module is not ready, or the example does not fit its forward."""
    if module.training:
        raise CompileError("import.training", "the module is in training mode", hint="call module.eval() first")
    check_kept(module)
    if steps < 1:
        raise CompileError("import.steps", f"a window of {steps} steps", hint="give T >= 1")
    accepted = {key: item for key, item in parameters_of(module).items() if item.kind is not item.VAR_KEYWORD}
    needed = [
        key for key, item in accepted.items() if item.kind is not item.VAR_POSITIONAL and item.default is item.empty
    ]
    if set(example) - set(accepted) or set(needed) - set(example):
        raise CompileError(
            "import.inputs",
            f"forward takes {', '.join(accepted)}; the example gives {', '.join(example)}",
            hint="name the example inputs like the parameters of forward",
        )
    axis = 1 if order.batch_first else 0
    own = _lengths(example, static, axis)
    for key, tensor in example.items():
        _check_shape(key, tensor, key in static, own.get(key, steps), order)


def _lengths(example: Mapping[str, torch.Tensor], static: Sequence[str], axis: int) -> dict[str, int]:
    """
    T of every input, where inputs differ in it and agree in the number of samples; nothing where they do not.

    Args:
        axis: of time, 0 or 1; the samples are on the other one.
    """
    shapes = {key: tensor.shape[:2] for key, tensor in example.items() if key not in static}
    lengths = {key: shape[axis] for key, shape in shapes.items() if len(shape) == 2}
    samples = {shape[1 - axis] for shape in shapes.values() if len(shape) == 2}
    several = len(lengths) == len(shapes) and len(set(lengths.values())) > 1
    return lengths if several and len(samples) == 1 else {}


def _check_shape(key: str, tensor: torch.Tensor, static: bool, steps: int, order: AxisOrder) -> None:
    """CompileError where an example input is not (T, B, ...), or (B, T, ...), or (B, ...) if static."""
    axis, layout = (1, f"(B, {steps}, ...)") if order.batch_first else (0, f"({steps}, B, ...)")
    if not static and (tensor.ndim < 2 or tensor.shape[axis] != steps):
        raise CompileError(
            "import.inputs",
            f"example input {key} has shape {tuple(tensor.shape)}, not {layout}",
            hint="time comes first, or second with batch_first=True; name inputs without time in STATIC_INPUTS",
        )
    if tensor.ndim < 1 or 0 in tensor.shape:
        raise CompileError("import.inputs", f"example input {key} of shape {tuple(tensor.shape)} is empty")


def _check_numbers(module: nn.Module, example: Mapping[str, torch.Tensor], dtype: torch.dtype) -> None:
    """CompileError where an example input does not hold finite numbers in the module's dtype, or ids."""
    for key, tensor in example.items():
        if tensor.dtype is not dtype and not takes_ids(module, tensor):
            what = f"example input {key} is {tensor.dtype}, the module computes in {dtype}"
            raise CompileError("import.inputs", what, hint=f"convert it with .to({dtype})")
        if not bool(torch.isfinite(tensor).all()):
            raise CompileError("import.inputs", f"example input {key} holds NaN or infinity")
