"""
What each time step counts in SpikeCLIP's read-out, `sum_t w_t x[t]`: learned, or all the same.

`models.layers.neuron.sum_over_time` adds up.
"""

from __future__ import annotations

import torch
from torch import nn

START = (-2.3026, -1.6094, -0.9163, -0.2231)
"""ln of 0.1, 0.2, 0.4, 0.8, as SpikeCLIP publishes them: all below zero, so that the features change their sign."""
STEP_WEIGHTS = ("learned", "mean")


def give_step_weights(module: nn.Module, kind: str, steps: int) -> None:
    """
    Give `module` the attribute `weights_tensor` of shape (1, steps, 1), whose name is that of the published checkpoints.

    `learned` is a parameter that begins with the first `steps` of `START`; `mean` is 1 / steps, and in no checkpoint.
    """
    if kind == "learned":
        module.weights_tensor = nn.Parameter(torch.tensor(START[:steps]).reshape(1, steps, 1))
    else:
        module.register_buffer("weights_tensor", torch.full((1, steps, 1), 1.0 / steps), persistent=False)
