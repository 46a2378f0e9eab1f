"""Networks with dyadic weights, compiled: the chip's integers are the module's own spikes."""

from __future__ import annotations

import numpy as np
import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from compile import compile_model


def assert_integers_are_exact(network: nn.Module, inputs: dict[str, torch.Tensor], target: str) -> None:
    """Every population's spikes, and the outputs, on `target` against the module's own forward."""
    program = compile_model(network, target=target, example=inputs, static=tuple(inputs), steps=4)
    spikes: dict[str, torch.Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _module, _args, out, path=path: spikes.update({path: out}))
        for path, module in network.named_modules()
        if isinstance(module, LIFNode)
    ]
    with torch.no_grad():
        output = network(**inputs)
    for hook in hooks:
        hook.remove()
    trace = program.run(inputs)
    assert trace.spikes.keys() == spikes.keys()
    for path, expected in spikes.items():
        np.testing.assert_array_equal(trace.spikes[path].reshape(expected.shape), expected.numpy(), err_msg=path)
        assert 0 < expected.mean() < 1, path
    (result,) = trace.outputs.values()
    np.testing.assert_array_equal(result, output.numpy())
