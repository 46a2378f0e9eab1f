"""Every entry of the function table, run by torch and by the imported graph; the table is complete by construction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from frontend.function_rules import FUNCTION_RULES
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret

torch.set_num_threads(1)
STEPS, SHAPE = 3, (4, 6)
W = torch.linspace(-1, 1, 30).reshape(5, 6)
COLUMN = torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
Tensor = torch.Tensor


class Net(nn.Module):
    def __init__(self, compute: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute

    def forward(self, x: Tensor, y: Tensor, s: Tensor) -> Tensor:
        return self.compute(x, y, s)


def example(batch: int, seed: int) -> dict[str, Tensor]:
    """x and y are timed, s is static; positive values, so that roots and logarithms exist."""
    rng = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(STEPS, batch, *SHAPE, generator=rng) + 0.1 for _ in range(2))
    return {"x": x, "y": y, "s": torch.rand(batch, *SHAPE, generator=rng) + 0.1}


def assert_agrees(compute: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    net = Net(compute).eval()
    graph = trace_module(net, example(2, 0), ["s"], STEPS, "net")
    inputs = example(4, 1)
    theirs = net(**inputs)
    expected = theirs if graph.nodes[graph.outputs["output"]].type.static is False else theirs[None]
    for convert in (lambda a: a, lambda a: a.numpy()):
        arrays = {key: convert(value if key != "s" else value[None]) for key, value in inputs.items()}
        ours = interpret(graph, arrays)["output"]
        assert tuple(ours.shape) == tuple(expected.shape)
        np.testing.assert_allclose(np.asarray(ours), expected.numpy(), rtol=2e-6, atol=1e-6)


CASES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "reshape": lambda x, y, s: x.reshape(STEPS, -1, 2, 12),
    "view": lambda x, y, s: x.view(x.shape[0] * x.shape[1], 24).view(x.shape[0], x.shape[1], 3, 8),
    "reshape_as": lambda x, y, s: x.flatten(2).reshape_as(y),
    "view_as": lambda x, y, s: x.flatten(2).view_as(y),
    "flatten": lambda x, y, s: x.flatten(0, 1).flatten(-2).unflatten(0, (STEPS, -1)),
    "unflatten": lambda x, y, s: x.unflatten(3, (2, -1)),
    "permute": lambda x, y, s: x.permute(0, 1, 3, 2).permute((1, 0, 2, 3)).permute(1, 0, 2, 3),
    "transpose": lambda x, y, s: x.transpose(-1, -2),
    "swapaxes": lambda x, y, s: x.swapaxes(2, 3),
    "swapdims": lambda x, y, s: x.swapdims(2, 3),
    "t": lambda x, y, s: (s.flatten(1).t() + torch.arange(24.0)[:, None]).t(),
    "get_T": lambda x, y, s: (s.flatten(1).T * torch.arange(24.0)[:, None]).T,
    "get_mT": lambda x, y, s: x.mT,
    "movedim": lambda x, y, s: x.movedim((0, 2), (1, 3)).movedim(1, 0),
    "moveaxis": lambda x, y, s: torch.moveaxis(x, 3, 2),
    "unsqueeze": lambda x, y, s: x.unsqueeze(2) + y.unsqueeze(-2),
    "squeeze": lambda x, y, s: x.unsqueeze(2).squeeze(2) + x.unsqueeze(2).squeeze(),
    "contiguous": lambda x, y, s: x.mT.contiguous(),
    "clone": lambda x, y, s: x.clone(),
    "detach": lambda x, y, s: x.detach(),
    "get_data": lambda x, y, s: x.data,
    "requires_grad_": lambda x, y, s: x.clone().requires_grad_(False),
    "__getitem__": lambda x, y, s: x[:, :, 1:3, None, -2] + x[..., 2:4, 3].unsqueeze(3) + x[None][0][:][:, :, :2, :1],
    "narrow": lambda x, y, s: x.narrow(2, 1, 2),
    "select": lambda x, y, s: x.select(-1, -1) + x.select(3, 0),
    "split": lambda x, y, s: x.split(4, dim=-1)[1] + torch.split(x, [2, 3, 1], dim=-1)[0],
    "chunk": lambda x, y, s: x.chunk(2, dim=-1)[0] * x.chunk(2, -1)[1],
    "unbind": lambda x, y, s: x.unbind(2)[1] - x.unbind(2)[3],
    "cat": lambda x, y, s: torch.cat((x, y[..., :2], s.expand(STEPS, -1, -1, -1)), dim=-1),
    "concat": lambda x, y, s: torch.concat([x, y], dim=2),
    "concatenate": lambda x, y, s: torch.concatenate([x, y.mT.reshape(y.shape)], dim=2),
    "stack": lambda x, y, s: torch.stack([x, y], dim=2).sum(3) + torch.stack([s[:, :1]] * STEPS).sum(2, keepdim=True),
    "repeat": lambda x, y, s: s.repeat(STEPS, 1, 1, 2) + x[:, :, :1].repeat(1, 1, 4, 2),
    "expand": lambda x, y, s: s.expand(STEPS, *s.shape) + x[..., :1].expand(-1, -1, -1, 6),
    "expand_as": lambda x, y, s: x[:, :, :1].expand_as(y),
    "broadcast_to": lambda x, y, s: torch.broadcast_to(x[:, :, :1], x.shape),
    "pad": lambda x, y, s: F.pad(x, (1, 2, 0, 1)),
    "add": lambda x, y, s: x.add(y) + torch.add(x.mT, 1.5).mT + x.add(s) + (COLUMN + y.mT.reshape(y.shape) + 2.0),
    "sub": lambda x, y, s: x.sub(y).sub(0.25),
    "subtract": lambda x, y, s: torch.subtract(x, COLUMN),
    "__rsub__": lambda x, y, s: 1.0 - x - y[:, :, :1] - COLUMN,
    "rsub": lambda x, y, s: torch.rsub(x, y) + torch.rsub(x, 2.0),
    "mul": lambda x, y, s: x.mul(y) * torch.tensor(0.5),
    "multiply": lambda x, y, s: torch.multiply(x, s) * COLUMN + x * torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1, 1),
    "div": lambda x, y, s: x.div(y),
    "divide": lambda x, y, s: torch.divide(x, 3.0),
    "true_divide": lambda x, y, s: torch.true_divide(x, COLUMN),
    "__rdiv__": lambda x, y, s: (2.0 / x) / s,
    "pow": lambda x, y, s: torch.pow(x, 2) + x.pow(1.5) + x**0.5 + x.pow(1),
    "square": lambda x, y, s: torch.square(x),
    "sqrt": lambda x, y, s: x.sqrt(),
    "neg": lambda x, y, s: torch.neg(x),
    "negative": lambda x, y, s: x.negative(),
    "abs": lambda x, y, s: (x - y).abs(),
    "absolute": lambda x, y, s: torch.absolute(x - 0.5),
    "exp": lambda x, y, s: x.exp(),
    "log": lambda x, y, s: torch.log(x),
    "clamp": lambda x, y, s: x.clamp(min=0.4),
    "clamp_min": lambda x, y, s: x.clamp_min(0.4),
    "clip": lambda x, y, s: torch.clip(x, 0.3),
    "relu": lambda x, y, s: F.relu(x - y),
    "sum": lambda x, y, s: x.sum((2, 3)) + x.mT.sum(-1).sum(-1) + x.sum(0).sum(1, keepdim=True).sum([1, 2]),
    "mean": lambda x, y, s: x.mean(0).mean(-1, keepdim=True) + x.mean((0, 2)).mean(1)[:, None, None],
    "norm": lambda x, y, s: x.norm(dim=-1, keepdim=True),
    "linalg_vector_norm": lambda x, y, s: torch.linalg.vector_norm(x, dim=2),
    "linear": lambda x, y, s: F.linear(x, W, torch.ones(5)) + F.linear(x.flatten(0, 1), W).unflatten(0, (STEPS, -1)),
    "batch_norm": lambda x, y, s: _normed(x, s),
    "layer_norm": lambda x, y, s: F.layer_norm(x, (6,), W[0], W[1]) + F.layer_norm(x, (4, 6), W[:4]),
    "conv1d": lambda x, y, s: F.conv1d(x.flatten(0, 1), _kernel(4, 2, 3), padding="same", groups=2).unflatten(
        0, (STEPS, -1)
    ),
    "conv2d": lambda x, y, s: F.conv2d(
        x.flatten(0, 1).unsqueeze(1), _kernel(2, 1, 3, 2), torch.ones(2), (1, 2), (1, 0), (1, 2)
    ).unflatten(0, (STEPS, -1)),
    "matmul": lambda x, y, s: torch.matmul(x, W.T) + W[:4, :4] @ (x @ s.mT @ W[:4, :5]),
    "bmm": lambda x, y, s: torch.bmm(x.flatten(0, 1), y.flatten(0, 1).mT).unflatten(0, (STEPS, -1)),
    "dropout": lambda x, y, s: F.dropout(x, 0.5, training=False),
    "dropout1d": lambda x, y, s: F.dropout1d(x.flatten(0, 1), training=False).unflatten(0, (STEPS, -1)),
    "dropout2d": lambda x, y, s: F.dropout2d(x, training=False),
    "alpha_dropout": lambda x, y, s: F.alpha_dropout(x, training=False),
    "avg_pool1d": lambda x, y, s: F.avg_pool1d(x.flatten(0, 1), 2).unflatten(0, (STEPS, -1)),
    "avg_pool2d": lambda x, y, s: F.avg_pool2d(x.flatten(0, 1)[:, None], 2, 1, 1).unflatten(0, (STEPS, -1)),
    "max_pool1d": lambda x, y, s: F.max_pool1d(-x.flatten(0, 1), 3, 2, 1).unflatten(0, (STEPS, -1)),
    "max_pool2d": lambda x, y, s: F.max_pool2d(
        x.flatten(0, 1)[:, None], (3, 2), 1, (1, 0), (1, 2), ceil_mode=True
    ).unflatten(0, (STEPS, -1)),
    "adaptive_max_pool1d": lambda x, y, s: F.adaptive_max_pool1d(x.flatten(0, 1), 2).unflatten(0, (STEPS, -1)),
    "adaptive_max_pool2d": lambda x, y, s: F.adaptive_max_pool2d(x.flatten(0, 1)[:, None], (1, 1)).unflatten(
        0, (STEPS, -1)
    ),
    "adaptive_avg_pool1d": lambda x, y, s: (
        F.adaptive_avg_pool1d(x.flatten(0, 1), 1).unflatten(0, (STEPS, -1))
        + F.adaptive_avg_pool1d(x.flatten(0, 1), 6).unflatten(0, (STEPS, -1))
    ),
    "adaptive_avg_pool2d": lambda x, y, s: (
        F.adaptive_avg_pool2d(x.flatten(0, 1), (1, 1)).unflatten(0, (STEPS, -1))
        + F.adaptive_avg_pool2d(x.flatten(0, 1)[:, None], (None, 3))[:, 0]
        .unflatten(0, (STEPS, -1))
        .sum(3, keepdim=True)
    ),
    "einsum": lambda x, y, s: torch.einsum("tbnd,tbmd->tbnm", x, y) + torch.einsum("t b n d, t b k d -> t b k n", x, y),
    "float": lambda x, y, s: x.float(),
    "to": lambda x, y, s: x.to(torch.float32).to("cpu"),
    "type": lambda x, y, s: x.type(torch.float32),
    "type_as": lambda x, y, s: x.type_as(y),
    "cpu": lambda x, y, s: x.cpu(),
    "cuda": lambda x, y, s: x if not torch.cuda.is_available() else x.cuda().cpu(),
}


def _kernel(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, int(np.prod(shape))).reshape(shape)


def _normed(x: Tensor, s: Tensor) -> Tensor:
    channels = F.batch_norm(x.flatten(0, 1).mT, W[0], W[1].abs() + 0.5, W[2], W[3]).mT.unflatten(0, (STEPS, -1))
    steps = F.batch_norm(x.transpose(0, 1), W[0, :3], W[1, :3].abs() + 0.5).transpose(0, 1)
    return channels + steps + F.batch_norm(s, W[0, :4], W[1, :4].abs() + 0.5)


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == FUNCTION_RULES.keys()


@pytest.mark.parametrize("name", CASES)
def test_rule_agrees_with_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    rule = FUNCTION_RULES[name]

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(name)
        return rule(*args, **kwargs)

    monkeypatch.setitem(FUNCTION_RULES, name, counted)
    assert_agrees(CASES[name])
    if name != "cuda":
        assert calls, f"the case does not call {name}"


REFUSED: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], object], str]] = {
    "unknown function": (lambda x, y, s: torch.cumsum(x, 2), "import.function"),
    "maximum": (lambda x, y, s: x.amax(2), "import.function"),
    "softmax": (lambda x, y, s: x.softmax(-1), "import.function"),
    "comparison": (lambda x, y, s: (x > 0.5).float(), "import.function"),
    "control flow": (lambda x, y, s: x if x.sum() > 1 else y, "import"),
    "item": (lambda x, y, s: x * float(x.sum((2, 3)).sum(0)[0]), "import"),
    "numpy": (lambda x, y, s: x + torch.from_numpy(x.numpy()), "import.values"),
    "random": (lambda x, y, s: x + torch.rand(6), "import.random"),
    "random like": (lambda x, y, s: x + torch.randn_like(x), "import.random"),
    "dropout": (lambda x, y, s: F.dropout(x, 0.5, training=True), "import.random"),
    "in place on a view": (lambda x, y, s: [x.flatten(2).add_(1.0), x][1], "import.in_place"),
    "write into a buffer": (lambda x, y, s: _written(x), "import.in_place"),
    "out": (lambda x, y, s: torch.add(x, y, out=torch.empty_like(x)), "import"),
    "sum over batch": (lambda x, y, s: x.sum(1, keepdim=True) + x, "import.axes"),
    "mean of all": (lambda x, y, s: x - x.mean(), "import.axes"),
    "one sample": (lambda x, y, s: x[:, 0], "import.axes"),
    "one step among all": (lambda x, y, s: torch.cat([x[:1], x[1:]]), "import.outputs"),
    "write into the input": (lambda x, y, s: [x.__setitem__(0, 1.0), x][1], "import.in_place"),
    "steps backwards": (lambda x, y, s: torch.stack([x[2], x[1], x[0]]), "import.outputs"),
    "time mixed with features": (lambda x, y, s: x.permute(1, 2, 0, 3).reshape(-1, 4, 2, 9) + 1, "import.axes"),
    "join in time": (lambda x, y, s: torch.cat([x, y], dim=0), "import.axes"),
    "pad in time": (lambda x, y, s: F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0)), "import.axes"),
    "norm of a batch": (lambda x, y, s: F.batch_norm(s, None, None, training=True), "import.batch_norm"),
    "matmul over batch": (lambda x, y, s: x.transpose(1, 3) @ y.transpose(1, 3).mT, "import.axes"),
    "double": (lambda x, y, s: x.double(), "import"),
    "constant of a computed number": (lambda x, y, s: x + torch.full_like(x, y.sum((2, 3)).sum(0)[0]), "import"),
    "half": (lambda x, y, s: x.to(torch.float16), "import.dtype"),
    "boolean index": (lambda x, y, s: x[:, :, torch.tensor([True, False, True, True])], "import.index"),
    "strided slice": (lambda x, y, s: x[:, :, ::2], "import.index"),
    "constant in time": (lambda x, y, s: x + torch.arange(3.0).reshape(3, 1, 1, 1), "import.time"),
    "constant in time and features": (lambda x, y, s: x * W[:3].reshape(3, 1, 1, 6), "import"),
    "constant in the batch": (lambda x, y, s: x * torch.arange(x.shape[1]).reshape(-1, 1, 1), "import.axes"),
    "constant of another library": (lambda x, y, s: x * np.float32(2.0), "import.constant"),
    "NaN": (lambda x, y, s: x * torch.full((6,), float("nan")), "import.finite"),
    "constant output": (lambda x, y, s: torch.ones(3), "import.outputs"),
    "no tensor": (lambda x, y, s: {"a": x, "b": 3}, "import.outputs"),
    "output without batch first": (lambda x, y, s: s.transpose(0, 1), "import.outputs"),
    "time after batch": (lambda x, y, s: x.transpose(0, 1), "import.outputs"),
    "reflect pad": (lambda x, y, s: F.pad(x.flatten(0, 1), (1, 1), mode="reflect"), "import.pad"),
    "pool with ceil": (lambda x, y, s: F.avg_pool2d(x.flatten(0, 1)[:, None], 4, ceil_mode=True), "import.pool"),
    "adaptive pool with overlap": (lambda x, y, s: F.adaptive_avg_pool1d(x.flatten(0, 1), 4), "import.pool"),
    "adaptive pool that repeats": (lambda x, y, s: F.adaptive_max_pool1d(x.flatten(0, 1), 7), "import.pool"),
    "used after its view was written": (lambda x, y, s: _stale(x + 1.0), "import.in_place"),
    "max pool cut short": (lambda x, y, s: F.max_pool2d(x.flatten(0, 1)[:, None], 4, ceil_mode=True), "import.pool"),
    "max pool indices": (lambda x, y, s: F.max_pool1d(x.flatten(0, 1), 2, return_indices=True)[0], "import.function"),
    "max pool over tokens of time": (lambda x, y, s: F.max_pool1d(x.flatten(2), 2), "import.axes"),
    "rounding division": (lambda x, y, s: torch.div(x, 2, rounding_mode="floor"), "import.divide"),
    "alpha": (lambda x, y, s: torch.add(x, y, alpha=2), "import.alpha"),
    "weights from the input": (lambda x, y, s: F.linear(x, x[0, 0]), "import"),
    "scripted": (lambda x, y, s: x + _scripted(x), "import.hidden"),
    "own exception": (lambda x, y, s: x @ y, "import.forward"),
}


def _stale(x: Tensor) -> Tensor:
    x.flatten(2).mul_(2.0)
    return x


def _written(x: Tensor) -> Tensor:
    buffer = torch.zeros_like(x)
    buffer[:] = x
    return buffer


@torch.jit.script
def _scripted(x: torch.Tensor) -> torch.Tensor:
    return x * 2.0


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_one_error(case: str) -> None:
    compute, rule = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        trace_module(Net(compute).eval(), example(2, 0), ["s"], STEPS, "net")
    assert caught.value.rule.startswith(rule)
    assert caught.value.where


def test_a_rule_that_contradicts_torch_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTION_RULES, "neg", FUNCTION_RULES["get_mT"])
    with pytest.raises(CompileError, match=r"neg made a tensor of shape \(3, 5, 4, 6\), its rule says") as caught:
        trace_module(Net(lambda x, y, s: -x).eval(), example(2, 0), ["s"], STEPS, "net")
    assert caught.value.rule == "import.function"
