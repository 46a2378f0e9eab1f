"""One layer of a file: synapses from the layer before, and neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

import numpy as np

from backends.netx.neurons import NetxNeurons
from ir.errors import CompileError
from ir.graph import Array

MOST_DELAY = 62
"""Steps that netx lets a synapse wait."""
Entries = Mapping[str, Union[str, Array, "Entries"]]
"""Names of a group in a file -> numbers, texts and arrays, or entries of a group in it."""


@dataclass(frozen=True, eq=False)
class NetxLayer:
    """A layer as a file says it."""

    kind: str
    """`dense`, `dense_rec` or `conv`."""
    shape: tuple[int, ...]
    """Of what it emits: a vector, or an image (channels, height, width)."""
    synapses: Entries
    neurons: NetxNeurons
    delays: Array
    """How many steps late every synapse is in the network, (targets, sources), or one number for all."""

    @property
    def late(self) -> int:
        """The steps by which all of its synapses are late."""
        return int(self.delays.min())

    @property
    def remembers(self) -> bool:
        """Whether its synapses hold spikes of earlier steps."""
        return self.kind == "dense_rec" or bool(self.delays.max() > self.late)

    def entries(self, kept: int) -> Entries:
        """
        The group of the layer.

        Args:
            kept: of the steps by which it is late, those that passing on to it takes anyway.

        Raises:
            CompileError: delays that netx does not have.
        """
        delays = self.delays - kept
        entries: dict[str, str | Array | Entries] = {
            "type": self.kind,
            "shape": np.array(self.shape),
            **self.synapses,
            "neuron": self._neuron(),
        }
        if self.neurons.bias.any():
            entries["bias"] = self._by_neuron(self.neurons.bias)
        if not delays.any():
            return entries
        if self.kind != "dense" or delays.max() > MOST_DELAY:
            what = f"delays of up to {delays.max()} steps; netx has them to {MOST_DELAY}, in dense layers without recurrence"
            raise CompileError("netx.delay", what, hint="delay elsewhere, or by fewer steps")
        return {**entries, "delay": delays}

    def _neuron(self) -> Entries:
        constants = {
            "iDecay": self.neurons.i_decay,
            "vDecay": self.neurons.v_decay,
            "vThMant": self.neurons.threshold,
        }
        table = {name: self._shared(value) for name, value in constants.items()}
        return {"type": "CUBA", **table, "refDelay": np.array(1), "gradedSpike": np.array(False)}

    def _shared(self, constant: Array) -> Array:
        """One number where all neurons have the same."""
        return constant[0] if (constant == constant[0]).all() else self._by_neuron(constant)

    def _by_neuron(self, constant: Array) -> Array:
        """A number for every neuron, or every channel of an image, whose neurons share it."""
        return constant.reshape(self.shape[0], -1)[:, 0]
