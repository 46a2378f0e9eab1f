"""The networks that docs/lowering.md shows before and after lowering, each with what the page says that it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ir.graph import Graph, GraphBuilder
from ir.ops import (
    Add,
    BatchNorm,
    Conv,
    Delay,
    Input,
    Lif,
    Linear,
    MatMul,
    MaxPool,
    Mul,
    Op,
    Permute,
    Reshape,
    Scale,
    Sum,
    TimeSum,
)


class Network:
    """A source graph that is being written down."""

    def __init__(self) -> None:
        self.builder = GraphBuilder("example", 2)

    def add(self, op: Op, *inputs: str, name: str, **shapes: tuple[int, ...]) -> str:
        """An operation, with parameters of ones that are called as the page calls them."""
        params = {
            role: self.builder.param(f"{name}.{role}", np.ones(shape, np.float32)) for role, shape in shapes.items()
        }
        return self.builder.add(op, *inputs, name=name, params=params)

    def spikes(self, name: str, *shape: int) -> str:
        """An input."""
        return self.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name=name)

    def weights(self, matrix: str, x: str, outputs: int) -> str:
        """A linear map that is called like its matrix."""
        weight = self.builder.param(matrix, np.ones((outputs, self.builder.type(x).shape[-1]), np.float32))
        return self.builder.add(Linear(), x, name=f"{matrix}_{x}", params={"weight": weight})

    def kernels(self, matrix: str, x: str, outputs: int) -> str:
        """The same for channels in front of pixels or tokens."""
        channels, *places = self.builder.type(x).shape
        ones = (1,) * len(places)
        weight = self.builder.param(matrix, np.ones((outputs, channels, *ones), np.float32))
        conv = Conv(ones, (0,) * len(places), ones)
        return self.builder.add(conv, x, name=f"{matrix}_{x}", params={"weight": weight})

    def lif(self, name: str, x: str, threshold: float = 1.0) -> str:
        """Neurons that halve their membrane at every step."""
        return self.add(Lif(0.5, threshold=threshold), x, name=name)

    def graph(self, *outputs: str) -> Graph:
        """What was written down."""
        return self.builder.build({name: name for name in outputs})


def norm(D: int) -> Graph:
    """A linear map, a batch norm, neurons."""
    net = Network()
    h = net.weights("W", net.spikes("x", D), D)
    channels = dict.fromkeys(("mean", "var", "weight", "bias"), (D,))
    return net.graph(net.lif("y", net.add(BatchNorm(0, 1e-5), h, name="norm", **channels)))


def residual(D: int) -> Graph:
    """A residual sum of spikes that a linear map reads."""
    net = Network()
    a = net.spikes("a", D)
    b = net.lif("b", net.weights("V", a, D))
    return net.graph(net.lif("y", net.weights("W", net.add(Add(), a, b, name="sum"), D)))


def mask(L: int, D: int) -> Graph:
    """The product of spikes and spikes."""
    net = Network()
    both = net.add(Mul(), net.spikes("a", L, D), net.spikes("b", L, D), name="both")
    return net.graph(net.lif("y", net.weights("W", both, D)))


def comb(L: int, h: int, D: int) -> Graph:
    """SCCA: the OR over the tokens of a comb masks the keys of that comb."""
    net = Network()
    q, k = (net.add(Reshape((h, L // h, D)), net.spikes(name, L, D), name=f"combs_{name}") for name in "qk")
    mask = net.lif("mask", net.add(Sum((1,)), q, name="added_up"), threshold=0.5)
    masked = net.add(Mul(), mask, k, name="masked")
    return net.graph(net.lif("y", net.weights("W", masked, D)))


def token_mask(N: int, h: int, D: int) -> Graph:
    """Q-K token attention: the OR over a head's channels masks the keys of a token."""
    net = Network()
    q, k = (net.add(Reshape((h, D // h, N)), net.spikes(name, D, N), name=f"heads_{name}") for name in "qk")
    mask = net.lif("mask", net.add(Sum((1,)), q, name="added_up"), threshold=0.5)
    masked = net.add(Reshape((D, N)), net.add(Mul(), mask, k, name="masked"), name="merged")
    return net.graph(net.lif("y", net.kernels("W", masked, D)))


def attention(N: int, M: int, h: int, d: int) -> Graph:
    """Q (K^T V) / 8, as published."""
    net = Network()
    q, k, v = net.spikes("q", h, N, d), net.spikes("k", h, M, d), net.spikes("v", h, M, d)
    inner = net.add(MatMul(), net.add(Permute((0, 2, 1)), k, name="k_T"), v, name="K_T_V")
    outer = net.add(MatMul(), q, inner, name="Q_K_T_V")
    return net.graph(net.lif("y", net.add(Scale(0.125), outer, name="scale"), threshold=0.5))


def max_pool(C: int, n: int) -> Graph:
    """The maximum of 2 x 2 spikes."""
    net = Network()
    x = net.spikes("x", C, n, n)
    pooled = net.add(MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), x, name="pooled")
    return net.graph(net.lif("y", net.kernels("W", pooled, C)))


def max_pool_of_counts(C: int, n: int) -> Graph:
    """The maximum of 2 x 2 sums of two populations."""
    net = Network()
    total = net.add(Add(), net.spikes("a", C, n, n), net.spikes("b", C, n, n), name="sum")
    pooled = net.add(MaxPool((2, 2), (2, 2), (0, 0), (1, 1)), total, name="pooled")
    return net.graph(net.lif("y", net.kernels("W", pooled, C)))


def max_of_currents(C: int, n: int) -> Graph:
    """A convolution whose largest currents neurons take."""
    net = Network()
    x = net.spikes("x", C, n)
    conv = net.kernels("W", x, C)
    return net.graph(net.lif("y", net.add(MaxPool((2,), (2,), (0,), (1,)), conv, name="pooled")))


def gate(N: int, F: int) -> Graph:
    """An analog value times spikes."""
    net = Network()
    x, s = net.spikes("x", N, F), net.spikes("s", N, F)
    product = net.add(Mul(), net.weights("W", x, F), s, name="product")
    return net.graph(net.lif("y", net.weights("V", product, F)))


def delay(D: int) -> Graph:
    """A causal convolution along the window, of two taps."""
    net = Network()
    x = net.lif("x", net.weights("U", net.spikes("in", D), D))
    before = net.weights("W1", net.add(Delay(1), x, name="before"), D)
    return net.graph(net.lif("y", net.add(Add(), net.weights("W0", x, D), before, name="sum")))


def phases(D: int) -> Graph:
    """Neurons that read a mean over the window of others."""
    net = Network()
    s = net.lif("s", net.weights("W", net.spikes("x", D), D))
    mean = net.add(Scale(0.5), net.add(TimeSum(), s, name="sum"), name="mean")
    return net.graph(net.lif("y", net.weights("V", mean, D)))


@dataclass(frozen=True)
class Example:
    """A network, a way to lower it, and what that adds."""

    source: Callable[..., Graph]
    """Takes the sizes."""
    sizes: Mapping[str, int]
    """Letter of the page -> number."""
    neurons: str = ""
    """That lowering adds, as a product of sizes; "" for none."""
    synapses: str = ""
    """That lowering adds, or has a second time."""
    strategies: Mapping[str, str] = field(default_factory=dict[str, str])


HEADS = {"N": 12, "M": 12, "h": 4, "d": 16}
ADDED_A = ("2*h*N*M*d + h*N*M", "6*h*N*M*d")
EXAMPLES = {
    "norm": Example(norm, {"D": 64}),
    "residual": Example(residual, {"D": 64}, "", "D*D"),
    "mask": Example(mask, {"L": 12, "D": 64}, "L*D", "2*L*D"),
    "comb": Example(comb, {"L": 12, "h": 4, "D": 64}, "L*D", "2*L*D"),
    "token-mask": Example(token_mask, {"N": 64, "h": 4, "D": 64}, "N*D", "2*N*D"),
    "graded-a": Example(attention, HEADS, *ADDED_A, {"attention": "graded-a"}),
    "graded-b": Example(attention, HEADS, "(N + M + 1)*h*d*d", "3*(N + M)*h*d*d", {"attention": "graded-b"}),
    "time-coded": Example(attention, HEADS, *ADDED_A, {"attention": "time-coded"}),
    "max-pool": Example(max_pool, {"C": 16, "n": 8}, "C*n*n/4", "C*n*n"),
    "max-pool-of-counts": Example(max_pool_of_counts, {"C": 16, "n": 8}, "2*C*n*n + C*n*n/2", "6*C*n*n + C*C*n*n/4"),
    "max-of-currents": Example(max_of_currents, {"C": 16, "n": 8}, "C*n + C*n/2", "4*C*n/2"),
    "gate": Example(gate, {"N": 12, "F": 64}, "N*F", "N*F"),
    "delay": Example(delay, {"D": 64}),
    "phases": Example(phases, {"D": 64}),
}
"""Name of the pictures -> what they show."""
