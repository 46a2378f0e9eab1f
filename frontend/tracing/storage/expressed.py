"""
Which tensors have which expressions, rows of other tensors among them.

    v[t + 1] = 0.9 * v[t] + x[t]; z[t + 1] = (v[t + 1] > 1).float()

Whatever is written into part of a memory leaves a stand-in there, a tensor without numbers that is what was written: whoever
reads that part again, by a window of its own, reads it.
"""

from __future__ import annotations

import torch

from frontend.tracing.storage.taint import memory_of, no_torch_function
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.expressions import Expression


class ExpressedTensors:
    """The tensors with an expression of one traced run."""

    def __init__(self, tensors: TracedTensors) -> None:
        self._tensors = tensors
        self._expressions: dict[int, tuple[torch.Tensor, Expression]] = {}
        self._having: dict[int, tuple[Expression, list[torch.Tensor]]] = {}

    def get(self, tensor: torch.Tensor) -> Expression | None:
        """The expression of a tensor."""
        return self._expressions.get(id(self._tensors.standing_for(tensor)), (None, None))[1]

    def keep(self, tensor: torch.Tensor, expression: Expression) -> None:
        """From now on a tensor has that expression."""
        tensor = self._tensors.standing_for(tensor)
        self._expressions[id(tensor)] = (tensor, expression)
        self._having.setdefault(id(expression), (expression, []))[1].append(tensor)

    def having(self, expression: Expression) -> list[torch.Tensor]:
        """The tensors that have just that expression."""
        made = self._having.get(id(expression), (expression, []))[1]
        return [tensor for tensor in made if self.get(tensor) is expression]

    def stand_in(self, tensor: torch.Tensor) -> torch.Tensor:
        """What a tensor is now, whatever is written into it later."""
        tensor = self._tensors.standing_for(tensor)
        with no_torch_function():
            made = torch.empty(1, dtype=tensor.dtype).expand(tensor.shape)
        expression, error = self.get(tensor), self._tensors.refusal(tensor)
        if error is not None:
            self._tensors.refuse(made, error)
        else:
            view = self._tensors.view(tensor)
            assert view is not None
            self._tensors.add(made, view)
        if expression is not None:
            self.keep(made, expression)
        return made

    def forget(self, written: torch.Tensor) -> None:
        """Tensors on memory that was written into are unknown; its stand-ins are in none."""
        memory = memory_of(written)
        for key, (tensor, _) in list(self._expressions.items()):
            if memory_of(tensor) == memory:
                del self._expressions[key]
