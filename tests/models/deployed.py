"""Networks with dyadic weights, compiled: in floats, in integers and on Lava every neuron fires as in the module's own forward."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from backends.trace import Trace
from compile import Program, compile_model

Inputs = dict[str, torch.Tensor]


def assert_compiled_is_exact(network: nn.Module, inputs: Inputs, rtol: float = 0.0, **options: Any) -> Program:
    """
    All spikes, and the outputs; every population fires, but not always. Returns the program.

    Args:
        rtol: of the outputs, where the host computes what float32 rounds.
        options: of `compile_model`.
    """
    program = compile_model(network, target="gpu", example=inputs, **options)
    assert program.origin is not None
    spikes, outputs = _fired(network, inputs)
    for runs in (program.origin.build.floating, program, program.on("loihi")):
        trace = runs.run(inputs)
        _assert_spikes(trace, spikes)
        (result,) = trace.outputs.values()
        np.testing.assert_allclose(result, outputs.numpy(), rtol=rtol)
    return program


def _fired(network: nn.Module, inputs: Inputs) -> tuple[Inputs, torch.Tensor]:
    """Spikes of every neuron module by path, and the outputs."""
    spikes: Inputs = {}
    hooks = [
        module.register_forward_hook(lambda _module, _args, out, path=path: spikes.update({path: out}))
        for path, module in network.named_modules()
        if isinstance(module, LIFNode)
    ]
    with torch.no_grad():
        outputs = network(**inputs)
    for hook in hooks:
        hook.remove()
    return spikes, outputs


def _assert_spikes(trace: Trace, spikes: Inputs) -> None:
    assert trace.spikes.keys() == spikes.keys()
    for path, expected in spikes.items():
        np.testing.assert_array_equal(trace.spikes[path].reshape(expected.shape), expected.numpy(), err_msg=path)
        assert 0 < expected.mean() < 1, path
