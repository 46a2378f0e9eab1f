"""
A program for windows of another length than it was compiled for: the same chip, weight for weight, or a refusal.

Constants may depend on the number of steps T: 1/T of a mean, weights of single steps, `x[-1]`. So a module is imported again at
the other T, and compared with its own forward there. Where the chip's graph is the same up to T, the chip keeps its integers,
which are proven for longer windows (`ir.quantize.ties.longest_window`), and the host computes what it computes at that T.
Files hold no module: graphs are kept where nothing in them can depend on T.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from ir.analysis.differences import first_difference
from ir.deployment import Context, Deployment
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops.host.time import AtStep, FoldTime, TimeSum, UnfoldTime
from ir.ops.over_time.by_step import TimeOffset, TimeWeight
from ir.pipeline.pipeline import Pass, run
from ir.quantize.ties.longest_window import WindowProof

TIMED = (AtStep, FoldTime, TimeOffset, TimeSum, TimeWeight, UnfoldTime)
"""Operations whose constants may depend on the length of the window."""

SAMPLES = 4
"""Of the example, with which a module is imported again."""


class WindowLengths(Protocol):
    """What knows which lengths of windows a compiled network can run."""

    def deployment(self, compiled: Deployment, steps: int) -> Deployment:
        """The compiled network for windows of `steps` steps; CompileError where its chip would be another one."""
        ...

    def stated(self, compiled: Deployment) -> StatedLengths:
        """The same in a few words, for a file."""
        ...


@dataclass(frozen=True)
class StatedLengths:
    """What a file says about other lengths than its own."""

    steps: int
    """T, that the network was compiled for."""
    longest: int = 0
    """The most steps for which the integers are proven; 0 for any number."""
    obstacle: str = ""
    """What in the graphs depends on T; empty where nothing does."""

    def deployment(self, compiled: Deployment, steps: int) -> Deployment:
        """The graphs as they are."""
        if self.obstacle:
            raise refused(self.steps, steps, self.obstacle)
        if self.longest and not 0 < steps <= self.longest:
            raise _too_long(self.steps, steps, f"its integers are proven for windows of up to {self.longest} steps")
        return compiled.lasting(steps)

    def stated(self, compiled: Deployment) -> StatedLengths:
        """Itself."""
        return self

    def plain(self) -> dict[str, Any]:
        """As JSON content."""
        return {"steps": self.steps, "longest": self.longest, "obstacle": self.obstacle}


@dataclass(frozen=True)
class ImportedLengths:
    """A network that can be imported at any number of steps."""

    graph: Graph
    """As it was imported for the compilation."""
    graph_at: Callable[[int], Graph]
    """The same at so many steps; CompileError where that is impossible."""
    context: Context
    passes: tuple[Pass, ...]
    """The target's."""

    @property
    def steps(self) -> int:
        """T, that the network was compiled for."""
        return self.graph.steps

    def deployment(self, compiled: Deployment, steps: int) -> Deployment:
        """The compiled chip between the hosts of the network at that length."""
        try:
            before, after = (self._in_floats(each) for each in (self.graph, self.graph_at(steps)))
        except CompileError as error:
            raise refused(self.steps, steps, error.what, error.where) from error
        if after.chip.steps != steps:
            raise refused(self.steps, steps, f"its neurons run {after.chip.steps} steps there")
        difference = first_difference(before.chip, after.chip)
        if difference:
            raise refused(self.steps, steps, f"the chip would be another one: {difference}")
        unproven = self._proof(compiled).obstacle(steps) if compiled.floating is not None else ""
        if unproven:
            raise _too_long(self.steps, steps, f"the integers of {unproven} are not proven for so many steps")
        return replace(compiled.lasting(steps), prologue=after.prologue, epilogue=after.epilogue)

    def stated(self, compiled: Deployment) -> StatedLengths:
        """What holds without the module: hosts that are the same at two other lengths count as the same at all."""
        longest = self._proof(compiled).longest() if compiled.floating is not None else 0
        for steps in (self.steps + 1, 2 * self.steps + 1):
            try:
                other = self.deployment(compiled.bare(), steps)
            except CompileError as error:
                return StatedLengths(self.steps, longest, error.what)
            hosts = ((compiled.prologue, other.prologue), (compiled.epilogue, other.epilogue))
            difference = next(filter(None, (first_difference(*pair) for pair in hosts)), "")
            if difference:
                return StatedLengths(self.steps, longest, f"the host depends on T: {difference}")
        return StatedLengths(self.steps, longest)

    def _in_floats(self, graph: Graph) -> Deployment:
        """The network lowered, before anything is rounded."""
        rounding = [place for place, each in enumerate(self.passes) if each.rounds]
        passes = self.passes[: rounding[0]] if rounding else self.passes
        return run(Deployment.of(graph), self.context, integers=self.context.rounds, passes=passes)

    def _proof(self, compiled: Deployment) -> WindowProof:
        assert compiled.floating is not None
        profile, floating = self.context.profile, compiled.floating.lasting(self.steps)
        return WindowProof(floating, compiled.statistics, profile.arithmetic, profile.features)


def timeless(graph: Graph, steps: int) -> Graph:
    """
    A graph without a module, for windows of another length.

    Raises:
        CompileError: an operation's constants may be those of the graph's own length; nothing says what they are at others.
    """
    for node in graph.nodes.values():
        if isinstance(node.op, TIMED) and (not isinstance(node.op, TimeSum) or node.op.factor != 1 or graph.steps == 1):
            what = f"%{node.name} = {node.op.kind} may depend on T, and nothing says how"
            raise CompileError("run.steps", what, where=str(node.provenance))
    return graph.lasting(steps)


def repeated(
    example: Mapping[str, torch.Tensor], static: Collection[str], axis: int, steps: int
) -> dict[str, torch.Tensor]:
    """
    A few samples of a module's example for windows of `steps` steps: the example's own steps, again and again.

    Args:
        static: the inputs without time. axis: of time, 0 or 1; the samples are on the other one.
    """
    found: dict[str, torch.Tensor] = {}
    for name, tensor in example.items():
        if name in static:
            found[name] = tensor[:SAMPLES]
        else:
            few = tensor.narrow(1 - axis, 0, min(SAMPLES, tensor.shape[1 - axis]))
            found[name] = few.index_select(axis, torch.arange(steps, device=few.device) % few.shape[axis])
    return found


def refused(compiled: int, asked: int, why: str, where: str = "") -> CompileError:
    """The error of a network that was compiled for one number of steps and is asked for another."""
    what = f"compiled for {compiled} steps, the network cannot run {asked}: {why}"
    return CompileError("run.steps", what, where=where, hint=f"compile it with an example of {asked} steps")


def _too_long(compiled: int, asked: int, why: str) -> CompileError:
    what = f"compiled for {compiled} steps, the network cannot run {asked}: {why}"
    hint = "compile it with an example of the longest window; shorter ones then run as well"
    return CompileError("run.steps", what, hint=hint)
