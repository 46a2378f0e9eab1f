"""Small chip networks that contain everything a lowered network can, and ways to run them."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from backends.lava.core.recording import Recording
from backends.lava.core.worker import HostWorker
from backends.lava.emit.fused import fuse
from backends.lava.events import count_events, counted_as_one, delayed_sources
from backends.lava.timing import sample_stream, timing_of
from ir.analysis.fan_in import populations
from ir.graph import GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    Add,
    Burst,
    Concat,
    Conv,
    Expand,
    Gate,
    Graded,
    Input,
    Lif,
    Linear,
    Permute,
    Reshape,
    Slice,
    Sum,
    Synapse,
)
from ir.ops.integer_neuron import IntegerLif
from tests.backends.wiring_oracle import populations_behind

TIME_LIMIT_S = 600
"""Far more than any test takes on a busy machine."""
N, D = 3, 4


@pytest.fixture(autouse=True)
def _time_limit():
    """Fail a test that hangs, whatever it hangs in."""

    def expire(number, frame):
        raise TimeoutError(f"the test ran longer than {TIME_LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(TIME_LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@dataclass
class Sketch:
    """A network under construction: spike populations of shape (N, D) to build on, and what has been built."""

    rng: np.random.Generator
    builder: GraphBuilder
    real: bool = False
    spikes: list[str] = field(default_factory=list)

    def pick(self):
        return self.spikes[self.rng.integers(len(self.spikes))]

    def weight(self, rows, columns, low=-40, high=60):
        values = self.rng.integers(low, high, (rows, columns))
        return (
            self.builder.param("w", values.astype(np.float32) / 64)
            if self.real
            else (self.builder.param("w", values.astype(np.int8)))
        )

    def linear(self, source, rows=D, low=-40, high=60):
        return self.builder.add(Linear(), source, name="lin", params={"weight": self.weight(rows, D, low, high)})

    def bias(self, shape):
        values = self.rng.integers(-900, 900, shape)
        return self.builder.param("b", values.astype(np.float32) / 4096 if self.real else values.astype(np.int32))

    def neuron(self, *currents, biased=None):
        op = self._real_neuron() if self.real else self._integer_neuron()
        biased = self.rng.random() < 0.5 if biased is None else biased
        shape = self.builder.type(currents[0]).shape
        params = {"bias": self.bias((shape[-1],))} if biased else {}
        return self.builder.add(op, *currents, name="pop", params=params)

    def _integer_neuron(self):
        du = int(self.rng.choice([4095, 4095, 4095, 1000, -1]))
        return IntegerLif(du, int(self.rng.choice([0, 2048, 4096, 333])), int(self.rng.integers(1, 40)), 6, 12, 24)

    def _real_neuron(self):
        form = str(self.rng.choice(["euler", "sum"]))
        decay = float(self.rng.choice([0.5, 1.0, 0.3]))
        return Lif(
            decay,
            form=form,
            threshold=float(self.rng.choice([0.25, 0.5])),
            comparator=str(self.rng.choice([">", ">="])),
        )

    def count_neuron(self, at_least, micro=0):
        """A memoryless neuron that fires when at least so many unit spikes arrive."""
        if self.real:
            return Lif(1.0, form="sum", threshold=float(at_least), micro=micro)
        return IntegerLif(4095, 4096, at_least - 1, 6, 12, 24, micro=micro)

    def spike_projection(self, source, weight=1):
        return self.builder.add(Synapse(weight), source, name="syn")


def plain(s):
    s.spikes.append(s.neuron(s.linear(s.pick())))


def residual(s):
    """The sum of two populations, of different depths, through the same weights."""
    weight = s.weight(D, D)
    currents = [
        s.builder.add(Linear(), source, name="res", params={"weight": weight}) for source in (s.spikes[0], s.spikes[-1])
    ]
    s.spikes.append(s.neuron(*currents))


def twice(s):
    """One projection that feeds two populations, at different depths."""
    shared = s.linear(s.spikes[0])
    s.spikes.append(s.neuron(shared))
    s.spikes.append(s.neuron(s.linear(s.spikes[-1]), shared))


def both(s):
    a, b = (s.spike_projection(s.pick()) for _ in range(2))
    s.spikes.append(s.builder.add(s.count_neuron(2), a, b, name="and"))


def masked(s):
    """Any token -> one vector, expanded over the tokens, AND a population."""
    some = s.builder.add(Sum((0,)), s.pick(), name="sum")
    any_ = s.builder.add(s.count_neuron(1), some, name="any")
    wide = s.spike_projection(s.builder.add(Expand((N, D)), any_, name="wide"))
    s.spikes.append(s.builder.add(s.count_neuron(2), wide, s.spike_projection(s.pick()), name="mask"))


def cut_and_joined(s):
    """Routing in front of the synapses and behind them."""
    b, first, second = s.builder, s.spikes[0], s.spikes[-1]
    joined = b.add(Concat(0), first, second, name="cat")
    moved = b.add(Permute((1, 0)), b.add(Slice(0, 1, 1 + N), joined, name="cut"), name="turn")
    current = s.linear(b.add(Permute((1, 0)), moved, name="back"), rows=2 * D)
    halves = [b.add(Slice(1, k * D, (k + 1) * D), current, name="half") for k in range(2)]
    s.spikes.append(s.neuron(halves[0]))
    s.spikes.append(s.neuron(b.add(Reshape((N, D)), b.add(Reshape((D, N)), halves[1], name="flat"), name="again")))


def payload(s):
    """Graded payloads, and gates that spikes open, back into a spiking population."""
    bits = 24 if s.real else 12
    bias = {"bias": s.bias((D,))} if s.rng.random() < 0.5 else {}
    graded = s.builder.add(
        Graded(bits, 0 if s.real else int(s.rng.integers(0, 3))), s.linear(s.pick()), name="graded", params=bias
    )
    opened = s.builder.add(
        Gate(bits, enables=1), s.linear(s.pick()), s.spike_projection(s.pick()), name="gate", params=bias
    )
    s.spikes.append(s.neuron(s.linear(graded, low=-3, high=4), s.linear(opened, low=-3, high=4)))


def scores(s):
    """Order A: AND of queries and keys, integer scores, gates by values."""
    b, pairs = s.builder, (N, N, D)
    q = b.add(Expand(pairs), b.add(Reshape((N, 1, D)), s.pick(), name="q"), name="qs")
    k = b.add(Expand(pairs), b.add(Reshape((1, N, D)), s.pick(), name="k"), name="ks")
    v = b.add(Expand(pairs), b.add(Reshape((1, N, D)), s.pick(), name="v"), name="vs")
    met = b.add(s.count_neuron(2), s.spike_projection(q), s.spike_projection(k), name="met")
    score = b.add(Graded(8), b.add(Sum((2,)), met, name="score"), name="scores")
    payload_ = b.add(Synapse(1), b.add(Expand(pairs), score, name="wide"), name="pay")
    gated = b.add(Gate(8), payload_, s.spike_projection(v), name="gated")
    summed = b.add(Reshape((N, D)), b.add(Sum((1,), 0.125 if s.real else 9), gated, name="mixed"), name="attended")
    s.spikes.append(s.neuron(summed))


def coded_in_time(s):
    """A count as a burst of unit spikes over micro-steps, ANDed and summed again."""
    b, micro = s.builder, D
    count = b.add(Sum((1,)), s.pick(), name="count")
    burst = b.add(Burst(micro), count, name="burst")
    wide = b.add(Expand((micro, N, D)), burst, name="wide")
    gate = b.add(Expand((micro, N, D)), b.add(Reshape((1, N, D)), s.pick(), name="one"), name="gates")
    syn = [b.add(Synapse(1, micro), value, name="unit") for value in (wide, gate)]
    met = b.add(s.count_neuron(2, micro), *syn, name="met")
    back = b.add(Sum((0,), 0.25 if s.real else 13, micro), met, name="total")
    s.spikes.append(s.neuron(b.add(Reshape((N, D)), back, name="squeezed")))


def convolved(s):
    """Two dimensions of one channel each, strided, padded, dilated, in groups."""
    b = s.builder
    image = b.add(Concat(0), *(b.add(Reshape((1, N, D)), s.pick(), name="image") for _ in range(2)), name="channels")
    values = s.rng.integers(-40, 60, (4, 1, 2, 3))
    weight = b.param("k", values.astype(np.float32) / 64 if s.real else values.astype(np.int8))
    maps = b.add(Conv((1, 2), (1, 2), (2, 1), 2), image, name="conv", params={"weight": weight})
    out = b.type(maps).shape
    pop = s.neuron(maps, biased=False)
    flat = b.add(Reshape((1, int(np.prod(out)))), pop, name="flat")
    weight = s.rng.integers(-40, 60, (N * D, int(np.prod(out))))
    weight = b.param("w", weight.astype(np.float32) / 64 if s.real else weight.astype(np.int8))
    s.spikes.append(
        s.neuron(b.add(Reshape((N, D)), b.add(Linear(), flat, name="lin", params={"weight": weight}), name="map"))
    )


MOTIFS = (plain, residual, twice, both, masked, cut_and_joined, payload, scores, coded_in_time, convolved)


def build_network(seed, motifs=None, real=False):
    """A network of random motifs (or the given ones) with two spiking inputs and a payload; and inputs for it."""
    rng = np.random.default_rng(seed)
    s = Sketch(rng, GraphBuilder(f"random{seed}", int(rng.integers(1, 5))), real)
    for name in ("first", "second"):
        s.spikes.append(s.builder.add(Input(f"spike[{N}x{D}]"), name=name))
    amount = s.builder.add(Input(f"graded<24>[{N}x{D}]"), name="amount")
    s.spikes.append(s.neuron(s.linear(amount, low=-4, high=9)))
    for motif in motifs or rng.choice(len(MOTIFS), 4):
        (MOTIFS[motif] if not callable(motif) else motif)(s)
    outputs = {
        "last": s.spikes[-1],
        "early": s.spikes[2],
        "sum": s.builder.add(Add(), s.spikes[-1], s.spikes[2], name="sum"),
    }
    outputs["turned"] = s.builder.add(Permute((1, 0)), s.spikes[-1], name="turned")
    graph = s.builder.build(outputs)
    return graph, draw_inputs(graph, rng, real)


def draw_inputs(graph, rng, real):
    steps, batch = graph.steps, int(rng.integers(1, 6))
    inputs = {name: (rng.random((steps, batch, N, D)) < 0.4).astype(np.int64) for name in ("first", "second")}
    inputs["amount"] = rng.integers(-20, 30, (steps, batch, N, D))
    if real:
        inputs = {name: (x / 8 if name == "amount" else x).astype(np.float32) for name, x in inputs.items()}
    return inputs


def brute_force_events(graph, values):
    """Spikes and synaptic events counted by definition: every synapse of every active element."""
    spikes, synaptic = {}, {}
    for node in graph.nodes.values():
        if node.op.family in ("neuron", "input"):
            spikes[node.name] = int((values[node.name] != 0).sum())
        if node.op.family == "projection":
            ones = {role: np.ones_like(array, dtype=np.float64) for role, array in graph.arrays(node).items()}
            op = type(node.op)(
                **{**node.op.attributes(), **({"weight": 1} if "weight" in node.op.attributes() else {})}
            )
            active = (values[node.inputs[0]] != 0).astype(np.float64)
            arrived = round(float(np.asarray(op.run((active,), ones, graph.steps)).sum()))
            synaptic[node.name] = arrived * populations_behind(graph, node.name)
    return spikes, synaptic


@pytest.fixture(scope="session")
def streaming_network():
    """Two populations that leak over a long stream, and a shortcut past the first."""
    b, rng = GraphBuilder("stream", 0), np.random.default_rng(5)
    x = b.add(Input("spike[6]"), name="x")
    weight = [b.param(f"w{k}", rng.integers(-50, 70, (6, 6)).astype(np.int8)) for k in range(3)]
    bias = b.param("bias", rng.integers(-300, 900, (6,)).astype(np.int32))
    linear = lambda source, k: b.add(Linear(), source, name=f"l{k}", params={"weight": weight[k]})
    first = b.add(IntegerLif(400, 300, 90, 6, 12, 24), linear(x, 0), name="first", params={"bias": bias})
    second = b.add(
        IntegerLif(4095, 100, 80, 6, 12, 24), linear(first, 1), linear(x, 2), name="second", params={"bias": bias}
    )
    return b.build({"y": second})


@pytest.fixture(scope="session")
def network():
    return build_network


@pytest.fixture(scope="session")
def expected():
    """Graph and inputs -> (outputs, value of every population and input, events by brute force)."""

    def run(graph, inputs):
        values = {}
        outputs = interpret(graph, inputs, lambda node, value: values.__setitem__(node.name, value))
        return outputs, values, brute_force_events(graph, values)

    return run


@pytest.fixture(scope="session")
def motifs():
    return MOTIFS


def drive(blueprint, host, steps):
    """Run the workers of a blueprint made of cores, without Lava: {part: worker} stepped in turn, messages handed over."""
    workers = {"": host, **{name: part.worker for name, part in blueprint.parts.items()}}
    sources = {end: start for start, end in blueprint.wires}
    for _ in range(steps):
        sent = {}
        for name, worker in workers.items():
            for k, message in enumerate(worker.step()):
                sent[name, f"out_{k}" if name else list(blueprint.inputs)[k]] = message.astype(blueprint.dtype)
        for name, worker in workers.items():
            ports = list(blueprint.outputs) if not name else [f"in_{k}" for k in range(len(worker.receives))]
            worker.take([sent[sources[name, port]] for port in ports])


@pytest.fixture(scope="session")
def in_process():
    """
    The fused emission stepped in this process: output and population values (T, B, *shape), event counts in `counted`.

    Not `all_elements`: what the counts do not need of single elements is not recorded, and may not be materialised.
    """

    def run(graph, inputs, processes, counted=None, lanes=1, all_elements=True):
        steps, batch = next(iter(inputs.values())).shape[:2]
        timing, late = timing_of(graph, steps, batch, lanes), delayed_sources(graph)
        recordings = {}
        for node in populations(graph):
            recordings[node.name] = _recording(node.type, timing.depth[node.name], timing.windows)
            rows = steps if node.name in late else 1
            recordings[node.name] = replace(recordings[node.name], activity=np.zeros((rows, node.type.size), np.int64))
            if not all_elements and node.name in counted_as_one(graph):
                recordings[node.name] = replace(recordings[node.name], values=None, activity=np.zeros((1, 1), np.int64))
        kinds = {name: graph.nodes[value].type for name, value in graph.outputs.items()}
        outputs = {name: _recording(kind, timing.outputs[name], timing.windows) for name, kind in kinds.items()}
        blueprint = fuse(graph, timing, recordings, processes)
        sizes = [lanes * int(np.prod(recording.shape)) for recording in outputs.values()]
        streams = [sample_stream(inputs[node.name], lanes) for node in graph.inputs]
        drive(
            blueprint,
            HostWorker(streams, list(outputs.values()), sizes, blueprint.dtype),
            timing.windows.total + timing.latency,
        )
        if counted is not None:
            activity = {name: recording.activity for name, recording in recordings.items()}
            activity |= {name: np.count_nonzero(x, axis=1).reshape(steps, -1) for name, x in inputs.items()}
            counted.append(count_events(graph, activity, batch, steps))
        return {
            name: recording.values
            for name, recording in {**recordings, **outputs}.items()
            if recording.values is not None
        }

    return run


def _recording(kind, first, windows):
    return Recording(kind.shape, first, windows, np.zeros((windows.steps, windows.samples, *kind.shape), np.float64))


@pytest.fixture(scope="session")
def between_ring_buffers():
    """What README shows: source -> network -> sink, and the recorded (elements..., steps) per output."""

    def run(engine, streams, wanted, steps, **ports):
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.core.run_configs import Loihi2SimCfg
        from lava.proc.io.sink import RingBuffer as Sink
        from lava.proc.io.source import RingBuffer as Source

        network = engine.network(**ports)
        for name, stream in streams.items():
            Source(data=stream).s_out.connect(network.inputs[name])
        sinks = {name: Sink(shape=network.outputs[name].shape, buffer=steps) for name in wanted}
        for name, sink in sinks.items():
            network.outputs[name].connect(sink.a_in)
        network.run(RunSteps(steps), Loihi2SimCfg(select_tag="fixed_pt"))
        try:
            return {name: sink.data.get() for name, sink in sinks.items()}, network.latency
        finally:
            network.stop()

    return run
