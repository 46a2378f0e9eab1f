"""What a population emits, on whichever device."""

from __future__ import annotations

import torch

Count = torch.Tensor | int
"""A number of events; on a GPU it stays there until the end of a run."""
Emitted = tuple[torch.Tensor, Count]
"""What a population emits, and how many of its elements are not zero."""
