"""
The Lava process that runs a worker: our own process model, with as many ports as the worker has messages.

Lava fixes a process's ports in the class of its model, so a pair of classes is made per number of ports, and put where Lava
looks for them: into this module.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, ClassVar

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from backends.lava.core.worker import Worker
from backends.lava.runtime.shared_memory import Status


def worker_process(worker: Worker, dtype: Any, status: Status | None = None) -> WorkerProcess:
    """A process with ports out_0 ..., in_0 ... that runs `worker`, and reports its failures to `status`."""
    process = _classes(len(worker.receives), len(worker.sends), np.dtype(dtype).name)
    return process(worker=worker, status=status)


class WorkerProcess(AbstractProcess):
    """Base of the processes that run a worker; `runs` is the class of the model that goes with the process's ports."""

    runs: ClassVar[type[AbstractProcessModel]]

    def __init__(self, worker: Worker, status: Status | None) -> None:
        super().__init__(worker=worker, status=status)
        for k, size in enumerate(worker.receives):
            setattr(self, f"in_{k}", InPort(shape=(size,)))
        for k, size in enumerate(worker.sends):
            setattr(self, f"out_{k}", OutPort(shape=(size,)))


class WorkerModel(PyLoihiProcessModel):
    """Base of their models: one step of the worker per time step, sending before receiving."""

    ports_in: int
    ports_out: int

    def run_spk(self) -> None:
        params: Any = self.proc_params
        status: Status | None = params["status"]
        try:
            self._work(params["worker"])
        except Exception as error:
            if status is not None:
                status.fail(error)
            raise
        if status is not None:
            status.progress(self.time_step)

    def _work(self, worker: Worker) -> None:
        for k, message in enumerate(worker.step()):
            getattr(self, f"out_{k}").send(message)
        worker.take([getattr(self, f"in_{k}").recv() for k in range(self.ports_in)])


@cache
def _classes(ports_in: int, ports_out: int, dtype: str) -> type[WorkerProcess]:
    """The process class for these numbers of ports; its model is made with it and found by Lava in this module."""
    name = f"Worker{ports_in}To{ports_out}Of{dtype.capitalize()}"
    process = type(name, (WorkerProcess,), {"__module__": __name__})
    ports: dict[str, Any] = {f"in_{k}": LavaPyType(PyInPort.VEC_DENSE, np.dtype(dtype).type) for k in range(ports_in)}
    ports |= {f"out_{k}": LavaPyType(PyOutPort.VEC_DENSE, np.dtype(dtype).type) for k in range(ports_out)}
    body = {"__module__": __name__, "ports_in": ports_in, "ports_out": ports_out, **ports}
    model = requires(CPU)(implements(proc=process, protocol=LoihiProtocol)(type(name + "Model", (WorkerModel,), body)))
    process.runs = model
    vars(sys.modules[__name__]).update({process.__name__: process, model.__name__: model})
    return process
