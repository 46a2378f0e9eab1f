"""A run on the device never waits for it: nothing is read back, nothing uploaded, once a shape has been seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from backends.reference.cuda import products
from backends.reference.cuda.kernels import CudaKernels
from backends.reference.kernels.device_kernels import device_fan_out
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.network import DeviceNetwork
from ir.graph import GraphBuilder
from ir.ops import Conv, Graded, Input, Linear
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif
from ir.ops.over_time.delay import Delay, Past

MOTIFS = ("plain", "residual", "shared", "comb", "attention", "time_coded", "analog_gate", "convolution")
NETWORKS = 4
READS = {
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "equal",
    "is_nonzero",
    "_unique2",
    "unique_dim",
    "nonzero_static",
}
"""Operations that make the host wait for a value, or for a size that depends on one."""
UPLOADS = {"lift_fresh", "lift_fresh_copy", "lift"}
"""Tensors made of numbers of the host: on a GPU, a copy that waits."""


class Waiting(TorchDispatchMode):
    """Refuses what would wait on a GPU."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in READS | UPLOADS:
            raise AssertionError(f"{name} waits for the device")
        if name in ("index", "index_put", "index_put_"):
            assert all(i is None or i.dtype not in (torch.bool, torch.uint8) for i in args[1]), "a mask as an index"
        return func(*args, **(kwargs or {}))


def wide():
    """What no bound proves to fit float32, a neuron that remembers its current, delays, a convolution."""
    rng = np.random.default_rng(0)
    b = GraphBuilder("wide", 4)
    x, z = b.add(Input("graded<21>[3x16]"), name="x"), b.add(Input("spike[2x6x5]"), name="z")
    current = b.add(
        Linear(), x, name="l", params={"weight": b.param("w", rng.integers(-128, 128, (16, 16)).astype(np.int8))}
    )
    kernel = b.param("w", rng.integers(-60, 60, (4, 2, 3, 3)).astype(np.int8))
    images = b.add(Conv((1, 1), (1, 1), (1, 1)), z, name="c", params={"weight": kernel})
    fired = b.add(IntegerLif(4095, 2048, 90, 6, 12, 24), images, name="fired")
    late = b.add(Delay(1), fired, name="late")
    graph = b.build(
        {
            "spikes": b.add(IntegerLif(4095, 2048, 90, 6, 12, 24), current, name="spikes"),
            "slow": b.add(IntegerLif(1000, 333, 90, 6, 12, 24), current, name="slow"),
            "leaky": b.add(IntegerLeaky(1000, 333, 6, 12, 24, 24), current, name="leaky"),
            "payload": b.add(Graded(40), current, name="payload"),
            "again": b.add(
                Graded(8),
                b.add(
                    Conv((1, 1), (0, 0), (1, 1)),
                    late,
                    name="d",
                    params={"weight": b.param("w", rng.integers(-9, 9, (3, 4, 2, 2)).astype(np.int8))},
                ),
                name="again",
            ),
        }
    )
    return graph, {"x": rng.integers(-99, 99, (4, 3, 3, 16)), "z": (rng.random((4, 3, 2, 6, 5)) < 0.4).astype(np.uint8)}


def looped():
    """A population that excites itself two steps later, and delays of every element's own."""
    rng = np.random.default_rng(1)
    b = GraphBuilder("looped", 5)
    x = b.add(Input("spike[6]"), name="x")
    delays = b.param("steps", np.arange(6))
    late = b.add(Delay(), x, name="late", params={"steps": delays})
    weight = b.param("w", rng.integers(-40, 90, (6, 6)).astype(np.int8))
    back = b.add(Past("fires", "spike[6]", 2), name="back")
    lines = [b.add(Linear(), value, name="l", params={"weight": weight}) for value in (late, back)]
    return b.build({"fires": b.add(IntegerLif(1000, 333, 20, 6, 12, 24), *lines, name="fires")}), {
        "x": (rng.random((5, 4, 6)) < 0.5).astype(np.uint8)
    }


def all_networks(network):
    yield wide()
    yield looped()
    for integer in (True, False):
        yield network(5, *MOTIFS, integer=integer, steps=3, samples=4)


@pytest.fixture(autouse=True)
def without_a_look(strict, monkeypatch):
    """The stand-in for the product of bytes, less its own look at the values."""
    monkeypatch.setattr(products, "_INT_MM", lambda a, b: (a.double() @ b.double()).to(torch.int32))


def prepared(graph, device):
    populations = tuple(node.name for node in graph.nodes.values() if node.op.family == "neuron")
    return [
        DeviceNetwork(plan_of(graph, frozenset(probes)), device, CudaKernels(device, True, True, None), probes)
        for probes in ((), populations)
    ]


def run(one, fed):
    counter = one.counter()
    one.compute(fed, counter)
    return (*counter.spikes.values(), *counter.synaptic.values())


@pytest.mark.parametrize("place", range(NETWORKS))
def test_nothing_waits(place, network):
    graph, inputs = list(all_networks(network))[place]
    for one in prepared(graph, torch.device("cpu")):
        fed = {name: torch.from_numpy(x).to(one.input_dtype(name)) for name, x in inputs.items()}
        with torch.no_grad():  # torch 2.3 cannot look into its inference mode
            run(one, fed)
            with Waiting():
                counts = run(one, fed)
        assert counts


def test_what_waits_is_noticed():
    x = torch.arange(3)
    for wait in (
        lambda: int(x.sum()),
        lambda: x[x > 1],
        lambda: bool((x > 0).all()),
        lambda: x + torch.tensor([1, 2, 3]),
    ):
        with pytest.raises(AssertionError), Waiting():
            wait()


@pytest.mark.parametrize("level", ["integer", "float32", "float64"])
@pytest.mark.parametrize("seed", range(12))
def test_networks_that_wait_say_so(level, seed, loops):
    """They are not captured; all others are, loops too."""
    graph = loops.closed(seed, level)
    one = prepared(graph, torch.device("cpu"))[0]
    fed = {name: torch.from_numpy(x).to(one.input_dtype(name)) for name, x in loops.inputs(graph, seed).items()}
    waited = False
    with torch.no_grad():
        run(one, fed)
        try:
            with Waiting():
                run(one, fed)
        except AssertionError:
            waited = True
    assert one.waits == waited


@pytest.mark.parametrize("place", [0, 2, 3])  # the other one reads its delays while it is prepared
def test_every_tensor_is_on_the_device(place, network, monkeypatch):
    """On made-up CUDA tensors, which refuse to meet the processor's, and have no values to look at."""
    fake = pytest.importorskip("torch._subclasses.fake_tensor")
    device_fan_out.cache_clear()  # made-up tensors of one test are none of another's
    device = torch.device("cuda")
    graph, inputs = list(all_networks(network))[place]
    try:
        with fake.FakeTensorMode(), torch.inference_mode():
            for one in prepared(graph, device):
                fed = {
                    name: torch.empty(x.shape, dtype=one.input_dtype(name), device=device) for name, x in inputs.items()
                }
                counts = [count for count in run(one, fed) if isinstance(count, torch.Tensor)]
                assert counts
                assert all(count.device.type == "cuda" for count in counts)
    except RuntimeError as error:
        if "driver" not in str(error):
            raise
        pytest.skip("this torch makes up no CUDA tensors where there is no driver")
    finally:
        device_fan_out.cache_clear()
