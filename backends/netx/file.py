"""A chip graph as the bytes of a `.net` file, an HDF5 file with a group for every layer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import h5py
import numpy as np

from backends.netx.dense import dense_layer
from backends.netx.emitted_file import EmittedFile, Place
from backends.netx.encoder import encoder_entries, encoder_of
from backends.netx.images import image_layer, image_shape
from backends.netx.layer import Entries, NetxLayer
from backends.netx.levels import LayeredNetwork, levels_of
from backends.netx.timing import timing_of
from ir.analysis.ranges import emitted_magnitude
from ir.analysis.wiring import behind_routing
from ir.errors import CompileError, DeployError, Violation
from ir.graph import Graph
from ir.ops.integer_neuron import IntegerLeaky

NAME = "network.net"


def net_file(graph: Graph) -> EmittedFile:
    """
    The file of a chip graph at level quantized.

    Raises:
        DeployError: with everything in which netx cannot run it, layer by layer.
    """
    encoder = encoder_of(graph)
    first = [encoder.name] if encoder else [node.name for node in graph.inputs]
    try:
        levels = levels_of(graph, first)
        entry = encoder_entries(graph, encoder) if encoder else None
        layers = _layers(levels)
        timing = timing_of(layers, graph.steps, encodes=encoder is not None)
        groups = [layer.entries(kept) for layer, kept in zip(layers, timing.kept, strict=True)]
    except DeployError:
        raise
    except CompileError as error:
        raise DeployError([_violation(error.placed(graph.name))]) from None
    shape = _input_shape(levels, layers, encodes=encoder is not None)
    if entry is None and len(shape) > 1:
        entry = {"type": "input", "shape": np.array(shape)}
    content = _hdf5([*([entry] if entry else []), *_flattened(groups, layers, shape)], graph.steps)
    arguments = {**timing.arguments, **({} if encoder else _message_bits(graph))}
    read = {name for value in graph.outputs.values() for name in behind_routing(graph, value)}
    outputs = {name: _place(graph, name, place) for name, place in levels.places(len(layers)).items() if name in read}
    inputs = {name: _place(graph, name, place) for name, place in levels.places(0).items()}
    return EmittedFile(NAME, content, arguments, timing.latency, timing.back_to_back, inputs, outputs, levels.relays)


def _layers(levels: LayeredNetwork) -> list[NetxLayer]:
    """The layers, images as long as they are convolved."""
    layers, violations = list[NetxLayer](), list[Violation]()
    is_image = len(levels.members[0]) == 1
    for level in range(1, len(levels.members)):
        try:
            layer = (image_layer(levels, level) if is_image else None) or dense_layer(levels, level)
            is_image = layer.kind == "conv"
            layers.append(layer)
        except CompileError as error:
            violations.append(_violation(error))
    if violations:
        raise DeployError(violations)
    return layers


def _violation(error: CompileError) -> Violation:
    return Violation(rule=error.rule, what=error.what, where=error.where, hint=error.hint)


def _input_shape(levels: LayeredNetwork, layers: Sequence[NetxLayer], encodes: bool) -> tuple[int, ...]:
    """The shape of what the first layer reads: an image where it is convolved, or the neurons of an input layer are one."""
    shape = levels.graph.nodes[levels.members[0][0]].type.shape
    image = image_shape(shape) if encodes or layers[0].kind == "conv" else None
    return image or (levels.size(0),)


def _flattened(groups: Sequence[Entries], layers: Sequence[NetxLayer], shape: tuple[int, ...]) -> Iterator[Entries]:
    """The groups, with one that flattens between an image and a vector."""
    shapes = [shape, *(layer.shape for layer in layers)]
    for group, (before, after) in zip(groups, pairwise(shapes), strict=True):
        if len(before) > len(after):
            yield {"type": "flatten", "shape": np.array([int(np.prod(before)), 1, 1])}
        yield group


def _message_bits(graph: Graph) -> dict[str, int]:
    """The width of what the chip's inputs take, nothing where all of it are spikes."""
    largest = max(emitted_magnitude(node.type) for node in graph.inputs)
    spikes = all(node.type.domain.kind == "spike" for node in graph.inputs)
    return {} if spikes else {"input_message_bits": largest.bit_length()}


def _place(graph: Graph, name: str, place: slice) -> Place:
    voltage = isinstance(graph.nodes[name].op, IntegerLeaky)
    return Place(place.start, place.stop, "voltage" if voltage else "value")


def _hdf5(groups: Sequence[Entries], steps: int) -> bytes:
    """The groups as a file; a network with windows says their length where lava-dl does."""
    memory: Any = io.BytesIO()
    with h5py.File(memory, "w", track_order=False) as file:
        for place, group in enumerate(groups):
            _write(file.create_group(f"layer/{place}"), group)
        if steps:
            _write(file.create_group("simulation"), {"Ts": np.array(1), "tSample": np.array(steps)})
    return memory.getvalue()


def _write(group: Any, entries: Entries) -> None:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            _write(group.create_group(name), value)
        elif isinstance(value, str):
            group[name] = np.array(value, "S")
        else:
            group[name] = value.astype(np.int32) if value.dtype.kind == "i" else value
