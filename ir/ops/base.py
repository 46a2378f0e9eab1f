"""
What every operation is: attributes, result type, meaning, and what it costs in synapses and neurons; and `Input`, which is fed.

Arrays carry two leading axes, time and batch: (T, B, *shape); a static value has a time axis of length 1. `run` is written
once against the array API and serves numpy and torch alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

from ir.errors import CompileError
from ir.types import Type, parse_type

Shapes = Mapping[str, tuple[int, ...]]
Value = Any
"""A numpy or torch array of shape (T, B, *shape)."""
Operand = TypeVar("Operand")
"""Anything that stands for an operand: its name, type or value."""


@dataclass(frozen=True)
class Op:
    """Base of all operations. Subclasses are frozen dataclasses whose fields are the attributes."""

    kind: ClassVar[str]
    family: ClassVar[str]
    """`neuron` makes spikes or payloads, `projection` carries them to a neuron over synapses, `routing` renames wires,
    `tensor` is arithmetic that must be lowered or left to the host, `host` never leaves the host, `input` is fed."""

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        """The result's type from the operands' types and the parameters' shapes; CompileError where they do not fit."""
        raise NotImplementedError

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        """All steps at once: operands (T or 1, B, *shape) to a result of the same layout, from zero state."""
        raise NotImplementedError

    def resume(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int, state: Any) -> tuple[Value, Any]:
        """`steps` steps from the state that the steps before left (None: the start), and the state after them."""
        return self.run(args, params, steps), None

    def neurons(self, result: Type) -> int:
        """Neurons per sample; 0 unless the operation is a population."""
        return 0

    def synapses(self, args: tuple[Type, ...], params: Shapes) -> int:
        """Unrolled synapses per sample (shared weights counted at every position); 0 unless a projection."""
        return 0

    def payload_operands(self, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        """Those of a node's operands whose values are summed or transformed: all but those that only open it."""
        return tuple(operands)

    def enabling_operands(self, operands: Sequence[Operand]) -> tuple[Operand, ...]:
        """Those of a node's operands that only open it; none but for a gate."""
        return ()

    def moved(self, steps: int, to: int) -> Op:
        """The operation in a graph whose window has `to` steps, of one in a graph whose window has `steps`."""
        return self

    def attributes(self) -> dict[str, Any]:
        """The attributes by name, as they are printed and stored."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def expect(condition: bool, rule: str, what: str, *, hint: str = "") -> None:
    """Raise CompileError unless `condition` holds; `infer` methods state their rules with it."""
    if not condition:
        raise CompileError(f"ir.{rule}", what, hint=hint)


def arity(op: Op, args: tuple[Type, ...], least: int, most: int | None = None) -> None:
    """Require between `least` and `most` operands (exactly `least` without `most`)."""
    most = least if most is None else most
    expect(least <= len(args) <= most, f"{op.kind}.arity", f"{op.kind} takes {least}..{most} operands, got {len(args)}")


def result_type(op: Op, args: Sequence[Type], params: Shapes, steps: int) -> Type:
    """
    The type of an operation's result in a graph whose window has `steps` steps.

    What changes in time has the window of the operands; only what makes time of none says itself how long it is.

    Raises:
        CompileError: the operation does not fit its operands, or these have windows of different lengths.
    """
    result = op.infer(tuple(args), params)
    windows = list(dict.fromkeys(arg.steps for arg in args if not arg.static))
    if len(windows) > 1:
        what = f"{op.kind} of values with {' and '.join(str(each or steps) for each in windows)} steps"
        raise CompileError("ir.steps", what, hint="bring them to one number of steps first, by an operation over time")
    own = windows[0] if windows else result.steps
    return replace(result, steps=0 if result.static or own == steps else own)


def own_window(kinds: Iterable[Type]) -> int:
    """T of the first that changes in time, where that is not the graph's: 0 for the graph's, and where none does."""
    return next((kind.steps for kind in kinds if not kind.static), 0)


@dataclass(frozen=True)
class Input(Op):
    """A value from outside, of the type that the attribute spells."""

    kind = "input"
    family = "input"
    type: str

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 0)
        return parse_type(self.type)

    def moved(self, steps: int, to: int) -> Input:
        return Input(str(parse_type(self.type).moved(steps, to)))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        raise AssertionError("inputs are fed, not computed")
