"""
SLAYER's torch modules: exported to a `.net` file in memory, read like any other, and compared with the module itself.

A module's forward may do anything; only what calls its blocks one after another is what the blocks say, and the comparison,
spike by spike on the example inputs, tells. Inputs are (T, B, *shape) as everywhere here; SLAYER's own layout is (B, *shape, T).
Its blocks take a step each (`delay_shift`): the network's output comes as many steps late as the module's own.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np
import torch

from frontend.netx.layers import NetLayer, layers_in
from frontend.netx.network import IntegerNetwork, network_of
from frontend.type_guards import is_list, is_tuple
from frontend.user_errors import user_code
from ir.errors import CompileError
from ir.graph import Array
from ir.interpreter import interpret

BLOCKS = "lava.lib.dl.slayer.block."
TOLERANCE = 1e-5
"""Of values that are read out in floats (means, voltages), relative above 1; spikes must be equal."""


def is_slayer(module: Any) -> bool:
    """Whether a torch module is made of SLAYER's blocks."""
    return isinstance(module, torch.nn.Module) and any(map(_is_block, module.modules()))


def read_slayer(module: torch.nn.Module, name: str, inputs: Array, entry: str = "input") -> IntegerNetwork:
    """
    The network of a module, in the integers to which SLAYER itself rounds it.

    Args:
        inputs: (T, B, *shape), at least a few steps longer than the network is deep.
        entry: what the network's input is called.

    Raises:
        CompileError: for blocks that are not Loihi's integers, and a module that computes something else than its blocks.
    """
    _check_ready(module)
    module = copy.deepcopy(module).eval()
    example = torch.as_tensor(inputs).float()
    with torch.no_grad():
        _forget(module)
        _call(module, example)  # blocks know their shapes only after a call
        network = network_of(_exported(list(_blocks(module))), name, tuple(example.shape[2:]), entry)
        _forget(module)
        theirs = _call(module, example)
    late = sum(bool(getattr(block, "delay_shift", False)) for block in _blocks(module)) - network.steps_kept
    network = network if late <= 0 else network.late(late)
    _compare(network, example.numpy(), theirs, late)
    return network


def _is_block(module: torch.nn.Module) -> bool:
    return type(module).__module__.startswith(BLOCKS)


def _blocks(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """The blocks in the order in which the module lists them."""
    if _is_block(module):
        yield module
        return
    for child in module.children():
        yield from _blocks(child)


def _check_ready(module: torch.nn.Module) -> None:
    """SLAYER draws delays, and decays of single neurons, at the first call: before it there is no network yet."""
    if any(hasattr(part, "current_decay_min") or getattr(part, "init", True) is False for part in module.modules()):
        what = "its delays or decays are drawn at random at the first call, which has not happened"
        raise CompileError("slayer.ready", what, where=type(module).__name__, hint="call the network once")


def _forget(module: torch.nn.Module) -> None:
    """Zero state, as before the first step: persistent neurons remember the batch before."""
    for part in module.modules():
        for name in ("current_state", "voltage_state", "spike_state"):
            if isinstance(getattr(part, name, None), torch.Tensor):
                setattr(part, name, torch.zeros(1))
        if hasattr(part, "delay_buffer"):
            setattr(part, "delay_buffer", None)  # noqa: B010


def _call(module: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The module's (first) output, (T, B, *shape)."""
    result = _guarded("the network", lambda: module(inputs.permute(1, *range(2, inputs.ndim), 0)))
    result = result[0] if (is_tuple(result) or is_list(result)) and result else result
    if not isinstance(result, torch.Tensor) or result.ndim < 2:
        raise CompileError(
            "slayer.output", "the network returns no tensor of shape (B, *shape, T)", where=type(module).__name__
        )
    return result.permute(-1, *range(result.ndim - 1))


def _guarded(what: str, function: Callable[[], Any]) -> Any:
    """The function's result; what it raises, as an error about `what`."""
    hint = "example inputs are (T, B, *shape); SLAYER gets them as (B, *shape, T)"
    with user_code(what, rule="slayer.exception", hint=hint):
        return function()


def _exported(blocks: list[Any]) -> tuple[NetLayer, ...]:
    """What SLAYER would write into a file."""
    memory: Any = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for place, block in enumerate(blocks):
            group = file.create_group(f"layer/{place}")
            if type(block).__name__ == "Average":  # its own export fails: it asks for neurons that it does not have
                group["type"], group["shape"] = "average", np.array(block.shape)
            else:
                _guarded(f"export_hdf5 of block {place}", lambda block=block, group=group: block.export_hdf5(group))
    with h5py.File(memory, "r") as file:
        return layers_in(file, memory.getbuffer().nbytes)


def _compare(network: IntegerNetwork, inputs: Array, theirs: torch.Tensor, late: int) -> None:
    """CompileError where the module's output, which comes `late` steps after its input, is not the network's."""
    ours = _run(network, inputs)
    if len(ours) <= late:
        raise CompileError(
            "slayer.steps",
            f"{len(ours)} steps of example inputs are gone before the last of {late} layers has answered",
            hint="give more steps",
        )
    a, b = ours.reshape(len(ours), -1), theirs.numpy().reshape(len(theirs), -1)
    same = a.shape == b.shape and bool((np.abs(a - b) <= TOLERANCE * np.maximum(1, np.abs(b))).all())
    if not same:
        what = "the network computes something else than its blocks one after another"
        raise CompileError("slayer.check", what, hint="export it, or build it from a chain of blocks")


def _run(network: IntegerNetwork, inputs: Array) -> Array:
    """The network's output by its definition, (T, B, *shape)."""
    chip, epilogue = network.deployment.chip, network.deployment.epilogue
    (node,) = chip.inputs
    kind = node.type
    if kind.domain.kind == "graded":
        top = 1 << (kind.domain.bound - 1)
        inputs = np.clip(np.rint(inputs.astype(np.float64) / kind.scale), -top, top - 1)
    (value,) = interpret(chip, {node.name: inputs.astype(np.int64)}).values()
    (name,) = (node.name for node in epilogue.inputs)
    (output,) = interpret(epilogue, {name: value.astype(np.float32) * np.float32(network.scale)}).values()
    return output
