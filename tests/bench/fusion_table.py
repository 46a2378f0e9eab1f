"""
SNNergy's figures 4 to 7: what joins two streams, by itself at the published sizes: operations, time, memory, and what it is on chip.

CMQKA, spiking self attention (SSA) with keys and values of the other stream, and S-CMRL's two attentions; the last two in both
orders of their products, (Q K^T) V as the paper counts them and Q (K^T V), which is the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from inspect import signature
from math import isqrt
from unittest.mock import patch

import torch
from spikingjelly.activation_based import functional
from torch import nn

from compile import compile_model
from compile.benchmark.table import Cell, Table
from compile.benchmark.turns import take_turns
from ir.analysis.resources import node_resources
from models import snnergy
from models.layers import image_attention
from models.layers.firing import set_firing_rates
from models.layers.image_attention import ImageAttention, attend
from models.networks.snnergy.complexity import StageSize
from models.networks.snnergy.config import STAGES, SnnergyConfig
from models.networks.snnergy.fusion import FUSIONS
from models.training.model_page import seeded
from tests.bench.allocated import peak_bytes

RATE = 0.2
"""Share of spikes in both streams, and of the modules' own neurons."""
COLUMNS = (
    *("base", "stage", "N", "D", "attention", "operations, M"),
    *("inference, ms", "inference / CMQKA's", "training / CMQKA's", "inference, MiB", "training, MiB"),
    *("neurons, M", "synapses, M", "events, M"),
)
NOTE = (
    "One direction of one block, one sample, processor time. Operations: synapses and terms of products per step, by "
    "`models/networks/snnergy/complexity.py`. Training: forward and backward. MiB: the most that torch's allocator held at once "
    "beside inputs and weights. On chip, in the order that the compiler chooses: neurons and synapses with those that lowering adds, "
    "synaptic events per sample; CMQKA's keys are opened by the host, which takes their means."
)
Attend = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def keys_first(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """`Q (K^T V)`: the integers of `attend`."""
    return q @ (k.transpose(-2, -1) @ v)


@dataclass(frozen=True)
class Stage:
    """One stage of a configuration."""

    config: SnnergyConfig
    number: int

    @property
    def size(self) -> StageSize:
        """Tokens and width."""
        return StageSize(self.config.tokens("video")[self.number - 1], self.config.width << (self.number - 1))

    def streams(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Spikes of the own stream and of the other one, (T, 1, D, H, W)."""
        size, random = self.size, torch.Generator().manual_seed(self.number)
        side = isqrt(size.tokens)
        shape = (self.config.T, 1, size.width, side, size.tokens // side)
        own, other = ((torch.rand(shape, generator=random) < RATE).float() for _ in range(2))
        return own, other


@dataclass(frozen=True)
class Attention:
    """What joins two streams, in one order of its products."""

    kind: str
    attend: Attend
    operations: Callable[[StageSize, SnnergyConfig], int]
    is_compiled: bool = False
    """Whether the compiler takes this order."""


MODULES: Mapping[str, Callable[[SnnergyConfig, int], nn.Module]] = {
    "cmqka": FUSIONS["cmqka"],
    "ssa": lambda config, width: ImageAttention(width, config.heads),
    "s-cmrl": FUSIONS["s-cmrl"],
}
CMQKA = "CMQKA"
ATTENTIONS: Mapping[str, Attention] = {
    CMQKA: Attention("cmqka", attend, lambda size, _: size.cmqka, is_compiled=True),
    "SSA, (Q K^T) V": Attention("ssa", attend, lambda size, _: size.ssa),
    "SSA, Q (K^T V)": Attention("ssa", keys_first, lambda size, config: size.ssa_keys_first(config.heads), True),
    "S-CMRL, (Q K^T) V": Attention("s-cmrl", attend, lambda size, config: size.s_cmrl(config.T)),
    "S-CMRL, Q (K^T V)": Attention(
        "s-cmrl", keys_first, lambda size, config: size.s_cmrl_keys_first(config.heads), True
    ),
}


def table(quick: bool) -> Table:
    """Both published widths and all stages; the narrower one if quick."""
    names = ("published-96",) if quick else ("published-192", "published-96")
    stages = [Stage(snnergy.CONFIGS[name], number) for name in names for number in range(1, STAGES + 1)]
    return table_of(stages, 3 if quick else 5)


def table_of(stages: Sequence[Stage], rounds: int) -> Table:
    """A row for each attention in each stage."""
    rows = [row for stage in stages for row in _rows(stage, rounds)]
    return Table("What joins the streams", COLUMNS, tuple(rows), NOTE)


def _rows(stage: Stage, rounds: int) -> Iterator[tuple[Cell, ...]]:
    modules = {kind: _module(kind, stage) for kind in MODULES}
    inference = {name: _inference(each, modules[each.kind], stage) for name, each in ATTENTIONS.items()}
    training = {name: _training(each, modules[each.kind], stage) for name, each in ATTENTIONS.items()}
    forwards = take_turns({name: _processor_time(run) for name, run in inference.items()}, rounds)
    both = take_turns({name: _processor_time(run) for name, run in training.items()}, rounds)
    size, config = stage.size, stage.config
    for name, each in ATTENTIONS.items():
        yield (
            *(config.width, stage.number, size.tokens, size.width, name, each.operations(size, config) / 1e6),
            *(1e3 * forwards.median(name), forwards.ratio(name, CMQKA), both.ratio(name, CMQKA)),
            *(peak_bytes(run[name]) / (1 << 20) for run in (inference, training)),
            *(_on_chip(modules[each.kind], stage) if each.is_compiled else (None, None, None)),
        )


def _module(kind: str, stage: Stage) -> nn.Module:
    """With random weights that let its neurons fire, in eval mode."""
    module = seeded(lambda: MODULES[kind](stage.config, stage.size.width), snnergy.SEED).eval()
    set_firing_rates(module, _inputs(module, stage), RATE)
    functional.reset_net(module)
    return module


def _inputs(module: nn.Module, stage: Stage) -> dict[str, torch.Tensor]:
    """The streams by the names that the module has for them."""
    return dict(zip(signature(module.forward).parameters, stage.streams(), strict=True))


def _inference(attention: Attention, module: nn.Module, stage: Stage) -> Callable[[], None]:
    streams = stage.streams()

    def run() -> None:
        with torch.no_grad(), patch.object(image_attention, "attend", attention.attend):
            module(*streams)
        functional.reset_net(module)

    return run


def _training(attention: Attention, module: nn.Module, stage: Stage) -> Callable[[], None]:
    """Forward and backward, to the weights and to both streams."""
    trained, streams = deepcopy(module).train(), [each.requires_grad_() for each in stage.streams()]
    wanted = [*streams, *trained.parameters()]

    def run() -> None:
        with torch.enable_grad(), patch.object(image_attention, "attend", attention.attend):
            torch.autograd.grad(trained(*streams).sum(), wanted)
        functional.reset_net(trained)

    return run


def _processor_time(run: Callable[[], None]) -> Callable[[], float]:
    """A turn: what one call takes of the processor, in its one thread."""

    def turn() -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    return turn


def _on_chip(module: nn.Module, stage: Stage) -> tuple[Cell, ...]:
    """Neurons, synapses and synaptic events per sample, in millions."""
    inputs = _inputs(module, stage)
    program = compile_model(module, target="gpu", example=inputs)
    needed, events = node_resources(program.deployment.chip), program.run(inputs).events.synaptic
    counts = (sum(row.neurons for row in needed), sum(row.synapses for row in needed), sum(events.values()))
    return tuple(count / 1e6 for count in counts)
