"""lava-dl's networks as deployments of integers: one population per layer, in a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from frontend.netx.chain import ChainBuilder
from frontend.netx.layers import NetLayer, in_file, read_layers
from frontend.netx.synapses import Shape
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Delay


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network that is integers from the start."""

    deployment: Deployment
    """Its chip part is at level `quantized`."""
    scale: float = 1.0
    """Real value of one integer of the output, 1 for spikes."""
    readout: str = ""
    """The population that emits the output, "" where that is spikes."""
    steps_kept: int = 0
    """Steps between layers that are kept as delays (see `network_of`)."""

    def late(self, steps: int) -> IntegerNetwork:
        """The same network, its output so many steps later; what is late beyond the inputs' last step is lost."""
        epilogue = self.deployment.epilogue
        builder = GraphBuilder(epilogue.name, epilogue.steps, epilogue.params, epilogue.dtype)
        for node in epilogue.nodes.values():
            builder.copy(node, node.inputs)
        delayed = {
            name: builder.add(Delay(steps), value, name=f"{name}_late") for name, value in epilogue.outputs.items()
        }
        return replace(self, deployment=replace(self.deployment, epilogue=builder.build(delayed)))


def read_net(path: str | Path, input_shape: Shape | None = None) -> IntegerNetwork:
    """
    The network of a `.net` file.

    Args:
        input_shape: (C,) or (C, H, W), for files without an input layer; None: what a dense layer says itself.

    Raises:
        CompileError: naming file and layer, for everything that is damaged, unknown, or not Loihi's integers.
    """
    path = Path(path)
    layers = read_layers(path)
    try:
        return network_of(layers, path.stem, input_shape)
    except CompileError as error:
        raise in_file(error, str(path)) from None


def network_of(
    layers: Sequence[NetLayer], name: str, input_shape: Shape | None = None, entry: str = "input"
) -> IntegerNetwork:
    """
    The network of layers in a chain, its input called `entry`; see `read_net`.

    SLAYER and netx take one step from layer to layer. That shifts everything behind, and only a bias, which acts from the
    first step on, can tell: up to the last layer with one the steps are kept as delays, otherwise they are left out.
    """
    if entry in (layer.name for layer in layers):
        raise CompileError(
            "netx.name", f"the input has the name of a layer, {entry}", where=name, hint="call it otherwise"
        )
    biased = [layer.place for layer in layers if layer.has("bias") and layer.whole("bias").any()]
    graph_name = name if name.isascii() and name else "network"
    chain = ChainBuilder(graph_name, last=layers[-1].place, last_biased=max(biased, default=0))
    for layer in layers:
        if not chain.value:
            chain.enter(layer, input_shape, entry)
        if layer.kind != "input":
            chain.add(layer)
        elif layer.place:
            raise layer.error("input", "an input layer comes first")
    return IntegerNetwork(chain.deployment(), chain.scale, chain.readout, chain.steps_kept)
