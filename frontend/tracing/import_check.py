"""
Compares the imported graph with the torch module it came from: every spike of every neuron layer, at every step.

Each layer is checked by itself: the graph computes its current, and from there on the module's own spikes go in, so that one
tie that rounds differently does not spread. A spike may differ only where the membrane lies within `MEMBRANE_ULPS` units in
the last place (of the largest of threshold, current and membrane, float32) of the threshold: sums of floats depend on the
order in which a library adds. Such spikes are counted and reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons
from frontend.tracing.trace import named_outputs
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.interpreter import parameter_like
from ir.ops import Leaky, Lif, Past
from ir.ops.population import total_current

MEMBRANE_ULPS = 16
OUTPUT_TOLERANCE = 1e-5
"""Largest difference of an output value, absolute up to 1 and relative above."""


@dataclass(frozen=True)
class LayerCheck:
    """One neuron layer: spikes compared (over steps, samples, neurons), how many differ, all of them within rounding."""

    module: str
    compared: int
    within_rounding: int


@dataclass(frozen=True)
class ImportCheck:
    """The verdict on an import; made only when nothing differs beyond rounding."""

    layers: tuple[LayerCheck, ...]
    samples: int
    output_difference: float

    @property
    def compared(self) -> int:
        """Spikes compared in all layers."""
        return sum(layer.compared for layer in self.layers)

    @property
    def within_rounding(self) -> int:
        """Spikes that differ, each with its membrane within float rounding of the threshold."""
        return sum(layer.within_rounding for layer in self.layers)

    def text(self) -> str:
        """The verdict in one sentence."""
        return (
            f"{self.compared - self.within_rounding:,} of {self.compared:,} spikes in {len(self.layers)} layers equal on "
            f"{self.samples} samples, {self.within_rounding} differ within rounding of the threshold"
        )


def check_import(module: nn.Module, graph: Graph, inputs: Mapping[str, torch.Tensor]) -> ImportCheck:
    """
    Run `module` and `graph` on the same inputs and compare them.

    Args:
        module: the torch module, in eval mode.
        graph: what `trace_module` made of it.
        inputs: by name, (B, ...) where the graph's input is static, else (T, B, ...).

    Raises:
        CompileError: naming the first neuron layer or output that differs.
    """
    recorded = _Recording(module)
    with torch.no_grad():
        theirs = named_outputs(recorded.run(inputs))
        layers, outputs = _replay(graph, inputs, recorded)
    recorded.check_all_used()
    samples = next(iter(theirs.values())).shape[0 if graph.nodes[next(iter(graph.outputs.values()))].type.static else 1]
    return ImportCheck(tuple(layers), samples, _compare_outputs(graph, outputs, theirs))


class _Recording:
    """The spikes of every neuron layer of a module, in the order in which the layers ran."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._spikes: dict[str, list[torch.Tensor]] = {}

    def run(self, inputs: Mapping[str, torch.Tensor]) -> Any:
        """The module's result."""
        neurons = [(path, child) for path, child in self._module.named_modules() if neuron_rule(child) is not None]
        hooks = [child.register_forward_hook(self._keep(path)) for path, child in neurons]
        reset_neurons(self._module)
        try:
            result = self._module(**inputs)
            for path, child in neurons:
                if is_single_step(child) and path in self._spikes:
                    self._spikes[path] = [torch.stack(self._spikes[path])]
            return result
        finally:
            reset_neurons(self._module)
            for hook in hooks:
                hook.remove()

    def _keep(self, path: str) -> Any:
        def hook(_module: nn.Module, _args: Any, result: Any) -> None:
            spikes = result[0] if isinstance(result, tuple) else result  # Norse's neurons return their state, too
            self._spikes.setdefault(path, []).append(spikes)

        return hook

    def next(self, node: Node) -> torch.Tensor:
        """The spikes of the layer that `node` was traced from, shaped like the node's value."""
        waiting = self._spikes.get(node.provenance.module)
        if not waiting:
            raise CompileError(
                "import.mismatch",
                f"%{node.name} has no neuron layer in the module",
                where=node.provenance.module,
                hint="keep layers as attributes, in nn.ModuleList or nn.ModuleDict",
            )
        spikes = waiting.pop(0)
        return spikes.reshape(spikes.shape[0], -1, *node.type.shape)

    def before(self, node: Node, steps: int) -> torch.Tensor:
        """The spikes of the layer that `node` was traced from, `steps` late."""
        spikes = self._spikes[node.provenance.module][0]
        spikes = spikes.reshape(spikes.shape[0], -1, *node.type.shape)
        return torch.cat([torch.zeros_like(spikes[:steps]), spikes[:-steps]])

    def skip(self, node: Node) -> None:
        """Pass over a membrane that is a value: the layer's only result, or one beside its spikes."""
        if node.provenance.module not in self._spikes:
            self.next(node)
        self._spikes[node.provenance.module][:1] = []

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


def _replay(
    graph: Graph, inputs: Mapping[str, torch.Tensor], recorded: _Recording
) -> tuple[list[LayerCheck], dict[str, torch.Tensor]]:
    """Run the graph, the module's own spikes taken over at every neuron layer."""
    values: dict[str, torch.Tensor] = {}
    layers: list[LayerCheck] = []
    for node in graph.nodes.values():
        args = tuple(values[name] for name in node.inputs)
        params = {role: parameter_like(array, args[0]) for role, array in graph.arrays(node).items()}
        if node.op.kind == "input":
            values[node.name] = inputs[node.name][None] if node.type.static else inputs[node.name]
        elif isinstance(node.op, Past):
            values[node.name] = recorded.before(graph.nodes[node.op.of], node.op.steps)
        elif isinstance(node.op, Lif):
            spikes = recorded.next(node)
            layers.append(_check_layer(node, node.op, total_current(args, params, graph.steps), spikes, params))
            values[node.name] = spikes
        else:
            values[node.name] = node.op.run(args, params, graph.steps)
            if isinstance(node.op, Leaky):
                recorded.skip(node)  # analog: what it computes is compared at the outputs and at the next neurons
    return layers, {name: values[value] for name, value in graph.outputs.items()}


def _check_layer(
    node: Node, op: Lif, current: torch.Tensor, spikes: torch.Tensor, params: Mapping[str, torch.Tensor]
) -> LayerCheck:
    """Step one layer along the module's spikes and compare each with what the layer would fire."""
    if current.shape != spikes.shape:
        shapes = f"{tuple(current.shape)} in the graph, {tuple(spikes.shape)} in the module"
        raise CompileError("import.mismatch", f"%{node.name} differs in shape: {shapes}", where=node.provenance.module)
    state, close = op.begin(current[0], params), 0
    threshold = torch.as_tensor(op.constant("threshold", params)).to(current)
    for step, (x, fired) in enumerate(zip(current, spikes.bool(), strict=True)):
        state = op.integrate(state, x, params)
        v = state.v
        differing = op.fire(v, params) != fired
        margin = (
            MEMBRANE_ULPS * torch.finfo(v.dtype).eps * torch.stack([v.abs(), x.abs()]).amax(0).maximum(threshold.abs())
        )
        wrong = differing & ((v - threshold).abs() > margin)
        if bool(wrong.any()):
            raise CompileError(
                "import.mismatch",
                _first_difference(node, step, wrong, v, threshold),
                where=node.provenance.module,
                hint="the graph does not compute what the module computes: please report the model",
            )
        close += int(differing.sum())
        state = op.settle(state, fired, params)
    return LayerCheck(node.provenance.module, spikes.numel(), close)


def _first_difference(node: Node, step: int, wrong: torch.Tensor, v: torch.Tensor, threshold: torch.Tensor) -> str:
    place = tuple(int(n) for n in wrong.nonzero()[0])
    text = f"%{node.name} differs from the module in {int(wrong.sum())} of {wrong.numel()} spikes at step {step}"
    reached = f"membrane {float(v[place])}, threshold {float(threshold.expand(v.shape)[place])}"
    return f"{text}, first at sample {place[0]}, neuron {place[1:]}: {reached}"


def _compare_outputs(graph: Graph, ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> float:
    largest = 0.0
    for name, value in theirs.items():
        node = graph.nodes[graph.outputs[name]]
        expected = value[None] if node.type.static else value
        same_shape = ours[name].shape == expected.shape
        difference = (
            float(((ours[name] - expected).abs() / expected.abs().clamp(min=1)).max()) if same_shape else float("inf")
        )
        if not difference <= OUTPUT_TOLERANCE:
            raise CompileError(
                "import.mismatch",
                f"output {name} differs from the module by {difference:.3g}",
                where=str(node.provenance),
                hint="does the model use a batch size or numbers taken from the example?",
            )
        largest = max(largest, difference)
    return largest
