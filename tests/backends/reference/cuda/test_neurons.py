"""The Triton kernels, interpreted on the CPU, are the operations' definitions, alone and in whole networks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from importlib import import_module, metadata
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.reference.cuda.neurons import TILE, WIDTH, FusedPayloads, FusedSpikes, FusedWrappingSpikes
from backends.reference.cuda.self_test import holds, neurons_are_exact
from backends.reference.engine import ReferenceEngine
from backends.reference.kernels.torch_neurons import keeps_power_of_two
from backends.reference.kernels.values import OwnNumbers
from ir.ops import Gate, Graded
from ir.ops.integer_neuron import IntegerLif

INTERPRETING = os.environ.get("TRITON_INTERPRET") == "1"
CPU = torch.device("cpu")
QUIET = [HealthCheck.function_scoped_fixture]
interpreted = pytest.mark.skipif(
    not INTERPRETING, reason="runs in a process of its own, see test_in_a_process_of_its_own"
)


def triton_version() -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in metadata.version("triton").split(".")[:2])
    except metadata.PackageNotFoundError:
        return ()


@pytest.mark.skipif(INTERPRETING, reason="this is that process")
@pytest.mark.skipif(triton_version() < (3,), reason="no Triton from 3.0 on: earlier ones interpret no float64")
def test_in_a_process_of_its_own():
    """Triton decides when it is imported whether it interprets."""
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="module")
def kernels():
    return import_module("backends.reference.cuda.triton_neurons")


@st.composite
def cases(draw):
    """(op, shape, biases and thresholds, number type, scale, currents): rows and columns below, at and above a tile's."""
    op = IntegerLif(
        4095, draw(st.sampled_from([0, 333, 2048, 4095, 4096])), draw(st.sampled_from([0, 8, 200])), 6, 12, 24
    )
    shape = draw(st.sampled_from([(5,), (3, 4), (2, 3, 2), (1,), (WIDTH + 44,), (2, TILE // 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    shapes = st.sampled_from([None, (), (1,), shape[-1:], shape])
    drawn = {"bias": (draw(shapes), -900, 900), "vth": (draw(shapes), 0, 20)}
    own = {role: rng.integers(low, high, shape) for role, (shape, low, high) in drawn.items() if shape is not None}
    kind = torch.float32 if keeps_power_of_two(op) and draw(st.booleans()) else torch.float64
    x = rng.integers(-40, 60, (draw(st.integers(1, 4)), 3, *shape)) * draw(st.sampled_from([1, 1, 30]))
    given = draw(st.sampled_from([torch.int32, torch.float16, torch.float32, torch.float64]))
    return op, shape, own, kind, draw(st.sampled_from([1, 4])), torch.from_numpy(x).to(given)


def of_type(bias, kind):
    return None if bias is None else torch.from_numpy(np.asarray(bias)).to(kind)


def numbers(own, kind):
    return OwnNumbers(of_type(own.get("bias"), kind), of_type(own["vth"] << 6, kind) if "vth" in own else None)


@pytest.mark.parametrize(
    "own", [(None, None), (torch.zeros(4), None), (None, torch.ones(4)), (torch.zeros(4), torch.ones(4))]
)
def test_numbers_of_neurons_lie_on_the_device(own):
    meta = torch.device("meta")
    given = OwnNumbers(*(None if each is None else each.to(meta) for each in own))
    op = IntegerLif(4095, 2048, 8, 6, 12, 24)
    kernels = SimpleNamespace(lif=None, wrapping=None)
    for made in (
        FusedSpikes(kernels, op, (4,), given, torch.float32, 1, meta),
        FusedWrappingSpikes(kernels, op, (4,), given, 1, meta),
    ):
        assert {each.device for each in made._natural} == {meta}  # pyright: ignore[reportPrivateUsage]


@interpreted
@settings(max_examples=40, suppress_health_check=QUIET)
@given(cases())
def test_spikes(kernels, case):
    op, shape, own, kind, scale, x = case
    spikes, count = FusedSpikes(kernels, op, shape, numbers(own, kind), kind, scale, CPU)(x)
    wanted = op.run((x.numpy().astype(np.int64) * scale,), own, len(x))
    assert np.array_equal(spikes.numpy(), wanted)
    assert int(count) == wanted.sum()


@interpreted
@settings(max_examples=40, suppress_health_check=QUIET)
@given(cases(), st.sampled_from([4095, 1000, -1]), st.sampled_from([1, 7000]))
def test_spikes_of_currents_that_wrap(kernels, case, du, larger):
    op, shape, own, _, scale, x = case
    op, x = replace(op, du=du), x.double() * larger
    spikes, count = FusedWrappingSpikes(kernels, op, shape, numbers(own, torch.float64), scale, CPU)(x)
    wanted = op.run((x.numpy().astype(np.int64) * scale,), own, len(x))
    assert np.array_equal(spikes.numpy(), wanted)
    assert int(count) == wanted.sum()


@interpreted
@settings(max_examples=40, suppress_health_check=QUIET)
@given(cases(), st.integers(2, 40), st.integers(0, 5), st.sampled_from(["gated", "signed", "rectified"]))
def test_payloads(kernels, case, bits, shift, form):
    _, shape, own, _, scale, x = case
    gated = form == "gated"
    op = Gate(bits, shift) if gated else Graded(bits, shift, form)
    gates = torch.from_numpy(np.random.default_rng(bits).integers(0, 2, x.shape).astype(np.uint8)) if gated else None
    made = FusedPayloads(kernels, op, shape, of_type(own.get("bias"), torch.float64), torch.float64, scale, CPU)
    values, count = made(x, gates)
    whole = x.numpy().astype(np.int64) * scale
    own = {role: array for role, array in own.items() if role == "bias"}
    wanted = op.run((whole,) if gates is None else (whole, gates.numpy()), own, len(x))
    assert np.array_equal(values.numpy(), wanted)
    assert int(count) == np.count_nonzero(wanted)


@interpreted
@pytest.mark.parametrize("laid", ["padded rows", "turned", "channels last"])
def test_currents_that_do_not_lie_densely(kernels, laid):
    op, rng = IntegerLif(4095, 2048, 8, 6, 12, 24), np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(-9, 12, (4, 5, 6, 3, 7))).to(torch.int32)
    if laid == "padded rows":
        x = torch.cat([x, x], dim=-1)[..., :7]
    else:
        order, back = ((0, 1, 2, 4, 3), (0, 1, 2, 4, 3)) if laid == "turned" else ((0, 1, 3, 4, 2), (0, 1, 4, 2, 3))
        x = x.permute(order).contiguous().permute(back)
    bias = rng.integers(-300, 300, (6, 1, 1))
    spikes, _ = FusedSpikes(kernels, op, (6, 3, 7), OwnNumbers(of_type(bias, torch.float32)), torch.float32, 1, CPU)(x)
    assert np.array_equal(spikes.numpy(), op.run((x.numpy(),), {"bias": bias}, 4))


@interpreted
def test_the_self_test_tells_right_from_wrong(kernels, monkeypatch):
    assert neurons_are_exact(kernels)(CPU)
    for name in ("shift", "dv"):
        right = FusedSpikes.__init__
        monkeypatch.setattr(
            FusedSpikes,
            "__init__",
            lambda self, k, op, *rest, name=name, right=right: right(self, k, replace(op, **{name: 1}), *rest),
        )
        assert not holds(neurons_are_exact(kernels), CPU)
        monkeypatch.undo()


@interpreted
@settings(max_examples=12, suppress_health_check=QUIET)
@given(data=st.data())
def test_whole_networks(data, kernels, integer_networks, cuda_engine):
    graph, inputs = data.draw(integer_networks)
    wanted = ReferenceEngine(graph, "cpu").run(inputs)
    engine = cuda_engine(graph, compiled=kernels)
    assert engine.describe().endswith("int8 products, fused neurons")
    for _ in range(2):
        found = engine.run(inputs)
        assert found.events == wanted.events
        assert all(np.array_equal(found.outputs[name], wanted.outputs[name]) for name in wanted.outputs)
