"""Of nir 1.0.8 what the compiler uses: the graph, the nodes that it writes, reading and writing."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import ir as ir

Array = np.ndarray[Any, Any]
Types = dict[str, Array]

@dataclass(eq=False)
class NIRNode:
    input_type: Types = field(init=False, kw_only=True)
    output_type: Types = field(init=False, kw_only=True)
    metadata: dict[str, Any] = field(default_factory=dict, kw_only=True)

    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, kwargs: dict[str, Any]) -> NIRNode: ...

@dataclass(eq=False)
class NIRGraph(NIRNode):
    nodes: dict[str, NIRNode]
    edges: list[tuple[str, str]]

    def __init__(
        self,
        nodes: dict[str, NIRNode],
        edges: list[tuple[str, str]],
        metadata: dict[str, Any] = ...,
        type_check: bool = True,
    ) -> None: ...

@dataclass(eq=False)
class Input(NIRNode):
    input_type: Types

@dataclass(eq=False)
class Output(NIRNode):
    output_type: Types

@dataclass(eq=False)
class Affine(NIRNode):
    weight: Array
    bias: Array

@dataclass(eq=False)
class Linear(NIRNode):
    weight: Array

@dataclass(eq=False)
class Scale(NIRNode):
    scale: Array

@dataclass(eq=False)
class Conv1d(NIRNode):
    input_shape: int | None
    weight: Array
    stride: int
    padding: int | str
    dilation: int
    groups: int
    bias: Array

@dataclass(eq=False)
class Conv2d(NIRNode):
    input_shape: tuple[int, int] | None
    weight: Array
    stride: int | tuple[int, int]
    padding: int | tuple[int, int] | str
    dilation: int | tuple[int, int]
    groups: int
    bias: Array

@dataclass(eq=False)
class SumPool2d(NIRNode):
    kernel_size: Array
    stride: Array
    padding: Array

@dataclass(eq=False)
class AvgPool2d(NIRNode):
    kernel_size: Array
    stride: Array
    padding: Array

@dataclass(eq=False)
class Flatten(NIRNode):
    input_type: Types
    start_dim: int = 1
    end_dim: int = -1

@dataclass(eq=False)
class Delay(NIRNode):
    delay: Array

@dataclass(eq=False)
class Threshold(NIRNode):
    threshold: Array

@dataclass(eq=False)
class I(NIRNode):
    r: Array

@dataclass(eq=False)
class IF(NIRNode):
    r: Array
    v_threshold: Array
    v_reset: Array | None = None

@dataclass(eq=False)
class LI(NIRNode):
    tau: Array
    r: Array
    v_leak: Array

@dataclass(eq=False)
class LIF(NIRNode):
    tau: Array
    r: Array
    v_leak: Array
    v_threshold: Array
    v_reset: Array | None = None

@dataclass(eq=False)
class CubaLI(NIRNode):
    tau_syn: Array
    tau_mem: Array
    r: Array
    v_leak: Array
    w_in: Array = ...

@dataclass(eq=False)
class CubaLIF(NIRNode):
    tau_syn: Array
    tau_mem: Array
    r: Array
    v_leak: Array
    v_threshold: Array
    v_reset: Array | None = None
    w_in: Array = ...

def write(
    filename: str | Path | IO[bytes],
    graph: NIRNode,
    compression: str | int | None = "gzip",
    compression_opts: Any = None,
) -> None: ...
