"""Files run by lava-dl's own loader in Lava, and what the interpreter says of the same inputs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backends.netx.emitted_file import EmittedFile
from ir.graph import Array, Graph
from ir.interpreter import interpret


def samples(graph: Graph, count: int, steps: int, seed: int = 0) -> dict[str, Array]:
    """Random inputs (T, B, *shape)."""
    rng, arrays = np.random.default_rng(seed), dict[str, Array]()
    for node in graph.inputs:
        shape = (graph.steps or steps, count, *node.type.shape)
        spikes = node.type.domain.kind == "spike"
        arrays[node.name] = rng.integers(0, 2, shape) if spikes else rng.integers(-3, 4, shape)
    return arrays


def flat(values: Mapping[str, Array], names: Mapping[str, Any]) -> Array:
    """Values (T, B, *shape) one after another, (T, B, elements)."""
    return np.concatenate([values[name].reshape(*values[name].shape[:2], -1) for name in names], axis=2)


def expected(graph: Graph, inputs: Mapping[str, Array], file: EmittedFile) -> Array:
    """What the interpreter says of the populations that a file puts out, (T, B, elements)."""
    values = {graph.outputs[name]: value for name, value in interpret(graph, inputs).items()}
    return flat(values, file.outputs)


def run_netx(path: Path, file: EmittedFile, stream: Array) -> Array:
    """Inputs step after step (S, elements) through `netx.hdf5.Network` -> its outputs (S + latency, elements)."""
    from lava.proc.io.source import RingBuffer as Source

    network = loaded(path, file)
    steps = len(stream) + file.latency
    late = np.concatenate([stream, np.zeros((file.latency, stream.shape[1]), stream.dtype)])
    data = late.T.reshape(*reversed(network.inp.shape), steps)  # (C, H, W, S)
    source = Source(data=data.transpose(*range(data.ndim - 2, -1, -1), data.ndim - 1).astype(np.int32))
    source.s_out.connect(network.inp)
    return outputs_of(network, steps)


def loaded(path: Path, file: EmittedFile) -> Any:
    """lava-dl's network of a file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lava.lib.dl.netx import hdf5

    path.write_bytes(file.content)
    return hdf5.Network(str(path), **file.arguments)


def outputs_of(network: Any, steps: int) -> Array:
    """What a network emits in so many steps, (S, elements)."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.sink import RingBuffer as Sink

    sink = Sink(shape=network.out.shape, buffer=steps)
    network.out.connect(sink.a_in)
    try:
        network.run(RunSteps(steps), Loihi2SimCfg(select_tag="fixed_pt"))
        emitted = sink.data.get().astype(np.int64)
    finally:
        network.stop()
        network.net_config.f.close()
    return emitted.transpose(*range(emitted.ndim - 2, -1, -1), emitted.ndim - 1).reshape(-1, steps).T
