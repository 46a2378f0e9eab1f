"""While a model is looked at, tensors know how often they were written, whatever the model or its user asks torch for."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def ordinary_tensors() -> Generator[None]:
    """Within it, or within a function that it decorates, `torch.inference_mode` is `torch.no_grad`, which computes the same."""
    with torch.inference_mode(False), torch.no_grad():
        enter = torch.inference_mode.__enter__
        torch.inference_mode.__enter__ = _enter
        try:
            yield
        finally:
            torch.inference_mode.__enter__ = enter


def _enter(self: torch.inference_mode) -> None:
    context = self._inference_mode_context = torch.no_grad()  # pyright: ignore
    context.__enter__()
