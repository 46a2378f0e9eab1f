"""
SpikingJelly's recurrent containers: what the modules in one return comes back to them at the next step, as its state `y`.

Before every step `y` is replaced by the spikes, one step late, of the last neuron in the container, which closes the loop. The
step of an elementwise container then runs as it is, on whatever it makes of the input and `y`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from frontend.names import node_name
from frontend.neuron_rules.table import is_container, neuron_rule
from frontend.recording.layout import View, feature_dims
from frontend.recording.recorder import Recorder
from frontend.tracing.tensors import TracedTensors
from ir.errors import CompileError

Step = Callable[[torch.Tensor], torch.Tensor]


class RecurrentContainers:
    """
    The containers of one traced run.

    Args:
        paths: identity of a module -> its path in the model.
    """

    def __init__(self, recorder: Recorder, tensors: TracedTensors, paths: Mapping[int, str]) -> None:
        self._recorder, self._tensors, self._paths = recorder, tensors, paths
        self._past: dict[int, tuple[str, str]] = {}

    def watch(self, module: nn.Module) -> list[ReplacedStep]:
        """Close the loop of every container in `module`, until the results are removed."""
        return [ReplacedStep(child, self._closing(child)) for child in module.modules() if is_container(child)]

    def _closing(self, container: Any) -> Step:
        """One step of a container, on an output of the step before that tracing knows."""
        linear = hasattr(container, "rc")
        original: Step = partial(_linear_step, container) if linear else container.single_step_forward

        def step(x: torch.Tensor) -> torch.Tensor:
            view = self._tensors.view(x)
            if view is None:
                raise CompileError("import.constant", "a recurrent container's input does not depend on the inputs")
            width = getattr(container, "sub_module_out_features", x.shape[-1])
            last = container.y
            y = x.new_zeros((*x.shape[:-1], width)) if last is None else last.detach().clone()
            of, past = self._back_edge(container, tuple(y.shape[1:]), self._recorder.window(view))
            self._tensors.add(y, View(past, (view.dims[0], *feature_dims(tuple(y.shape[1:]))), view.step))
            container.y = y
            result = original(x)
            self._check(result, of)
            return result

        return step

    def _back_edge(self, container: Any, shape: tuple[int, ...], steps: int) -> tuple[str, str]:
        """(the value that comes back, the node that brings it), made at the first step."""
        if id(container) not in self._past:
            neurons = [child for child in container.sub_module.modules() if neuron_rule(child) is not None]
            if not neurons:
                raise _no_neuron()
            path = self._paths[id(neurons[-1])]
            past = self._recorder.past(path, shape, steps)
            self._past[id(container)] = (node_name(path), past)
        return self._past[id(container)]

    def _check(self, result: torch.Tensor, of: str) -> None:
        view = self._tensors.view(result)
        if view is None or view.value != of:
            raise _no_neuron()


def _linear_step(container: Any, x: torch.Tensor) -> torch.Tensor:
    """sub_module(W (x, y) + b) as sub_module(W_x x + W_y y + b): the spikes that come back have synapses of their own."""
    width, weight = x.shape[-1], container.rc.weight
    own = functional.linear(x, weight[:, :width], container.rc.bias)
    container.y = container.sub_module(own + functional.linear(container.y, weight[:, width:]))
    return container.y


class ReplacedStep:
    """A container whose step is another one until it is removed."""

    def __init__(self, container: Any, step: Step) -> None:
        self._container = container
        container.single_step_forward = step

    def remove(self) -> None:
        """Give the container its own step back."""
        del self._container.single_step_forward


def _no_neuron() -> CompileError:
    return CompileError(
        "import.recurrence",
        "a recurrent container hands back what is not the spikes of its last neuron",
        hint="let its sub_module end with the neuron",
    )
