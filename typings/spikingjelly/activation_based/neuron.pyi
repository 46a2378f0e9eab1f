"""SpikingJelly's LIF neurons."""

import torch
from torch import nn

class BaseNode(nn.Module):
    v_threshold: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor: ...
    def reset(self) -> None: ...

class LIFNode(BaseNode):
    def __init__(
        self,
        tau: float = 2.0,
        decay_input: bool = True,
        v_threshold: float = 1.0,
        v_reset: float | None = 0.0,
        surrogate_function: nn.Module = ...,
        detach_reset: bool = False,
        step_mode: str = "s",
        backend: str = "torch",
        store_v_seq: bool = False,
    ) -> None: ...

class ParametricLIFNode(BaseNode):
    def __init__(
        self, init_tau: float = 2.0, surrogate_function: nn.Module = ..., detach_reset: bool = False
    ) -> None: ...
