"""All operations in one table: equation, result type, meaning and cost of each are in its class."""

from __future__ import annotations

from ir.ops.arithmetic import Add, Divide, Function, MatMul, Mul, Not, Offset, Scale, Subtract
from ir.ops.base import Input, Op
from ir.ops.float_neurons.alpha import AlphaLif
from ir.ops.float_neurons.fixed_point import FixedPointLif
from ir.ops.float_neurons.gated_filter import GatedFilter
from ir.ops.float_neurons.max_relay import MaxRelay
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif
from ir.ops.float_neurons.nonlinear import NonlinearLif
from ir.ops.float_neurons.potential import Potential
from ir.ops.float_neurons.rectified import RectifiedLif
from ir.ops.float_neurons.refractory import RefractoryLif
from ir.ops.host.lookup import Levels, Lookup
from ir.ops.host.norm import BatchNorm, LayerNorm
from ir.ops.host.reduce import Along, Reduce, TopK
from ir.ops.host.time import AtStep, FoldTime, TimeSum, UnfoldTime
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif, IntegerPotential
from ir.ops.linear import Conv, Linear, Sum, Synapse
from ir.ops.membrane import Leaky
from ir.ops.neuron import Burst, Gate, Graded, Lif
from ir.ops.over_time.by_step import TimeOffset, TimeWeight
from ir.ops.over_time.delay import Delay, Past
from ir.ops.pool import MaxPool
from ir.ops.programmed.alpha import ProgrammedAlpha
from ir.ops.programmed.lif import ProgrammedLif
from ir.ops.shape import Concat, Expand, Gather, Pad, Permute, Repeat, Reshape, Slice

OPS: dict[str, type[Op]] = {
    op.kind: op
    for op in (
        *(Input, Linear, Conv, Synapse, Sum),
        *(Lif, Leaky, IntegerLif, IntegerLeaky, IntegerPotential, ProgrammedLif, ProgrammedAlpha, Graded, Gate, Burst),
        *(
            FixedPointLif,
            RectifiedLif,
            MovingThresholdLif,
            RefractoryLif,
            NonlinearLif,
            AlphaLif,
            GatedFilter,
            Potential,
            MaxRelay,
        ),
        *(Delay, Past),
        *(Reshape, Permute, Slice, Concat, Expand, Add),
        *(Mul, MatMul, MaxPool, Not, Scale, Offset, BatchNorm),
        *(Gather, Pad),
        *(Reduce, Along, TopK, Lookup, Levels),
        *(LayerNorm, Divide, Subtract, Function, Repeat, TimeWeight, TimeOffset, TimeSum, AtStep, FoldTime, UnfoldTime),
    )
}
"""kind -> class."""

__all__ = [
    "OPS",
    "Add",
    "Along",
    "AlphaLif",
    "AtStep",
    "BatchNorm",
    "Burst",
    "Concat",
    "Conv",
    "Delay",
    "Divide",
    "Expand",
    "FixedPointLif",
    "FoldTime",
    "Function",
    "Gate",
    "GatedFilter",
    "Gather",
    "Graded",
    "Input",
    "IntegerLeaky",
    "IntegerLif",
    "IntegerPotential",
    "LayerNorm",
    "Leaky",
    "Levels",
    "Lif",
    "Linear",
    "Lookup",
    "MatMul",
    "MaxPool",
    "MaxRelay",
    "MovingThresholdLif",
    "Mul",
    "NonlinearLif",
    "Not",
    "Offset",
    "Op",
    "Pad",
    "Past",
    "Permute",
    "Potential",
    "ProgrammedAlpha",
    "ProgrammedLif",
    "RectifiedLif",
    "Reduce",
    "RefractoryLif",
    "Repeat",
    "Reshape",
    "Scale",
    "Slice",
    "Subtract",
    "Sum",
    "Synapse",
    "TimeOffset",
    "TimeSum",
    "TimeWeight",
    "TopK",
    "UnfoldTime",
]
