"""Populations of plain neurons on CUDA, prepared once for all runs: one Triton kernel each, which also counts."""

from __future__ import annotations

from math import prod
from typing import Any

import torch

from backends.reference.kernels.values import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    Emitted,
    OwnNumbers,
    bias_period,
    channels_last_bias,
    channels_last_shape,
    is_channels_last,
    travel_dtype,
)
from ir.ops.integer_neuron import IntegerLif
from ir.ops.neuron import Gate, Graded
from ir.types import Type, graded

COUNTERS = 64
"""Over how many numbers a kernel spreads its count, since additions to one wait for each other."""
TILE, WIDTH = 2048, 256
"""Neurons of a program, and how many of them at most share a row."""


class _Spiking:
    """
    Neurons that spike, in one kernel.

    Args:
        kernel: of `triton_neurons`. constants: its. shape: of the population. dtype: of the constants, in which all
            numbers are exact.
    """

    def __init__(
        self,
        kernel: Any,
        op: IntegerLif,
        constants: tuple[float, ...],
        shape: tuple[int, ...],
        own: OwnNumbers,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self._kernel, self._constants = kernel, torch.tensor(constants, dtype=dtype).to(device)
        numbers = own.of_every_one(op, dtype)
        self._natural, self._channels_last = [_shifts(shape, each, dtype, device) for each in numbers], None
        if len(shape) == 3:
            last = channels_last_shape(shape)
            self._channels_last = [_shifts(last, channels_last_bias(each), dtype, device) for each in numbers]

    def __call__(self, current: torch.Tensor) -> Emitted:
        """Spikes of currents (T, B, *shape) / scale, whole numbers."""
        if self._channels_last is not None and is_channels_last(current):
            spikes, count = self._one_pass(current.permute(CHANNELS_LAST), self._channels_last)
            return spikes.permute(CHANNELS_FIRST), count
        return self._one_pass(current, self._natural)

    def _one_pass(self, current: torch.Tensor, numbers: list[torch.Tensor]) -> Emitted:
        spikes = torch.empty(current.shape, dtype=torch.uint8, device=current.device)
        counts = torch.zeros(COUNTERS, dtype=torch.int64, device=current.device)
        x = _rows(current, len(numbers[0]))
        steps, rows, columns = x.shape
        grid, tile = _tiles(rows, columns)
        self._kernel[grid](
            x,
            x.stride(0),
            x.stride(1),
            *numbers,
            self._constants,
            spikes,
            rows * columns,
            counts,
            rows,
            columns,
            steps,
            *tile,
            COUNTERS,
            num_warps=8,
        )
        return spikes, counts.sum()


class FusedSpikes(_Spiking):
    """`torch_neurons.TorchSpikes` by kernels, the module `triton_neurons`, on a device."""

    def __init__(
        self,
        compiled: Any,
        op: IntegerLif,
        shape: tuple[int, ...],
        own: OwnNumbers,
        dtype: torch.dtype,
        scale: int,
        device: torch.device,
    ) -> None:
        unit, most = 1 << op.decay_bits, (1 << (op.state_bits - 1)) - 1
        constants = (scale << op.shift, (unit - op.dv) / unit, most)
        super().__init__(compiled.lif, op, constants, shape, own, dtype, device)


class FusedWrappingSpikes(_Spiking):
    """`neurons.integer_lif_spikes` by kernels, the module `triton_neurons`, on a device."""

    def __init__(
        self,
        compiled: Any,
        op: IntegerLif,
        shape: tuple[int, ...],
        own: OwnNumbers,
        scale: int,
        device: torch.device,
    ) -> None:
        unit, half = 1 << op.decay_bits, 1 << (op.state_bits - 1)
        keep_u, keep_v = (unit - op.du - 1) / unit, (unit - op.dv) / unit
        constants = (scale << op.shift, keep_u, keep_v, half)
        super().__init__(compiled.wrapping, op, constants, shape, own, torch.float64, device)


class FusedPayloads:
    """Payloads, of a gate too, as `torch_neurons.TorchPayloads` defines them; kernels: `triton_neurons`."""

    def __init__(
        self,
        compiled: Any,
        op: Graded | Gate,
        shape: tuple[int, ...],
        bias: torch.Tensor | None,
        dtype: torch.dtype,
        scale: int,
        device: torch.device,
    ) -> None:
        self._compiled, self._shifts = compiled, _shifts(shape, bias, dtype, device)
        self._emitted = travel_dtype(Type(shape, graded(op.bits)))
        self._constants = torch.tensor((scale, 2.0**-op.shift, *op.limits), dtype=dtype).to(device)

    def __call__(self, current: torch.Tensor, gates: torch.Tensor | None) -> Emitted:
        """Payloads of currents (T, B, *shape) / scale; gates: 0 or 1, of that shape."""
        values = torch.empty(current.shape, dtype=self._emitted, device=current.device)
        counts = torch.zeros(COUNTERS, dtype=torch.int64, device=current.device)
        x = _rows(current.unsqueeze(0), len(self._shifts))
        rows, columns = x.shape[1:]
        grid, tile = _tiles(rows, columns)
        self._compiled.payloads[grid](
            x,
            x.stride(1),
            self._shifts,
            self._constants,
            values if gates is None else gates.contiguous(),
            values,
            counts,
            rows,
            columns,
            gates is not None,
            *tile,
            COUNTERS,
            num_warps=8,
        )
        return values, counts.sum()


def _shifts(
    shape: tuple[int, ...], bias: torch.Tensor | None, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Biases (P,), of which neuron n of all samples has the one at n % P; zeros where there are none."""
    features = shape[-1] if shape else 1
    if bias is None:
        return torch.zeros(features, dtype=dtype).to(device)
    period = bias_period(shape, bias.to(dtype))
    return (period.expand(features) if period.numel() == 1 else period).contiguous().to(device)


def _rows(current: torch.Tensor, columns: int) -> torch.Tensor:
    """Currents (T, ...) as (T, rows, columns) with dense columns; copied only where they do not lie so."""
    steps, rows = len(current), prod(current.shape[1:]) // columns
    if not current.is_contiguous() and columns == current.shape[-1] and current.stride(-1) == 1:
        try:
            return current.view(steps, rows, columns)
        except RuntimeError:  # rows at irregular distances
            pass
    return current.contiguous().view(steps, rows, columns)


def _tiles(rows: int, columns: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(programs, tile), both (over rows, over columns)."""
    width = min(WIDTH, 1 << max(0, columns - 1).bit_length())
    height = TILE // width
    return (-(-rows // height), -(-columns // width)), (height, width)
