"""What the neuron layers of a module emit in one run, to be compared with a graph's, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from frontend.names import called
from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons, spikes_of
from frontend.tracing.written.fired import FiredRecord
from frontend.user_errors import user_code
from ir.errors import CompileError
from ir.graph import Node


class SpikeRecord:
    """
    The spikes of every neuron layer of a module, in the order in which the layers ran.

    Copies are kept, and given to the module, as it may write into what its layers return and into its inputs.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._spikes: dict[str, list[torch.Tensor]] = {}
        self._taken: dict[str, torch.Tensor] = {}
        self._fired = FiredRecord(module)

    def run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The module's result; the spikes of its layers are kept, those of single steps stacked."""
        modules: list[tuple[str, nn.Module]] = list(self._module.named_modules())  # pyright: ignore
        neurons = [(path, child) for path, child in modules if _emits(child)]
        hooks: list[RemovableHandle] = [
            child.register_forward_hook(self._keeping(path), prepend=True) for path, child in neurons
        ]
        hooks += self._fired.watch()
        reset_neurons(self._module)
        try:
            with user_code("the model", type(self._module).__name__, "import.forward"), self._fired:
                result = called(self._module, {name: tensor.clone() for name, tensor in inputs.items()})
            for path, child in neurons:
                if is_single_step(child) and path in self._spikes:
                    self._spikes[path] = [torch.stack(self._spikes[path])]
            return result
        finally:
            reset_neurons(self._module)
            for hook in hooks:
                hook.remove()

    def _keeping(self, path: str) -> Any:
        """A hook that keeps the spikes of the layer at `path`."""

        def hook(_module: nn.Module, _args: Any, result: Any) -> None:
            self._spikes.setdefault(path, []).append(spikes_of(result).clone())

        return hook

    def next(self, node: Node, steps: int) -> torch.Tensor:
        """The spikes of the layer that `node` was traced from, shaped like the node's value, in a window of `steps` steps."""
        waiting = self._spikes.get(node.provenance.module)
        written = None if waiting else self._fired.spikes(node.provenance.module, steps)
        if written is not None and written.numel() % (steps * node.type.size) == 0:
            return written.reshape(steps, -1, *node.type.shape)
        if not waiting:
            raise _no_layer(node)
        spikes = self._taken[node.provenance.module] = waiting.pop(0)
        return spikes.reshape(spikes.shape[0], -1, *node.type.shape)

    def before(self, node: Node, late: int, steps: int) -> torch.Tensor:
        """The spikes of the layer that `node` was traced from, `late` steps late, in a window of `steps` steps."""
        path = node.provenance.module
        written = None if path in self._spikes else self._fired.spikes(path, steps)
        spikes = written if written is not None else self._taken[path] if path in self._taken else self._spikes[path][0]
        spikes = spikes.reshape(spikes.shape[0], -1, *node.type.shape)
        return torch.cat([torch.zeros_like(spikes[:late]), spikes[:-late]])

    def skip(self, node: Node) -> None:
        """Pass over a membrane that is a value: the layer's only result, or one beside its spikes."""
        path = node.provenance.module
        modules: dict[str, nn.Module] = dict(self._module.named_modules())  # pyright: ignore
        module = modules.get(path)
        if path not in self._spikes and (module is None or neuron_rule(module) is not None):
            raise _no_layer(node)
        self._spikes.get(path, [])[:1] = []

    def check_all_used(self) -> None:
        """Raise CompileError if the graph lacks a layer that ran."""
        lost = [path for path, waiting in self._spikes.items() if waiting]
        if lost:
            raise CompileError(
                "import.mismatch",
                f"the graph lacks the neuron layer {lost[0]}",
                where=lost[0],
                hint="an output that does not depend on a layer leaves it out; return what you need",
            )


def _no_layer(node: Node) -> CompileError:
    return CompileError(
        "import.mismatch",
        f"%{node.name} has no neuron layer in the module",
        where=node.provenance.module,
        hint="keep layers as attributes, in nn.ModuleList or nn.ModuleDict",
    )


def _emits(module: nn.Module) -> bool:
    """Whether a module is a neuron, not something else that is imported whole."""
    rule = neuron_rule(module)
    return rule is not None and rule(module).family == "neuron"
