"""Ways of running SpikingJelly's neurons that no rule covers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ir.errors import CompileError


def check_spikingjelly(module: Any, later: bool, memory: str, learned: tuple[str, ...]) -> None:
    """
    Refuse a neuron whose rule does not cover it.

    Args:
        later: it has made a step of this window. memory: the attribute in which it remembers. learned: the parameters and
            buffers that its rule reads.

    Raises:
        CompileError: for analog output, for a membrane left over, for parameters that no rule knows.
    """
    cls = type(module).__name__
    if not getattr(getattr(module, "surrogate_function", None), "spiking", True):
        raise CompileError(
            "import.surrogate",
            f"{cls} emits no spikes (spiking=False)",
            hint="use its surrogate function with spiking=True",
        )
    _check_membrane(module, memory, cls, later)
    for key, tensor in (*module.named_parameters(), *module.named_buffers()):
        if key not in learned and not bool((tensor == module.v_threshold).all()):
            raise CompileError(
                "import.parameter",
                f"{cls} has a parameter {key} that no rule knows",
                hint="one that equals the threshold (CMSF's dynamic threshold) is accepted",
            )


def _check_membrane(module: nn.Module, memory: str, cls: str, later: bool) -> None:
    """Before the first step there must be no state, before `later` ones there must be one."""
    state = getattr(module, memory)
    remembers = isinstance(state, torch.Tensor) or bool(state and isinstance(state, list))
    if later and not remembers and not (isinstance(state, list) and module.delay_steps == 0):
        raise CompileError(
            "import.steps",
            f"{cls} is reset in the middle of the window",
            hint="reset once, before the first step or behind the last one",
        )
    if remembers and not later:
        raise CompileError(
            "import.shared_neuron",
            f"{cls} runs again without a reset, its membrane carries over",
            hint="give every use a neuron layer of its own",
        )
