"""A network cut into what the host computes before the chip, what the chip runs, and what the host computes after it."""

from __future__ import annotations

from dataclasses import dataclass

from ir.graph import Graph


@dataclass(frozen=True)
class Deployment:
    """
    Three graphs that run one after another.

    prologue: model inputs -> chip inputs (real values, by name). chip: the part that becomes synapses and neurons; its
    input types carry the scale at which the host hands over integers. epilogue: chip outputs, and model inputs or prologue
    values where it needs them (an input of the epilogue is named like the value it reads), -> model outputs.
    A prologue output that no chip input reads is for the epilogue. Where a model input or output is spiking, prologue or
    epilogue pass it through unchanged.
    """

    prologue: Graph
    chip: Graph
    epilogue: Graph
