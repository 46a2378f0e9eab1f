"""Checks that a user's subclass of a known neuron still behaves like it, by running it on currents made of ties."""

from __future__ import annotations

import copy
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from ir.errors import CompileError
from ir.ops import Lif, Op

STEPS, NEURONS = 8, 512
_FOUND = WeakKeyDictionary[nn.Module, bool]()


def behaves(module: nn.Module, rule: Callable[[nn.Module], Op], single_step: bool) -> bool:
    """Whether a user's subclass of a neuron is what that one's rule says; found out when it is first asked."""
    if module not in _FOUND:
        try:
            with torch._C.DisableTorchFunction():  # pyright: ignore
                check_behaviour(module, rule(module), single_step)
            _FOUND[module] = True
        except Exception:  # the user's code: it says what it does when it is traced
            _FOUND[module] = False
    return _FOUND[module]


def check_behaviour(module: nn.Module, op: Op, single_step: bool) -> None:
    """
    Run a copy of `module`, which takes single steps or all at once, and `op` on the same currents.

    Raises:
        CompileError: if any spike differs, so that an override which changes the neuron is never ignored.
    """
    if not isinstance(op, Lif) or not hasattr(module, "reset"):
        raise CompileError(
            "import.module",
            f"{type(module).__name__} inherits from a neuron that cannot be probed",
            hint="use the neuron itself, with other parameters",
        )
    twin = copy.deepcopy(module)
    reset = getattr(twin, "reset", None)
    if callable(reset):
        reset()
    currents = tie_currents(op.threshold)
    with torch.no_grad():
        theirs = torch.stack([twin.forward(x) for x in currents]) if single_step else twin.forward(currents)
    ours = op.run((currents,), {}, STEPS)
    if theirs.shape != ours.shape or not torch.equal(theirs, ours):
        name = type(module).__name__
        raise CompileError(
            "import.module",
            f"{name} does not behave like the neuron it inherits from",
            hint="a neuron with other dynamics needs a rule of its own",
        )


def tie_currents(threshold: float) -> torch.Tensor:
    """Currents of shape (STEPS, 1, NEURONS): small multiples of an eighth of the threshold, so that ties are common."""
    rng = np.random.default_rng(0)
    eighths = rng.integers(-8, 25, size=(STEPS, 1, NEURONS))
    return torch.from_numpy((eighths * (threshold / 8)).astype(np.float32))
