"""Modules that write into tensors: imported so that every spike is the module's, or refused by name; the example stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based.neuron import IFNode
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.storage.writes import checked_index, writes
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret

STEPS, BATCH, WIDTH = 6, 2, 8
Tensor = torch.Tensor
Forward = Callable[[Any, Tensor], Any]


class Net(nn.Module):
    """Two layers, and one that steps; `compute` says what happens to their spikes."""

    def __init__(self, compute: Forward) -> None:
        super().__init__()
        self.compute = compute
        self.fc, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        for layer in (self.fc, self.out):
            nn.init.normal_(layer.weight, std=0.7)
        self.lif, self.last, self.step = IFNode(step_mode="m"), IFNode(step_mode="m"), IFNode()
        self.register_buffer("kept", torch.zeros(STEPS, 3, WIDTH))

    def forward(self, x: Tensor) -> Any:
        return self.last(self.out(self.compute(self, x)))


class Residual(Net):
    """SEW-ResNet's block: spikes of two layers meet, and both are read again afterwards."""

    def forward(self, x: Tensor) -> Any:
        s = self.lif(self.fc(x))
        return self.last(self.out(self.compute(self, s))) + s


def net(compute: Forward, kind: type[Net] = Net) -> Net:
    torch.manual_seed(0)
    return kind(compute).eval()


def example() -> Tensor:
    return (torch.rand(STEPS, BATCH, WIDTH, generator=torch.Generator().manual_seed(1)) < 0.5).float()


def check(module: nn.Module) -> list[str]:
    """Compare the import with the module, and the example with what it was; the kinds of the graph's nodes."""
    x, before = example(), example()
    graph = trace_module(module, {"x": x}, [], STEPS, "net")
    checked = check_import(module, graph, {"x": x})
    assert checked.within_rounding == 0
    assert checked.output_difference == 0
    assert torch.equal(x, before)
    return [node.op.kind for node in graph.nodes.values()]


def _then(write: Callable[[Tensor, Tensor], object]) -> Forward:
    """`write(spikes, current)`, and the spikes afterwards."""

    def compute(net: Any, x: Tensor) -> Tensor:
        s, current = net.lif(net.fc(x)), net.fc(x) * 2
        write(s, current)
        return s

    return compute


def _statement(code: str) -> Callable[[Tensor, Tensor], object]:
    return lambda s, c: exec(code, {"torch": torch, "F": F, "nn": nn}, {"s": s, "c": c})


IN_PLACE = (
    "s += c",
    "s -= c",
    "s *= c",
    "s /= 4",
    "s += 1",
    "s *= 0.5",
    "s.add_(c)",
    "s.mul_(c)",
    "s.sub_(c)",
    "s.div_(2)",
    "s.sub_(c).relu_()",
    "s.neg_()",
    "s.sub_(c).clamp_(min=0)",
    "F.relu(s.sub_(c), inplace=True)",
    "F.relu(s.sub_(c), True)",
    "nn.ReLU(inplace=True)(s.sub_(c))",
    "nn.Dropout(inplace=True).eval()(s)",
    "torch.relu_(s.sub_(c))",
    "s.copy_(c + s)",
    "s.copy_((c + s)[..., :1])",
    "s[:] = c + s",
    "s[...] = c - s",
    "s[..., :4] += c[..., 4:]",
    "s[..., :4] = c[..., 4:]",
    "s[:, :, 2] = c[:, :, 3]",
    "s[..., 0] = 0",
    "s[..., 5] += 1",
    "s[..., 2:5].zero_()",
    "s[..., 2:5].fill_(0.5)",
    "s[..., :4].mul_(c[..., :4]); s[..., 2:6].add_(1)",
    "s[..., ::2] = c[..., :4]",
    "y = s[..., :4]; y += c[..., :4]",
    "y = s.flatten(0, 1); y += 1",
    "y = s.transpose(1, 2); y += 1; s *= y.transpose(1, 2)",
    "y = s.view(*s.shape[:2], 2, 4); y[:, :, 1] += c[..., :4]; s *= 2",
    "y = s.detach(); y *= 2; s += y",
    "y = s[..., :4]; s += 1; s[..., 4:] += y",
    "s.unsqueeze_(0); s += 1; s.squeeze_(0)",
    "a, b = s.split(4, -1); a += c[..., :4]; b *= 2",
    "a, b = s.chunk(2, -1); b.copy_(a)",
    "y = s.clone(); y += 1",
    "s[0:6] = c + s",
)


@pytest.mark.parametrize("code", IN_PLACE)
def test_writes_into_the_spikes_of_a_layer(code: str) -> None:
    check(net(_then(_statement(code))))


@pytest.mark.parametrize("code", ["x += 1", "x *= 0.5", "x[..., 0] = 0", "y = x[..., :4]; y += 1", "x.relu_()"])
def test_writes_into_the_input(code: str) -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        exec(code, {}, {"x": x})
        return net.lif(net.fc(x))

    check(net(compute))


@pytest.mark.parametrize("code", ["s *= 0.5", "y = s[..., :4]; y += 1", "s[..., 0] = 0"])
def test_spikes_that_are_read_again_after_a_write(code: str) -> None:
    def compute(net: Any, s: Tensor) -> Tensor:
        exec(code, {}, {"s": s})
        return s

    check(net(compute, Residual))


def _loop(body: Callable[[Any, Tensor, Tensor, int], None], start: Callable[[Tensor], Tensor]) -> Forward:
    def compute(net: Any, x: Tensor) -> Tensor:
        current = net.fc(x)
        out = start(current)
        for t in range(STEPS):
            body(net, out, current, t)
        return out

    return compute


def _assign(net: Any, out: Tensor, current: Tensor, t: int) -> None:
    out[t] = net.step(current[t])


STARTS: dict[str, Callable[[Tensor], Tensor]] = {
    "zeros": lambda x: torch.zeros(STEPS, x.shape[1], WIDTH),
    "zeros_like": torch.zeros_like,
    "empty": lambda x: torch.empty(x.shape),
    "empty_like": torch.empty_like,
    "new_zeros": lambda x: x.new_zeros(x.shape),
    "new_empty": lambda x: x.new_empty(x.shape),
    "full": lambda x: torch.full(x.shape, 7.0),
    "ones_like": torch.ones_like,
}


@pytest.mark.parametrize("start", STARTS)
def test_steps_written_into_a_fresh_tensor_are_the_window(start: str) -> None:
    kinds = check(net(_loop(_assign, STARTS[start])))
    assert kinds == ["input", "linear", "lif", "linear", "lif"]


BODIES: dict[str, Callable[[Any, Tensor, Tensor, int], object]] = {
    "copy": lambda net, out, c, t: out[t].copy_(net.step(c[t])),
    "add to zeros": lambda net, out, c, t: out[t].add_(net.step(c[t])),
    "ellipsis": lambda net, out, c, t: out.__setitem__((t, ...), net.step(c[t])),
    "slice of one": lambda net, out, c, t: out.__setitem__(slice(t, t + 1), net.step(c[t])[None]),
    "in two halves": lambda net, out, c, t: (
        out.__setitem__((t, slice(None), slice(0, 3)), (s := net.step(c[t]))[:, :3]),
        out.__setitem__((t, slice(None), slice(3, None)), s[:, 3:]),
    ),
    "half of it": lambda net, out, c, t: out.__setitem__((t, ..., slice(0, 3)), net.step(c[t])[:, :3]),
    "written twice": lambda net, out, c, t: (
        out.__setitem__(t, c[t] * 3),
        out.__setitem__(t, net.step(c[t])),
    ),
    "read back": lambda net, out, c, t: (
        out.__setitem__(t, c[t] * 0.5),
        out.__setitem__(t, net.step(out[t] * 2)),
    ),
}


@pytest.mark.parametrize("body", BODIES)
def test_a_loop_fills_the_window_in_many_ways(body: str) -> None:
    def run(net: Any, out: Tensor, current: Tensor, t: int) -> None:
        BODIES[body](net, out, current, t)

    check(net(_loop(run, torch.zeros_like)))


def test_zeros_of_a_step_are_written_before_its_spikes_are_added() -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        current, out = net.fc(x), torch.zeros(STEPS, x.shape[1], WIDTH + 2)
        for t in range(STEPS):
            out[t, :, 1:-1] = 0
            out[t, :, 1:-1] += net.step(current[t])
        return out[..., :WIDTH]

    check(net(compute))


def test_time_behind_the_batch() -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        current, out = net.fc(x), torch.zeros(x.shape[1], STEPS, WIDTH)
        for t in range(STEPS):
            out[:, t] = net.step(current[t])
        return out.transpose(0, 1)

    assert check(net(compute)) == ["input", "linear", "lif", "linear", "lif"]


def test_a_window_that_is_flattened_after_the_loop() -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        current, out = net.fc(x), torch.zeros_like(x)
        for t in range(STEPS):
            out[t] = net.step(current[t])
        return net.fc(out.flatten(0, 1)).view(STEPS, -1, WIDTH)

    assert check(net(compute)) == ["input", "linear", "lif", "linear", "linear", "lif"]


def test_features_written_one_by_one() -> None:
    def compute(net: Any, x: Tensor) -> Tensor:
        s, out = net.lif(net.fc(x)), torch.empty(STEPS, x.shape[1], 4, 2)
        for k in range(4):
            out[..., k, 0] = s[..., 2 * k]
            out[:, :, k, 1] = 0.25
        return out.flatten(2)

    check(net(compute))


def test_borders_of_an_image_are_padding_with_an_offset() -> None:
    class Border(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif, self.v = nn.Conv2d(2, 3, 3), IFNode(step_mode="m"), torch.rand(1, 2, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = F.pad(x.flatten(0, 1), [1] * 4)
            y[:, :, 0:1, :] = self.v
            y[:, :, -1:, :] = self.v
            y[:, :, :, 0:1] = self.v
            y[:, :, :, -1:] = self.v
            return self.lif(self.conv(y).unflatten(0, x.shape[:2]) * 5)

    module, x = Border().eval(), (torch.rand(STEPS, BATCH, 2, 5, 5) < 0.5).float()
    graph = trace_module(module, {"x": x}, [], STEPS, "net")
    checked = check_import(module, graph, {"x": x})
    assert (checked.within_rounding, checked.output_difference) == (0, 0)


def _unwritten(net: Any, x: Tensor) -> Tensor:
    out = torch.empty(STEPS, x.shape[1], WIDTH)
    out[..., :4] = net.fc(x)[..., :4]
    return out


def _hidden_state(net: Any, x: Tensor) -> Tensor:
    net.kept += net.fc(x)
    return x


def _membrane(net: Any, x: Tensor) -> Tensor:
    spikes = torch.stack([net.step(current) for current in net.fc(x)])
    net.step.v += x[0]
    return spikes


def _picked(net: Any, x: Tensor) -> Tensor:
    s = net.lif(net.fc(x))
    s[..., torch.tensor([1, 2])] = 0
    return s


def _integers(net: Any, x: Tensor) -> Tensor:
    out = torch.zeros(x.shape, dtype=torch.int64)
    out[:] = net.fc(x)
    return x + out


def _one_sample(net: Any, x: Tensor) -> Tensor:
    x[:, 0] = 0
    return x


class Greedy(IFNode):
    """A neuron that scales its input where it lies."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.mul_(1.0))


def _greedy(net: Any, x: Tensor) -> Tensor:
    return net.greedy(net.fc(x))


def test_a_neuron_that_writes_into_its_input() -> None:
    module = net(_greedy)
    module.greedy = Greedy(step_mode="m")
    with pytest.raises(CompileError, match="Greedy writes into its input"):
        trace_module(module, {"x": example()}, [], STEPS, "net")


class Stepped(nn.Module):
    """snnTorch's neurons in a loop that writes into the spikes of each step."""

    def __init__(self, neuron: nn.Module, states: int) -> None:
        super().__init__()
        self.neuron, self.fc, self.states = neuron, nn.Linear(WIDTH, WIDTH), states

    def forward(self, x: Tensor) -> Tensor:
        states, out = [None] * self.states, list[Tensor]()
        for current in self.fc(x):
            spikes, *states = self.neuron(current, *states)
            spikes += 1
            out.append(spikes)
        return torch.stack(out)


def test_spikes_of_a_step_may_be_written() -> None:
    pytest.importorskip("snntorch")
    from snntorch import Leaky

    torch.manual_seed(0)
    check(Stepped(Leaky(beta=0.5), 1).eval())


def test_spikes_that_a_recurrent_neuron_reads_at_its_next_step_may_not() -> None:
    pytest.importorskip("snntorch")
    from snntorch import RLeaky

    with pytest.raises(CompileError, match="state of a neuron") as caught:
        trace_module(Stepped(RLeaky(beta=0.5, linear_features=WIDTH), 2).eval(), {"x": example()}, [], STEPS, "net")
    assert caught.value.rule == "import.in_place"


REFUSED: dict[str, tuple[Forward, str, str]] = {
    "never written": (_unwritten, "import.in_place", "never written"),
    "buffer": (_hidden_state, "import.in_place", "a buffer"),
    "membrane": (_membrane, "import.in_place", "a state of a neuron"),
    "index that picks": (_picked, "import.index", "Tensor"),
    "integers": (_integers, "import.dtype", "int64"),
    "one sample": (_one_sample, "import.axes", "batch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_meaning_for_a_chip_is_one_error(case: str) -> None:
    compute, rule, text = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        trace_module(net(compute), {"x": example()}, [], STEPS, "net")
    assert caught.value.rule == rule
    assert text in str(caught.value)


def test_a_constant_mask_is_filled_in_place() -> None:
    mask = torch.arange(WIDTH) % 3 == 0
    check(net(lambda net, x: net.lif(net.fc(x)).masked_fill_(mask, 0.0)))


def test_the_memory_of_a_state_that_was_replaced_is_not_taken_for_it() -> None:
    class Stateful(nn.Module):
        state: Any = torch.ones(3, 8)

        def forward(self, x: Tensor) -> Tensor:
            self.state, out = None, list[Tensor]()
            for step in x:
                fired = torch.zeros_like(step)
                fired[step > 0.5] = 1.0
                self.state = step + 1.0
                out.append(fired)
            return torch.stack(out)

    net, x = Stateful().eval(), torch.rand(STEPS, 3, 8, generator=torch.Generator().manual_seed(0))
    for _ in range(4):
        expected = net(x)
        graph = trace_module(net, {"x": x}, [], STEPS, "net")
        assert torch.equal(interpret(graph, {"x": x})["output"], expected)


def test_which_functions_write() -> None:
    names = ("add_", "__setitem__", "copy_", "add", "__add__", "unsqueeze_", "requires_grad_", "t_")
    assert [writes(name, {}) for name in names] == [True, True, True, False, False, False, False, False]
    assert writes("relu", {"inplace": True})
    assert not writes("relu", {"inplace": False})


@pytest.mark.parametrize("index", [0, slice(2), (..., 1), None, (slice(None, None, 2), None)])
def test_an_index_of_integers_and_slices(index: Any) -> None:
    assert checked_index(index) is index


@pytest.mark.parametrize("index", [True, [1, 2], torch.tensor(1), (0, torch.tensor([True]))])
def test_an_index_that_picks_elements(index: Any) -> None:
    with pytest.raises(CompileError, match="cannot write at an index of type"):
        checked_index(index)
