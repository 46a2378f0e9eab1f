"""Normalisations: batch norm (folded into the weights before it) and layer norm (host)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import CURRENT, REAL, Type


@dataclass(frozen=True)
class BatchNorm(Op):
    """
    y = (x - mean) / sqrt(var + eps) * weight + bias per channel of `axis`, in evaluation mode.

    `axis` -1 means one channel for everything that is not batch, as when the channels of the model are its time steps:
    then the parameters have shape (T,) and act per step (`timed`).
    """

    kind = "batch_norm"
    family = "tensor"
    axis: int
    eps: float
    timed: bool = False

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        if not self.timed:
            expect(0 <= self.axis < len(shape), "batch_norm.axis", f"{shape} has no axis {self.axis}")
            fits = params["mean"] == (shape[self.axis],)
            expect(
                fits, "batch_norm.shape", f"{params['mean'][0]} channels cannot normalise axis {self.axis} of {shape}"
            )
        domain = CURRENT if args[0].domain == CURRENT else REAL
        return replace(args[0], domain=domain, scale=1.0, static=args[0].static and not self.timed)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        x, axis = args[0], 0 if self.timed else self.axis + 2
        xp = array_namespace(x)
        if is_torch_array(x):  # the very kernel of torch.nn.BatchNorm*d, so that imported networks keep its rounding
            from torch.nn.functional import batch_norm

            full = x.expand(steps, *x.shape[1:]) if self.timed else x
            moved = full.movedim(axis, 1) if axis != 0 else full.movedim(0, 1)
            order = (params["mean"], params["var"], params.get("weight"), params.get("bias"))
            y = batch_norm(moved.flatten(2) if moved.ndim > 2 else moved, *order, False, 0.0, self.eps)
            return y.reshape(moved.shape).movedim(1, axis)
        wide = tuple(-1 if place == axis else 1 for place in range(x.ndim))
        column = {role: xp.reshape(array, wide) for role, array in params.items()}
        y = (x - column["mean"]) / xp.sqrt(column["var"] + self.eps)
        y = y * column["weight"] if "weight" in column else y
        return y + column["bias"] if "bias" in column else y


@dataclass(frozen=True)
class LayerNorm(Op):
    """y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias over the last axis (biased variance); host only."""

    kind = "layer_norm"
    family = "host"
    eps: float

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        width = args[0].shape[-1:]
        fits = all(shape == width for shape in params.values())
        expect(fits, "layer_norm.shape", f"parameters of shape {dict(params)} cannot normalise {args[0].shape}")
        return replace(args[0], domain=REAL, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        x, xp = args[0], array_namespace(args[0])
        if is_torch_array(x):
            from torch.nn.functional import layer_norm

            return layer_norm(x, x.shape[-1:], params.get("weight"), params.get("bias"), self.eps)
        mean = xp.mean(x, axis=-1, keepdims=True)
        var = xp.mean((x - mean) ** 2, axis=-1, keepdims=True)
        y = (x - mean) / xp.sqrt(var + self.eps)
        y = y * params["weight"] if "weight" in params else y
        return y + params["bias"] if "bias" in params else y
