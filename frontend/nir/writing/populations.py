"""
The IR's populations in standard NIR: which readings of a file they allow, and the node under one of them. dt is 1.

NIR fires strictly above a threshold; a neuron that fires at it has the next smaller number as its threshold, which is the same
in the graph's own arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from frontend.nir.meaning.arithmetic import in_form
from frontend.nir.meaning.neurons import COMPARATORS, population
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNode
from frontend.nir.writing.said import Chain, factor, full, shifted
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops import Leaky, Lif
from ir.ops.membrane import Membrane

Allowed = dict[str, tuple[Any, ...]]
"""Option of the semantics -> the values under which NIR says the neuron, the best first; any where it is not listed."""

ULPS = (0, 1, -1, 2, -2)


@dataclass(frozen=True)
class Population:
    """
    A neuron layer of the IR with its constants, in the number type `dtype` of its graph.

    gates: whether a neuron without memory becomes a Threshold, which few readers know, or a LIF with a time constant of one step.
    """

    op: Membrane
    arrays: Mapping[str, Array]
    shape: tuple[int, ...]
    dtype: str
    gates: bool = True

    @staticmethod
    def of(graph: Graph, node: Node) -> Population | None:
        """The population of a node; None for neurons of other kinds, without axes, or in micro-steps."""
        op = node.op
        if not isinstance(op, Lif | Leaky) or not node.type.shape or (isinstance(op, Lif) and op.micro):
            return None
        return Population(op, graph.arrays(node), node.type.shape, graph.dtype)

    def value(self, name: str) -> Array:
        """A constant in float64, with as many axes as it is stored with."""
        return np.asarray(self.arrays.get(name, getattr(self.op, name)), np.float64)

    @property
    def remembers_current(self) -> bool:
        """Whether there is a synaptic current."""
        return self.op.has_current or "current_decay" in self.arrays

    @property
    def memoryless(self) -> bool:
        """Whether the spikes of a step depend on that step's input only."""
        op = self.op
        single = isinstance(op, Lif) and op.max_spikes == 1 and (op.reset == "none" or op.reset_at == "spike")
        plain = op.decay == 1 and op.form == "sum" and "decay" not in self.arrays and not self.value("leak").any()
        return single and plain and not self.remembers_current

    def allowed(self) -> Allowed | None:
        """The readings under which NIR says the neuron; None where there is none."""
        op = self.op
        if self.memoryless:
            return {}
        decays = [self.value("decay")] + ([self.value("current_decay")] if self.remembers_current else [])
        flat = op.form == "sum" and not decays[0].any() and not self.remembers_current
        if not flat and any((decay <= 0).any() for decay in decays):
            return None
        found: Allowed = {"v0": self._starts()}
        if self.remembers_current:
            found["order"] = (op.order,)
        if isinstance(op, Lif):
            found |= {"reset": (op.reset,), "max_spikes": (op.max_spikes,)}
            if op.reset != "none":
                found["reset_at"] = ("same" if op.reset_at == "spike" else op.reset_at,)
            if op.reset not in ("value", "none") or op.max_spikes != 1:
                found["threshold"] = tuple(name for name, sign in COMPARATORS.items() if sign == op.comparator)
        return found

    def _starts(self) -> tuple[Any, ...]:
        start = self.value("v0")
        found: list[Any] = [] if start.any() else ["zero"]
        reset = self.value("v_reset") if isinstance(self.op, Lif) else np.zeros(())
        meant = {"v_leak": reset if self._is_flat() else self.value("leak"), "v_reset": reset}
        found += [name for name, value in meant.items() if not (value - start).any()]
        shared = start.reshape(-1)[0]
        return (*found, float(shared)) if (start == shared).all() else tuple(found)

    def _is_flat(self) -> bool:
        return self.op.form == "sum" and not self.value("decay").any()

    def said(self, reading: Semantics) -> Chain | None:
        """The population as nodes of NIR under a reading that it allows; None where a bias is too large to be written."""
        before: list[nir.NIRNode] = []
        if "bias" in self.arrays:
            made = shifted(1.0, self.arrays["bias"], self.shape, self.dtype)
            if made is None:
                return None
            before.append(made)
        if not self.remembers_current and (self.value("current_gain") != 1).any():
            before.append(factor(self.value("current_gain"), self.shape, self.dtype))
        gate = self.memoryless and self.gates
        if gate and (self.value("gain") != 1).any():
            before.append(factor(self.value("gain"), self.shape, self.dtype))
        made = self._node(reading, self.dtype)
        if not self._is_read_back(made, reading):
            made = self._node(reading, "float64")
        return (*before, made)

    def _node(self, reading: Semantics, dtype: str) -> nir.NIRNode:
        """The neuron itself, its constants rounded to `dtype`."""
        wide = lambda value: full(value, self.shape, dtype)  # noqa: E731
        firing: dict[str, Any] = {}
        if isinstance(self.op, Lif):
            firing = {"v_threshold": wide(self._threshold(reading)), "v_reset": wide(self.value("v_reset"))}
        if self.memoryless and self.gates:
            return nir.Threshold(firing["v_threshold"])
        if self._is_flat():
            return nir.IF(r=wide(self.value("gain")), **firing) if firing else nir.I(r=wide(self.value("gain")))
        tau, r = self._time("decay", "gain", self.op.form, dtype)
        leak = wide(self.value("leak"))
        forms = {"membrane_form": "sum"} if self.op.form == "sum" else {}
        if not self.remembers_current:
            make = nir.LIF if firing else nir.LI
            return make(tau=tau, r=r, v_leak=leak, **firing, metadata=forms)
        tau_syn, w_in = self._time("current_decay", "current_gain", self.op.current_form, dtype)
        forms |= {"current_form": "sum"} if self.op.current_form == "sum" else {}
        make = nir.CubaLIF if firing else nir.CubaLI
        return make(tau_syn=tau_syn, tau_mem=tau, r=r, v_leak=leak, w_in=w_in, **firing, metadata=forms)

    def _threshold(self, reading: Semantics) -> Array:
        """The threshold for the reading's comparison."""
        assert isinstance(self.op, Lif)
        threshold, sign = self.value("threshold"), COMPARATORS[reading.threshold]
        if sign == self.op.comparator:
            return threshold
        return np.nextafter(threshold.astype(self.dtype), np.asarray(-np.inf if sign == ">" else np.inf, self.dtype))

    def _time(self, decay: str, gain: str, form: str, dtype: str) -> tuple[Array, Array]:
        """The time constant and the gain of NIR's equation, rounded such that the step's own constants come out again."""
        share, wanted = (np.broadcast_to(self.value(name), self.shape) for name in (decay, gain))
        tau = _nearest(1 / share, lambda tau: 1 / tau, share, self.dtype, dtype)
        if form == "euler":
            return tau, full(wanted, self.shape, dtype)
        shares = 1 / tau.astype(np.float64)
        return tau, _nearest(wanted / shares, lambda r: shares * r, wanted, self.dtype, dtype)

    def _is_read_back(self, made: nir.NIRNode, reading: Semantics) -> bool:
        """Whether the importer makes a neuron of it that computes with the same numbers."""
        params = {key: value for key, value in vars(made).items() if isinstance(value, np.ndarray)}
        node = NirNode(type(made).__name__, params, made.metadata, self.shape, self.shape)
        try:
            op, arrays = in_form(*population(node, reading, self.dtype, False), made.metadata, self.dtype)
        except CompileError:
            return False
        assert isinstance(op, Membrane)
        if self.memoryless and self.gates:
            return True
        return _computed(op, arrays, self.shape, self.dtype) == _computed(self.op, self.arrays, self.shape, self.dtype)


def _nearest(guess: Array, read: Any, wanted: Array, dtype: str, stored: str) -> Array:
    """Numbers of type `stored` near `guess` from which `read` makes what is `wanted`, up to rounding to `dtype`."""
    start = guess.astype(stored)
    found = start.copy()
    missing = np.ones(start.shape, bool)
    for ulps in ULPS:
        other = start
        for _ in range(abs(ulps)):
            other = np.nextafter(other, np.asarray(np.inf if ulps > 0 else -np.inf, stored))
        fits = missing & (read(other.astype(np.float64)).astype(dtype) == wanted.astype(dtype))
        found[fits] = other[fits]
        missing &= ~fits
    return found


def _computed(op: Membrane, arrays: Mapping[str, Array], shape: tuple[int, ...], dtype: str) -> list[bytes]:
    """The numbers with which a step computes, as bytes: attributes are combined in float64, arrays in the graph's type."""
    get = lambda name: arrays.get(name, getattr(op, name))  # noqa: E731
    numbers = [get("decay"), get("gain"), get("v0")]
    numbers += [1 - get("decay"), get("decay") * get("leak")] if op.form == "sum" else [get("leak")]
    if op.has_current or "current_decay" in arrays:
        numbers += [get("current_decay"), get("current_gain")]
        numbers += [1 - get("current_decay")] if op.current_form == "sum" else []
    if isinstance(op, Lif) and op.reset == "value":
        numbers.append(get("v_reset"))
    return [(full(number, shape, dtype) + 0.0).tobytes() for number in numbers]
