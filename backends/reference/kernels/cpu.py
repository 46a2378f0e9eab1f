"""The processor's forms: bytes by oneDNN, neurons and counts by numba, each where it is at hand and exact."""

from __future__ import annotations

from typing import Any

import torch

from backends.event_driven.compiled import event_kernels
from backends.event_driven.eight_bits import fits
from backends.event_driven.weights import event_weights
from backends.reference.kernels.compiled import neuron_kernels
from backends.reference.kernels.dense import Convolution, Dense
from backends.reference.kernels.emitted import Count
from backends.reference.kernels.forms import Forms, Payloads, Product, Spikes, Stepper, Weighted
from backends.reference.kernels.int8 import Int8Kernels, Int8Weights, can_convolve, is_exact
from backends.reference.kernels.layout import CHANNELS_LAST, is_channels_last
from backends.reference.kernels.plain import PlainPayloads, PlainSpikes, SteppedSpikes
from backends.reference.kernels.targets import targets_per_position
from ir.ops.integer_neuron import IntegerLif
from ir.ops.linear import Conv, Linear
from ir.ops.neuron import Gate, Graded


class WithoutNumba(Forms):
    """Products of bytes, and by events where their kernels are at hand; the rest in plain torch."""

    def product(self, weighted: Weighted) -> Product:
        bytewise = fits(weighted.weight) and is_exact()
        if isinstance(weighted.op, Linear):
            packed = Int8Weights(weighted.weight) if bytewise else None
            return Dense(weighted.sources, weighted.own, packed, event_weights(weighted.weight))
        bytewise = bytewise and can_convolve(weighted.op, weighted.weight.shape)
        packed = Int8Kernels(weighted.op, weighted.weight) if bytewise else None
        return Convolution(weighted.op, weighted.sources, weighted.own, packed)


class WithNumba(WithoutNumba):
    """kernels: the compiled ones. Products of the CPU are made to scale, so that neurons need not know of one."""

    def __init__(self, kernels: Any) -> None:
        self._kernels, self._event_kernels = kernels, event_kernels()

    def spikes(
        self, op: IntegerLif, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype, scale: int
    ) -> Spikes:
        return PlainSpikes(self._kernels, op, shape, bias, kind)

    def stepped(self, op: IntegerLif, shape: tuple[int, ...], bias: torch.Tensor | None) -> Stepper | None:
        return SteppedSpikes(self._kernels, op, shape, bias)

    def payloads(
        self, op: Graded | Gate, shape: tuple[int, ...], bias: torch.Tensor | None, kind: torch.dtype, scale: int
    ) -> Payloads:
        return PlainPayloads(self._kernels, op, shape, bias, kind)

    def nonzero(self, value: torch.Tensor) -> Count:
        if not value.is_contiguous():
            return super().nonzero(value)
        return self._event_kernels.active(value.numpy().reshape(-1))

    def joint_nonzero(self, a: torch.Tensor, b: torch.Tensor) -> Count:
        return self._kernels.joint_active(a.numpy(), b.numpy())

    def reached(self, op: Conv, weight: tuple[int, ...], x: torch.Tensor) -> Count:
        targets = targets_per_position(op, weight, tuple(x.shape[3:]), x.device).flatten()
        if is_channels_last(x):
            rows, targets = x.permute(CHANNELS_LAST).flatten(2), targets.repeat_interleave(x.shape[2])
        else:
            rows = x.contiguous().flatten(3)
        return self._kernels.weighted_active(rows.reshape(-1, len(targets)).numpy(), targets.numpy())


def cpu_forms() -> Forms:
    """The fastest forms of this processor."""
    kernels = neuron_kernels()
    return WithoutNumba() if kernels is None else WithNumba(kernels)
