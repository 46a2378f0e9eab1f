"""The unit of work: some samples of a test set through one part's integer network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from backends.targets import REFERENCE, target
from backends.trace import Array
from compile.evaluation.result import Result, pack
from compile.stages.program import Program
from ir.deployment import Deployment
from ir.target import Profile
from ir.text import graph_text

if TYPE_CHECKING:  # a worker needs no front end
    from compile.stages.build import Build


@dataclass(frozen=True)
class Network:
    """One compiled part as it travels to whoever runs it: graphs, and the real value of one integer (see `Program`)."""

    name: str
    deployment: Deployment
    profile: Profile

    @cached_property
    def program(self) -> Program:
        """On the reference of the process that asks, made once."""
        engine = target(REFERENCE).engine_of(self.deployment.chip, self.profile)
        return Program(self.name, REFERENCE, self.deployment, engine, self.profile)

    @cached_property
    def digest(self) -> bytes:
        """Of all that the results depend on."""
        deployment, digest = self.deployment, hashlib.sha256(repr(sorted(self.deployment.scales.items())).encode())
        for graph in (deployment.prologue, deployment.chip, deployment.epilogue):
            digest.update(graph_text(graph).encode())
            for name in sorted(graph.params):
                digest.update(np.ascontiguousarray(graph.params[name]).data)
        return digest.digest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the program: an engine belongs to its process."""
        return Network, (self.name, self.deployment, self.profile)


def network_of(build: Build) -> Network:
    """The network that a build made, without what the passes only found out."""
    program = build.program
    return Network(build.part.name, program.deployment.bare(), program.profile)


def chunk_key(network: Network, inputs: Mapping[str, Array]) -> str:
    """The name of a result: the same network and the same inputs give the same one."""
    digest = hashlib.sha256(network.digest)
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()[:32]


def run_chunk(network: Network, inputs: Mapping[str, Array]) -> bytes:
    """
    Run the samples from zero state; the packed `Result`.

    On one thread: chunks side by side fill the cores, and sums on the host are the same everywhere.
    """
    torch.set_num_threads(1)
    trace = network.program.run(inputs, probes=())
    return pack(Result(dict(trace.outputs), trace.events))
