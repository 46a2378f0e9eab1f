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

import torch
from torch import nn

from frontend.ordinary_tensors import ordinary_tensors
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.tracing.outputs import named_outputs
from frontend.tracing.spike_record import SpikeRecord
from frontend.tracing.written.fired import UNKNOWN
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.interpreter import parameter_like
from ir.ops import Lif, Past
from ir.ops.base import own_window
from ir.ops.population import total_current

MEMBRANE_ULPS = 16
OUTPUT_TOLERANCE = 1e-5
"""Largest difference of an output value, absolute up to 1 and relative above."""


@dataclass(frozen=True)
class LayerCheck:
    """One neuron layer."""

    module: str
    """Its path in the model."""
    compared: int
    """Spikes compared, over steps, samples and neurons."""
    within_rounding: int
    """How many of them differ, each with its membrane within float rounding of the threshold."""


@dataclass(frozen=True)
class ImportCheck:
    """The verdict on an import; there is one only where nothing differs beyond rounding."""

    layers: tuple[LayerCheck, ...]
    samples: int
    """Samples of the batch that was compared."""
    output_difference: float
    """The largest difference of an output value, absolute up to 1 and relative above."""

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


@ordinary_tensors()
def check_import(
    module: nn.Module, graph: Graph, inputs: Mapping[str, torch.Tensor], order: AxisOrder = TIME_FIRST
) -> ImportCheck:
    """
    Run `module` and `graph` on the same inputs and compare them.

    Args:
        module: the torch module, in eval mode.
        graph: what `trace_module` made of it.
        inputs: by name, as the module takes them: (B, ...) where the graph's input is static, else (T, B, ...) or (B, T, ...).
        order: of the module's inputs and outputs.

    Raises:
        CompileError: naming the first neuron layer or output that differs, or holds NaN or infinite values in the module.
    """
    record = SpikeRecord(module)
    with torch.no_grad():
        results = named_outputs(record.run(inputs))
        static = [node.name for node in graph.inputs if node.type.static]
        layers, outputs = _replay(graph, order.inputs(inputs, static), record)
    record.check_all_used()
    theirs = {name: order.output(name, results[name]) for name in graph.outputs}
    first = next(iter(graph.outputs))
    samples = theirs[first].shape[0 if graph.nodes[graph.outputs[first]].type.static else 1]
    return ImportCheck(tuple(layers), samples, _compare_outputs(graph, outputs, theirs))


def _replay(
    graph: Graph, inputs: Mapping[str, torch.Tensor], record: SpikeRecord
) -> tuple[list[LayerCheck], dict[str, torch.Tensor]]:
    """Run the graph, the module's own spikes taken over at every neuron layer."""
    values: dict[str, torch.Tensor] = {}
    layers: list[LayerCheck] = []
    firing = {node.provenance.module for node in graph.nodes.values() if isinstance(node.op, Lif)}
    for node in graph.nodes.values():
        args = tuple(values[name] for name in node.inputs)
        steps = own_window([node.type, *graph.args(node)]) or graph.steps
        params = {role: parameter_like(array, args[0]) for role, array in graph.arrays(node).items()}
        if node.op.kind == "input":
            values[node.name] = inputs[node.name][None] if node.type.static else inputs[node.name]
        elif isinstance(node.op, Past):
            values[node.name] = record.before(graph.nodes[node.op.of], node.op.steps, steps)
        elif isinstance(node.op, Lif):
            spikes = record.next(node, steps)
            if bool((spikes == UNKNOWN).any()):  # it remembers nothing
                spikes = torch.where(spikes == UNKNOWN, node.op.run(args, params, steps), spikes)
            layers.append(_check_layer(node, node.op, total_current(args, params, steps), spikes, params))
            values[node.name] = spikes
        else:
            values[node.name] = node.op.run(args, params, steps)
            if node.op.family == "neuron" and node.provenance.module not in firing:
                record.skip(node)  # analog: what it computes is compared at the outputs and at the next neurons
    return layers, {name: values[value] for name, value in graph.outputs.items()}


def _check_layer(
    node: Node, op: Lif, current: torch.Tensor, spikes: torch.Tensor, params: Mapping[str, torch.Tensor]
) -> LayerCheck:
    """Step one layer along the module's spikes and compare each with what the layer would fire."""
    if current.shape != spikes.shape:
        shapes = f"{tuple(current.shape)} in the graph, {tuple(spikes.shape)} in the module"
        raise CompileError("import.mismatch", f"%{node.name} differs in shape: {shapes}", where=node.provenance.module)
    _require_finite(f"the current of %{node.name}", current, node.provenance.module)
    state, close = op.begin(current[0], params), 0
    for step, (x, fired) in enumerate(zip(current, spikes.bool() if op.max_spikes == 1 else spikes, strict=True)):
        state = op.integrate(state, x, params)
        differing = op.fires(state, params) != fired
        if bool(differing.any()):
            level = torch.as_tensor(op.level(state, params)).to(current)
            _require_close(node, op, step, differing, state.v, x, level)
            close += int(differing.sum())
        state = op.settle(state, fired, params)
    return LayerCheck(node.provenance.module, spikes.numel(), close)


def _require_close(
    node: Node, op: Lif, step: int, differing: torch.Tensor, v: torch.Tensor, x: torch.Tensor, threshold: torch.Tensor
) -> None:
    """CompileError where a spike differs and its membrane is farther from the threshold than rounding goes."""
    margin = MEMBRANE_ULPS * torch.finfo(v.dtype).eps * v.abs().maximum(x.abs()).maximum(threshold.abs())
    wrong = differing & (_distance(op, v, threshold) > margin)
    if bool(wrong.any()):
        raise CompileError(
            "import.mismatch",
            _first_difference(node, step, wrong, v, threshold),
            where=node.provenance.module,
            hint="the graph does not compute what the module computes: please report the model",
        )


def _require_finite(what: str, values: torch.Tensor, where: str) -> None:
    """CompileError where a value of the module is no number."""
    if bool(values.sum().isfinite()):  # one pass; a sum may be infinite where its terms are not
        return
    wrong = int((~torch.isfinite(values)).sum())
    if wrong:
        text = f"{what} is NaN or infinite in {wrong:,} of {values.numel():,} values: the module itself computes that"
        raise CompileError(
            "import.finite", text, where=where, hint="look at its inputs, and at logs and quotients in it"
        )


def _distance(op: Lif, v: torch.Tensor, threshold: torch.Tensor) -> torch.Tensor:
    """How far a membrane lies from where the number of spikes changes."""
    if op.max_spikes == 1 and op.comparator != "round":
        return (v - threshold).abs()
    parts = v / threshold + (0.5 if op.comparator == "round" else 0.0)
    return (parts - parts.round()).abs() * threshold


def _first_difference(node: Node, step: int, wrong: torch.Tensor, v: torch.Tensor, threshold: torch.Tensor) -> str:
    place = tuple(int(n) for n in wrong.nonzero()[0])
    text = f"%{node.name} differs from the module in {int(wrong.sum())} of {wrong.numel()} spikes at step {step}"
    reached = f"membrane {float(v[place])}, threshold {float(threshold.expand(v.shape)[place])}"
    return f"{text}, first at sample {place[0]}, neuron {place[1:]}: {reached}"


def _compare_outputs(graph: Graph, ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]) -> float:
    """The largest difference of the outputs, absolute up to 1 and relative above; CompileError beyond `OUTPUT_TOLERANCE`."""
    largest = 0.0
    for name, value in theirs.items():
        node = graph.nodes[graph.outputs[name]]
        _require_finite(f"output {name}", value, str(node.provenance))
        expected = (value[None] if node.type.static else value).to(ours[name].dtype)
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
