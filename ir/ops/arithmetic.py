"""Arithmetic on values: sums of populations, products, negation. What is not lowered to synapses runs on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log2

import numpy as np
from array_api_compat import array_namespace

from ir.errors import CompileError
from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.ops.host.functions import FUNCTIONS
from ir.types import CURRENT, REAL, SPIKE, Domain, Type, count, graded


def _joint(op: Op, args: tuple[Type, ...]) -> Type:
    """The common type of operands that broadcast along leading and unit axes; shape only, domain real."""
    try:
        shape = np.broadcast_shapes(*(arg.shape for arg in args))
    except ValueError:
        what = f"{op.kind} cannot combine {', '.join(str(arg.shape) for arg in args)}"
        raise CompileError(f"ir.{op.kind}.shape", what) from None
    return Type(tuple(shape), REAL, 1.0, all(arg.static for arg in args))


def _aligned(args: tuple[Value, ...]) -> tuple[Value, ...]:
    """The operands with unit axes behind time and batch, so that all have the rank of the longest."""
    rank = max(arg.ndim for arg in args)
    wide = ((*arg.shape[:2], *(1,) * (rank - arg.ndim), *arg.shape[2:]) for arg in args)
    return tuple(
        arg if arg.ndim == rank else array_namespace(arg).reshape(arg, shape)
        for arg, shape in zip(args, wide, strict=True)
    )


@dataclass(frozen=True)
class Add(Op):
    """y = the sum of the operands. Spike populations add up to a count; currents to a current; else real."""

    kind = "add"
    family = "routing"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2, 1 << 16)
        joint = _joint(self, args)
        kinds = {arg.domain.kind for arg in args}
        if kinds <= {"spike", "count"}:
            same = len({arg.shape for arg in args}) == 1
            expect(same, "add.shape", f"populations of shapes {[arg.shape for arg in args]} cannot be merged")
            return replace(joint, domain=count(sum(arg.domain.populations for arg in args)))
        return replace(joint, domain=CURRENT if kinds == {"current"} else REAL)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        total, *rest = _aligned(args)
        for arg in rest:
            total = total + arg
        return total


@dataclass(frozen=True)
class Mul(Op):
    """y = a b elementwise (Hadamard). Spike by spike is AND; spike by analog is a gated payload."""

    kind = "mul"
    family = "tensor"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2)
        joint = _joint(self, args)
        kinds = [arg.domain.kind for arg in args]
        if kinds == ["spike", "spike"]:
            return replace(joint, domain=SPIKE)
        if "spike" in kinds and "real" not in kinds:
            return replace(joint, domain=_payload(args[kinds.index("spike") - 1].domain))
        return joint

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        a, b = _aligned(args)
        return a * b


def _payload(domain: Domain) -> Domain:
    """The graded domain that carries a gated value: enough bits for a count, 24 (the widest payload) for a current."""
    if domain.kind == "count":
        return graded(int(log2(domain.bound)) + 2)
    return domain if domain.kind == "graded" else graded(24)


@dataclass(frozen=True)
class Not(Op):
    """y = 1 - x of spikes: a spike exactly where there is none. (AND is `mul`, OR is `max_pool`.)"""

    kind = "not"
    family = "tensor"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(args[0].domain == SPIKE, "not.spikes", f"only spikes can be negated, not {args[0]}")
        return args[0]

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return 1 - args[0]


@dataclass(frozen=True)
class MatMul(Op):
    """y = a b over the last two axes (leading axes equal). Between spikes every product is an AND, every entry a count."""

    kind = "matmul"
    family = "tensor"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2)
        a, b = args
        fits = len(a.shape) == len(b.shape) >= 2 and a.shape[:-2] == b.shape[:-2] and a.shape[-1] == b.shape[-2]
        expect(fits, "matmul.shape", f"cannot multiply {a.shape} by {b.shape}")
        shape = (*a.shape[:-1], b.shape[-1])
        counts = {a.domain.kind, b.domain.kind} <= {"spike", "graded", "current"}
        return Type(shape, CURRENT if counts else REAL, 1.0, a.static and b.static)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return args[0] @ args[1]


@dataclass(frozen=True)
class Scale(Op):
    """y = factor x, or y = w x with a constant array `weight` that broadcasts against x."""

    kind = "scale"
    family = "tensor"
    factor: float = 1.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        domain = CURRENT if args[0].domain == CURRENT or args[0].domain.populations else REAL
        shape = np.broadcast_shapes(args[0].shape, params.get("weight", ()))
        return replace(args[0], shape=tuple(shape), domain=domain, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return args[0] * params.get("weight", self.factor)


@dataclass(frozen=True)
class Offset(Op):
    """y = x + term, or y = x + b with a constant array `bias` that broadcasts against x."""

    kind = "offset"
    family = "tensor"
    term: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = np.broadcast_shapes(args[0].shape, params.get("bias", ()))
        domain = CURRENT if args[0].domain == CURRENT else REAL
        return replace(args[0], shape=tuple(shape), domain=domain, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return args[0] + params.get("bias", self.term)


@dataclass(frozen=True)
class Divide(Op):
    """y = a / b elementwise; host only."""

    kind = "divide"
    family = "host"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2)
        return _joint(self, args)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        a, b = _aligned(args)
        return a / b


@dataclass(frozen=True)
class Subtract(Op):
    """y = a - b elementwise: between spikes and currents a current, else real."""

    kind = "subtract"
    family = "tensor"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 2)
        flows = all(arg.domain.populations or arg.domain == CURRENT for arg in args)
        return replace(_joint(self, args), domain=CURRENT if flows else REAL)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        a, b = _aligned(args)
        return a - b


@dataclass(frozen=True)
class Function(Op):
    """y = function(x) elementwise, one of FUNCTIONS, with a constant where the function takes one; host only."""

    kind = "function"
    family = "host"
    function: str
    constant: float = 0.0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        hint = f"known: {', '.join(FUNCTIONS)}"
        expect(self.function in FUNCTIONS, "function.name", f"unknown function {self.function!r}", hint=hint)
        return replace(args[0], domain=REAL, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return FUNCTIONS[self.function](array_namespace(args[0]), args[0], self.constant)
