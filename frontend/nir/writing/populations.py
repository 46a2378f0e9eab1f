"""
The IR's neuron layers in standard NIR: the nodes that they are under some semantics (`allowed_semantics`). dt is 1.

NIR fires strictly above a threshold; a neuron that fires at it has the next smaller number as its threshold, which is the same
in the graph's own arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nir
import numpy as np

from frontend.nir.meaning.neurons import COMPARATORS, population
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNode
from frontend.nir.writing.fragments import Chain, factor, full, shifted
from ir.errors import CompileError
from ir.graph import Array, Graph, Node
from ir.ops import Leaky, Lif
from ir.ops.membrane import Membrane

ULPS = (0, 1, -1, 2, -2)
"""Units in the last place by which a constant is moved until a reader computes with the neuron's own."""


@dataclass(frozen=True)
class Population:
    """A neuron layer of the IR with its constants."""

    op: Membrane
    arrays: Mapping[str, Array]
    """Constants that differ from neuron to neuron, by name; the others are attributes of `op`."""
    shape: tuple[int, ...]
    dtype: str
    """In which its graph computes."""
    gates: bool = True
    """Whether a neuron without memory becomes a Threshold, which few readers know, or a LIF with a time constant of one step."""

    @staticmethod
    def of(graph: Graph, node: Node) -> Population | None:
        """The population of a node; None for neurons of other kinds, without axes, or in micro-steps."""
        op = node.op
        if type(op) not in (Lif, Leaky) or not node.type.shape or (isinstance(op, Lif) and op.micro):
            return None  # a neuron derived from one of these would lose what it adds
        assert isinstance(op, Membrane)
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

    @property
    def is_flat(self) -> bool:
        """Whether the membrane only adds up."""
        return self.op.form == "sum" and not self.value("decay").any()

    def nodes(self, semantics: Semantics) -> Chain | None:
        """The population as nodes of NIR under semantics that it allows; None where a bias is too large to be written."""
        before: list[nir.NIRNode] = []
        if "bias" in self.arrays:
            bias = shifted(1.0, self.arrays["bias"], self.shape, self.dtype)
            if bias is None:
                return None
            before.append(bias)
        if not self.remembers_current and (self.value("current_gain") != 1).any():
            before.append(factor(self.value("current_gain"), self.shape, self.dtype))
        gate = self.memoryless and self.gates
        if gate and (self.value("gain") != 1).any():
            before.append(factor(self.value("gain"), self.shape, self.dtype))
        neuron = self._neuron(semantics, self.dtype)
        if not self._is_read_back(neuron, semantics):
            neuron = self._neuron(semantics, "float64")
        return (*before, neuron)

    def _neuron(self, semantics: Semantics, dtype: str) -> nir.NIRNode:
        """The neuron itself, its constants rounded to `dtype`."""

        def wide(value: Array) -> Array:
            return full(value, self.shape, dtype)

        firing: dict[str, Any] = {}
        if isinstance(self.op, Lif):
            firing = {"v_threshold": wide(self._threshold(semantics)), "v_reset": wide(self.value("v_reset"))}
        if self.memoryless and self.gates:
            return nir.Threshold(firing["v_threshold"])
        if self.is_flat:
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

    def _threshold(self, semantics: Semantics) -> Array:
        """The threshold for the comparison of the semantics."""
        assert isinstance(self.op, Lif)
        threshold, sign = self.value("threshold"), COMPARATORS[semantics.threshold]
        if sign == self.op.comparator:
            return threshold
        return np.nextafter(threshold.astype(self.dtype), np.asarray(-np.inf if sign == ">" else np.inf, self.dtype))

    def _time(self, decay: str, gain: str, form: str, dtype: str) -> tuple[Array, Array]:
        """The time constant and the gain of NIR's equation, rounded such that the step's own constants come out again."""
        share, scale = (np.broadcast_to(self.value(name), self.shape) for name in (decay, gain))
        tau = _nearest(1 / share, lambda tau: 1 / tau, share, self.dtype, dtype)
        if form == "euler":
            return tau, full(scale, self.shape, dtype)
        shares = 1 / tau.astype(np.float64)
        return tau, _nearest(scale / shares, lambda r: shares * r, scale, self.dtype, dtype)

    def _is_read_back(self, neuron: nir.NIRNode, semantics: Semantics) -> bool:
        """Whether the importer makes a neuron of it that computes with the same numbers."""
        params: dict[str, Array] = {key: value for key, value in vars(neuron).items() if isinstance(value, np.ndarray)}
        node = NirNode(type(neuron).__name__, params, neuron.metadata, self.shape, self.shape)
        try:
            op, arrays = population(node, semantics, self.dtype, False)
        except CompileError:
            return False
        if self.memoryless and self.gates:
            return True
        return _numbers(op, arrays, self.shape, self.dtype) == _numbers(self.op, self.arrays, self.shape, self.dtype)


def _nearest(guess: Array, read: Callable[[Array], Array], goal: Array, dtype: str, stored: str) -> Array:
    """Numbers of dtype `stored` near `guess` from which `read` makes `goal`, up to rounding to `dtype`."""
    start = guess.astype(stored)
    nearest = start.copy()
    open_places = np.ones(start.shape, bool)
    for ulps in ULPS:
        trial = start
        for _ in range(abs(ulps)):
            trial = np.nextafter(trial, np.asarray(np.inf if ulps > 0 else -np.inf, stored))
        fits = open_places & (read(trial.astype(np.float64)).astype(dtype) == goal.astype(dtype))
        nearest[fits] = trial[fits]
        open_places &= ~fits
    return nearest


def _numbers(op: Membrane, arrays: Mapping[str, Array], shape: tuple[int, ...], dtype: str) -> list[bytes]:
    """The numbers with which a step computes, as bytes: attributes are combined in float64, arrays in the graph's type."""

    def get(name: str) -> Any:
        return arrays.get(name, getattr(op, name))

    numbers = [get("decay"), get("gain"), get("v0")]
    numbers += [1 - get("decay"), get("decay") * get("leak")] if op.form == "sum" else [get("leak")]
    if op.has_current or "current_decay" in arrays:
        numbers += [get("current_decay"), get("current_gain")]
        numbers += [1 - get("current_decay")] if op.current_form == "sum" else []
    if isinstance(op, Lif) and op.reset == "value":
        numbers.append(get("v_reset"))
    return [(full(number, shape, dtype) + 0.0).tobytes() for number in numbers]
