"""The unit of work: some samples of a test set through one part's integer network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from backends.targets import REFERENCE
from backends.trace import Array
from compile.evaluation.code_digest import code_digest
from compile.evaluation.result_cache import BatchResult, pack
from compile.stages.phase import phases_of
from compile.stages.program import Program
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from ir.deployment import Deployment
from ir.profile import Profile
from ir.text import graph_text

if TYPE_CHECKING:  # a worker needs no front end
    from compile.stages.build import Build


@dataclass(frozen=True)
class Network:
    """One compiled part as it travels to whoever runs it."""

    name: str
    phases: tuple[Deployment, ...]
    profile: Profile
    order: AxisOrder = TIME_FIRST

    @cached_property
    def program(self) -> Program:
        """The part on the reference engine of the process that asks, built once."""
        phases = phases_of(self.phases, self.profile)
        return Program(self.name, REFERENCE, phases, self.profile, order=self.order)

    @cached_property
    def digest(self) -> bytes:
        """The hash of all that the results depend on."""
        scales = [sorted(phase.scales.items()) for phase in self.phases]
        digest = hashlib.sha256(f"{scales} {self.order.batch_first} {sorted(self.order.batch_first_outputs)}".encode())
        for graph in (graph for phase in self.phases for graph in (phase.prologue, phase.chip, phase.epilogue)):
            digest.update(graph_text(graph).encode())
            for name in sorted(graph.params):
                digest.update(np.ascontiguousarray(graph.params[name]).data)
        return digest.digest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it without the program: an engine belongs to its process."""
        return Network, (self.name, self.phases, self.profile, self.order)


def network_of(build: Build) -> Network:
    """The part of a build that runs on the target, without what the passes only found out."""
    program = build.program
    phases = tuple(phase.deployment.bare() for phase in program.phases)
    return Network(build.part.name, phases, program.profile, program.order)


def batch_key(network: Network, inputs: Mapping[str, Array]) -> str:
    """Name a result by the code that computes it, its network and its inputs: where all are the same, so is the name."""
    digest = hashlib.sha256(code_digest() + network.digest)
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()[:32]


def run_batch(network: Network, inputs: Mapping[str, Array]) -> bytes:
    """
    Run the samples from zero state and return the packed `BatchResult`.

    On one thread: batches side by side fill the cores, and sums on the host are the same everywhere.
    """
    torch.set_num_threads(1)
    trace = network.program.run(inputs, probes=())
    return pack(batch_key(network, inputs), BatchResult(dict(trace.outputs), trace.events))
