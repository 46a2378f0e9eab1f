"""The plain integer neuron of Loihi, fast: what the range proof excludes is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ir.graph import Array
from ir.ops.integer_neuron import IntegerLif


def total_of(currents: tuple[Array, ...], dtype: Any) -> Array:
    """The sum of the currents, as a fresh array."""
    total = currents[0].astype(dtype)
    for current in currents[1:]:
        total += current
    return total


class PlainLif:
    """
    The integer neuron of Loihi, see ir.ops.integer_neuron.IntegerLif: decays truncate toward zero, u folds once, v saturates.

    Where the range proof excludes folding and saturation these are left out, and where the state then fits float32 (halving
    or keeping an integer is exact there, other decays need more bits) it is kept in float32.
    """

    def __init__(self, op: IntegerLif, own: Mapping[str, Array], reach: int, window: int) -> None:
        """`own`: bias and vth of single neurons. `reach`: largest magnitude of the total current. `window`: 0 for none."""
        bias = own.get("bias")
        unit, self.half = 1 << op.decay_bits, 1 << (op.state_bits - 1)
        self.keep_u, self.keep_v = (unit - op.du - 1) / unit, (unit - op.dv) / unit
        drive = (reach << op.shift) + (0 if bias is None else int(np.abs(bias).max()))
        self.folds = bool(self.keep_u) or reach << op.shift >= self.half
        if not self.folds and drive * (unit - op.dv) < unit:
            self.keep_v = 0.0  # whatever v can be, its decay truncates to nothing
        self.saturates = self.folds or _largest_state(drive, op.dv, unit, window) >= self.half
        self.dtype: Any = np.float32 if not self.saturates and self.keep_v in (0, 0.5, 1) else np.float64
        self.gain = float(1 << op.shift)
        self.threshold = np.asarray(op.level({role: array.astype(np.int64) for role, array in own.items()}), self.dtype)
        self.bias = None if bias is None else bias.astype(self.dtype)
        self.u: Array | None = None
        self.v: Array | None = None

    def reset(self) -> None:
        self.u = self.v = None

    def step(self, *currents: Array) -> Array:
        v = self._driven(currents)
        if self.folds:
            v = self._folded(v)
            self.u = v.copy()
        if self.v is not None:
            v += np.trunc(np.multiply(self.v, self.keep_v, out=self.v), out=self.v)
        if self.bias is not None:
            v += self.bias
        if self.saturates:
            np.clip(v, 1 - self.half, self.half - 1, out=v)
        fired = v > self.threshold
        if self.keep_v:
            np.copyto(v, 0, where=fired)
            self.v = v
        return fired.astype(np.float32)

    def _driven(self, currents: tuple[Array, ...]) -> Array:
        """What the currents add to v, as a fresh array."""
        if len(currents) == 1:
            return np.multiply(currents[0], self.gain, dtype=self.dtype)
        v = total_of(currents, self.dtype)
        v *= self.gain
        return v

    def _folded(self, u: Array) -> Array:
        """The current after decay and input, folded once into (-half, half]."""
        if self.u is not None:
            u += np.trunc(np.multiply(self.u, self.keep_u))
        u[u > self.half] -= 2 * self.half
        u[u <= -self.half] += 2 * self.half
        return u


def _largest_state(drive: int, dv: int, unit: int, window: int) -> int:
    """A bound of |v|: the geometric series of the decay (at most `drive` is added per step), or the window's length of it."""
    bounds = ([-(-drive * unit // dv)] if dv > 0 else []) + ([window * drive] if window else [])
    return min(bounds, default=1 << 62)
