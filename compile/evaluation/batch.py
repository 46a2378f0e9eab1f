"""The unit of work: some samples of a test set through one part's integer network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from backends.host import HostEngine
from backends.reference.engine import ReferenceEngine
from backends.trace import Array
from compile.evaluation.result_cache import BatchResult, pack
from compile.stages.program import Program
from ir.deployment import Deployment
from ir.text import graph_text

if TYPE_CHECKING:  # a worker needs no front end
    from compile.stages.built import Build


@dataclass(frozen=True)
class Network:
    """One compiled part as it travels to whoever runs it."""

    name: str
    deployment: Deployment
    scales: Mapping[str, float]
    """Population -> the real value of one integer that it emits (see `Program`)."""

    @cached_property
    def program(self) -> Program:
        """The part on the reference engine of the process that asks, built once."""
        chip = self.deployment.chip
        engine = ReferenceEngine(chip) if chip.nodes else HostEngine()
        return Program(self.name, "gpu", self.deployment, engine, self.scales)

    @cached_property
    def digest(self) -> bytes:
        """The hash of all that the results depend on."""
        deployment, digest = self.deployment, hashlib.sha256(repr(sorted(self.scales.items())).encode())
        for graph in (deployment.prologue, deployment.chip, deployment.epilogue):
            digest.update(graph_text(graph).encode())
            for name in sorted(graph.params):
                digest.update(np.ascontiguousarray(graph.params[name]).data)
        return digest.digest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it without the program: an engine belongs to its process."""
        return Network, (self.name, self.deployment, dict(self.scales))


def network_of(build: Build) -> Network:
    """The part of a build that runs on the target."""
    return Network(build.part.name, build.program.deployment, dict(build.program.scales))


def batch_key(network: Network, inputs: Mapping[str, Array]) -> str:
    """Name a result by its network and inputs: where both are the same, so is the name."""
    digest = hashlib.sha256(network.digest)
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
    return pack(BatchResult(dict(trace.outputs), trace.events))
