"""The exported network as a Lava process: connect your own processes to its ports, run it under any Loihi run configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lava.magma.core.decorator import implements
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.lif.models import PyLifResetModelBitAcc
from lava.proc.lif.process import LIFReset
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode

from backends.lava.emit.blueprint import Blueprint, CorePart, LifPart, Part, Port, SynapsesPart
from backends.lava.processes.worker_process import WorkerProcess, worker_process
from backends.lava.runtime.shared_memory import Status

NEVER = 2**31 - 1
"""Reset interval of a network whose state runs on."""


class LavaNetwork(AbstractProcess):
    """
    A compiled network.

    Its ports, `inputs` and `outputs` by name, have the shapes of the chip's inputs and outputs and take one message per step.
    Sample k enters in steps k T ... k T + T - 1; output `name` answers `latency[name]` steps later, aligned in the same way.
    """

    def __init__(self, blueprint: Blueprint, status: Status | None = None) -> None:
        super().__init__(name="LavaNetwork")
        self.blueprint = blueprint
        self.inputs = {name: InPort(shape=shape) for name, shape in blueprint.inputs.items()}
        self.outputs = {name: OutPort(shape=shape) for name, shape in blueprint.outputs.items()}
        self.latency = dict(blueprint.timing.outputs)
        for direction, ports in (("in", self.inputs), ("out", self.outputs)):
            for k, port in enumerate(ports.values()):
                setattr(self, f"{direction}_{k}", port)
        self.children = {name: _process(part, blueprint, status) for name, part in blueprint.parts.items()}

    def models(self) -> dict[AbstractProcess, type]:
        """The model of every process inside, which saves Lava from searching (it executes files for each process)."""
        return {self: LavaNetworkModel, **{child: model_of(child) for child in self.children.values()}}


@implements(proc=LavaNetwork, protocol=LoihiProtocol)
class LavaNetworkModel(AbstractSubProcessModel):
    """Wires the parts of a network to each other and to its ports."""

    def __init__(self, proc: LavaNetwork) -> None:
        for k, child in enumerate(proc.children.values()):
            setattr(self, f"child_{k}", child)
        for source, target in proc.blueprint.wires:
            start, end = _port(proc, source, proc.inputs), _port(proc, target, proc.outputs)
            if not _is_connected(source, start.in_connections) or not _is_connected(target, end.out_connections):
                continue  # Lava would take the whole network for a process of its own
            (start if start.shape == end.shape else start.reshape(end.shape)).connect(end)


def _is_connected(port: Port, outside: list[Any]) -> bool:
    """Whether a wire's end leads anywhere: a part always does, a port of the network only if something is connected there."""
    return bool(port[0] or outside)


def model_of(process: AbstractProcess) -> type:
    """The bit-accurate model that runs a process of ours or of Lava's."""
    return process.runs if isinstance(process, WorkerProcess) else _STOCK_MODELS[type(process)]


def _port(proc: LavaNetwork, port: Port, boundary: dict[str, Any]) -> Any:
    part, name = port
    return getattr(proc.children[part], name) if part else boundary[name]


def _process(part: Part, blueprint: Blueprint, status: Status | None) -> AbstractProcess:
    make: Callable[..., AbstractProcess] = _MAKERS[type(part)]
    return make(part, blueprint, status)


def _core(part: CorePart, blueprint: Blueprint, status: Status | None) -> AbstractProcess:
    return worker_process(part.worker, blueprint.dtype, status)


def _synapses(part: SynapsesPart, blueprint: Blueprint, status: Status | None) -> AbstractProcess:
    """Graded messages (num_message_bits > 0): sums instead of ORs, and faster for spikes too."""
    common: dict[str, Any] = {
        "weights": part.weights,
        "weight_exp": part.exponent,
        "sign_mode": SignMode[part.sign],
        "num_message_bits": 24,
    }
    if not part.delay:
        return Sparse(**common)
    return DelaySparse(delays=(part.weights != 0).astype(int) * part.delay, **common)


def _lif(part: LifPart, blueprint: Blueprint, status: Status | None) -> AbstractProcess:
    return LIFReset(
        shape=(part.size,),
        du=part.du,
        dv=part.dv,
        vth=part.vth,  # pyright: ignore[reportArgumentType]  # of every neuron, which Lava takes too
        bias_mant=part.bias_mantissa,
        bias_exp=part.bias_exponent,
        reset_interval=blueprint.timing.window or NEVER,
        reset_offset=part.first_step + 1,  # Lava counts steps from 1
    )


_MAKERS: dict[type, Callable[..., AbstractProcess]] = {CorePart: _core, SynapsesPart: _synapses, LifPart: _lif}
_STOCK_MODELS: dict[type, type] = {
    Sparse: PySparseModelBitAcc,
    DelaySparse: PyDelaySparseModelBitAcc,
    LIFReset: PyLifResetModelBitAcc,
}
