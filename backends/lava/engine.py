"""The engine that runs a chip graph in Lava: validation, one streamed run of all samples, and the trace."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from backends.inputs import InputCheck
from backends.lava.core.recording import Recording, lanes_of, recordings_of
from backends.lava.core.worker import HostWorker
from backends.lava.emit.blueprint import Blueprint
from backends.lava.emit.fused import fuse
from backends.lava.emit.mapped import check_map, emit_mapped
from backends.lava.emit.stock import emit_stock
from backends.lava.events import count_events
from backends.lava.hidden_ports import with_hidden_ports
from backends.lava.runtime.children import check_limits, start_by_forking
from backends.lava.runtime.safe_run import loggers_restored, processes_forgotten, safe_run
from backends.lava.runtime.shared_memory import Status
from backends.lava.timing import Timing, sample_stream, timing_of
from backends.lava.validate import check_parameters, with_input_range
from backends.trace import Array, Trace, trace_dtype
from ir.errors import CompileError
from ir.graph import Graph
from ir.mapping.core_map import UNMAPPED, CoreMap
from ir.mapping.spread_graph import SpreadGraph, spread_graph
from ir.verify import verify

if TYPE_CHECKING:
    from backends.lava.processes.network import LavaNetwork

EMISSIONS = ("fused", "stock", "mapped")
PROCESSES_OF_THE_USER = 50
"""Processes that may join an exported network without running out of files."""


class LavaEngine:
    """
    Runs a chip graph (level quantized, or level synaptic in real arithmetic) in Lava's own runtime.

    Emission `fused` (default) computes the network in one to three processes of our own model; `stock` uses the processes
    that Lava ships, one or more per population, wherever they can say it; `mapped` is one process of our own per core of a map,
    with that core's neurons and weights alone. All give the same spikes.
    """

    def __init__(
        self,
        chip: Graph,
        emission: str = "fused",
        processes: int | None = None,
        deadline_s: float = 60.0,
        lanes: int | None = None,
        cores: CoreMap = UNMAPPED,
    ) -> None:
        """
        Check that the network can run.

        Args:
            processes: forces the number of fused processes. deadline_s: how long a run may make no progress.
            lanes: at most so many samples are computed side by side (processes of our own only); by default what fits the cache.
            cores: the map, for emission `mapped`.
        """
        if emission not in EMISSIONS:
            raise CompileError("lava.emission", f"unknown emission {emission!r}", hint=f"known: {', '.join(EMISSIONS)}")
        require_lava()
        self.real = not chip.is_integer
        if self.real and emission != "fused":
            what = f"{emission} processes compute in integers"
            raise CompileError("lava.emission", what, hint="use the fused emission for real arithmetic")
        verify(chip, "synaptic" if self.real else "quantized")
        check_parameters(chip, self.real)
        self.chip, self.emission, self.processes, self.deadline_s = chip, emission, processes, deadline_s
        self.lanes, self.core_of = lanes, cores.core_of
        if emission == "mapped":
            check_map(chip, timing_of(chip, chip.steps), self.core_of)
        self.step_seconds = 0.0
        """What the steps of the last run took, without starting and ending its processes."""

    def describe(self) -> str:
        """What runs the network, in words."""
        return f"Lava, {self.emission} processes"

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """
        Run samples from zero state, see backends.trace.Engine; one Lava run streams them back to back.

        Raises:
            CompileError: an input or probe does not fit, or a Lava process failed, died or hung.
        """
        samples = InputCheck(self.chip, "lava.input").checked(inputs)
        steps, batch = next(iter(samples.values())).shape[:2]
        lanes = 1 if self.emission == "stock" else lanes_of(self.chip, batch, probes, self.lanes)
        spread = self._spread(self.chip)
        timing = _timing(self.chip, spread, steps, batch, lanes)
        recordings = recordings_of(self.chip, timing, probes, one_by_one=spread is not None)
        start_by_forking()
        with processes_forgotten():
            streams = {name: sample_stream(values, lanes) for name, values in samples.items()}
            self._execute(spread, timing, recordings, streams)
        activity = {name: record.activity for name, record in recordings.items() if record.activity is not None}
        activity |= {name: np.count_nonzero(x, axis=1).reshape(steps, -1) for name, x in samples.items()}
        outputs = {name: self._output(name, recordings["output " + name].values) for name in self.chip.outputs}
        emissions = {name: self._probed(name, recordings, samples) for name in probes}
        return Trace.of(self.chip, outputs, emissions, count_events(self.chip, activity, batch, steps))

    def network(self, spikes: Sequence[str] = (), membranes: Sequence[str] = ()) -> LavaNetwork:
        """
        The network as a Lava process, to be connected to other processes and run by them.

        Args:
            spikes: populations whose emissions get an out port, `outputs[NAME]`. membranes: those whose membranes get one,
                `outputs[NAME + ".v"]`, in the integers of the chip, or in real numbers, before the reset of a spike of the step.

        Raises:
            CompileError: there is no such population, or it has no membrane to read.
        """
        start_by_forking()
        from backends.lava.processes.network import LavaNetwork

        chip = with_hidden_ports(self.chip, spikes, membranes)
        spread = self._spread(chip)
        blueprint = self._blueprint(chip, spread, _timing(chip, spread, chip.steps), {})
        check_limits(len(blueprint.parts) + PROCESSES_OF_THE_USER)
        with loggers_restored():
            return LavaNetwork(blueprint)

    def _spread(self, chip: Graph) -> SpreadGraph | None:
        """A chip graph over the cores of the map; None for emissions without one."""
        return spread_graph(chip, self.core_of) if self.emission == "mapped" else None

    def _blueprint(
        self, chip: Graph, spread: SpreadGraph | None, timing: Timing, recordings: Mapping[str, Recording]
    ) -> Blueprint:
        if self.emission == "stock":
            return emit_stock(chip, timing, recordings)
        if spread is not None:
            return emit_mapped(spread, timing, recordings)
        return fuse(chip, timing, recordings, self.processes)

    def _execute(
        self,
        spread: SpreadGraph | None,
        timing: Timing,
        recordings: Mapping[str, Recording],
        streams: Mapping[str, Array],
    ) -> None:
        """Connect the host to the network and run until the last sample has left."""
        from backends.lava.processes.network import LavaNetwork
        from backends.lava.processes.worker_process import worker_process

        status = Status()
        largest = {} if self.real else {name: int(np.abs(x).max()) for name, x in streams.items()}
        chip = with_input_range(self.chip, largest)
        if spread is not None:
            spread = replace(spread, graph=with_input_range(spread.graph, largest))
        blueprint = self._blueprint(chip, spread, timing, recordings)
        check_limits(len(blueprint.parts) + 1)
        network = LavaNetwork(blueprint, status)
        outputs = [recordings["output " + name] for name in blueprint.outputs]
        sizes = [int(np.prod(shape)) for shape in blueprint.outputs.values()]
        host = worker_process(
            HostWorker(list(streams.values()), outputs, sizes, blueprint.dtype), blueprint.dtype, status
        )
        for k, name in enumerate(streams):
            getattr(host, f"out_{k}").reshape(blueprint.inputs[name]).connect(network.inputs[name])
        for k, name in enumerate(blueprint.outputs):
            network.outputs[name].flatten().connect(getattr(host, f"in_{k}"))
        count = next(iter(streams.values())).shape[0]
        models = {**network.models(), host: host.runs}
        self.step_seconds = safe_run(network, models, count + timing.latency, status, self.deadline_s)

    def _output(self, name: str, values: Array | None) -> Array:
        assert values is not None
        return values[0] if self.chip.nodes[self.chip.outputs[name]].type.static else values

    def _probed(self, name: str, recordings: Mapping[str, Recording], samples: Mapping[str, Array]) -> Array:
        if name in recordings:
            values = recordings[name].values
            assert values is not None
            return values
        return samples[name].astype(trace_dtype(self.chip, self.chip.nodes[name].type))


def _timing(chip: Graph, spread: SpreadGraph | None, window: int, samples: int = 0, lanes: int = 1) -> Timing:
    """The timing of a chip graph; spread over cores, that of all shares too, and of outputs that are put together from them."""
    if spread is None:
        return timing_of(chip, window, samples, lanes)
    timing = timing_of(spread.graph, window, samples, lanes)
    whole = {name: timing.depth[shares[0].name] for name, shares in spread.shares.items()}
    return replace(timing, depth={**timing.depth, **whole})


def require_lava() -> None:
    """CompileError where Lava is not installed."""
    if find_spec("lava") is None or find_spec("lava.magma") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        what = f"the loihi target needs lava-nc, which exists for Python 3.10 only (this is Python {version})"
        raise CompileError(
            "lava.missing", what, hint="use Python 3.10, or --target gpu, which computes the same integers"
        )
