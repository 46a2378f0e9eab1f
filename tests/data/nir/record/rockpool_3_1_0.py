"""
Cases of Rockpool 3.1.0 (with nir 1.0.8, nirtorch 2.6): python rockpool_3_1_0.py

LIFNeuronTorch, LIFTorch and ExpSynTorch between linear layers, several spikes per step.
"""

from __future__ import annotations

import nir
import numpy as np
import torch
from common import save, spikes
from rockpool.nn.combinators import Sequential
from rockpool.nn.modules import ExpSynTorch, LIFNeuronTorch, LIFTorch, LinearTorch
from rockpool.nn.modules.torch.nir import to_nir

T, B, N, H = 40, 3, 6, 5
DT = 1e-3


def taus(size: int, least: float, most: float) -> torch.Tensor:
    return torch.linspace(least, most, size)


CASES = {
    "lif_neuron": lambda n: LIFNeuronTorch(n, tau_mem=taus(n, 5e-3, 2e-2), threshold=torch.full((n,), 1.5), dt=DT),
    "lif": lambda n: LIFTorch(
        n, tau_mem=taus(n, 5e-3, 2e-2), tau_syn=taus(n, 3e-3, 9e-3), threshold=torch.full((n,), 4.0), dt=DT
    ),
    "lif_uniform": lambda n: LIFTorch(
        n, tau_mem=torch.tensor(0.01), tau_syn=torch.tensor(0.005), threshold=torch.tensor(3.0), dt=DT
    ),
    "exp_syn": lambda n: ExpSynTorch(n, tau=taus(n, 3e-3, 9e-3), dt=DT),
}


def main() -> None:
    for case, make in CASES.items():
        torch.manual_seed(4)
        last = make(4) if case != "exp_syn" else CASES["lif_neuron"](4)
        net = Sequential(LinearTorch((N, H), has_bias=True), make(H), LinearTorch((H, 4), has_bias=False), last)
        with torch.no_grad():
            for module in net.modules().values():
                if isinstance(module, LinearTorch):
                    module.weight *= 3
        x = torch.from_numpy(spikes(8, T, B, N))
        with torch.no_grad():
            y = net(x.swapaxes(0, 1))[0].swapaxes(0, 1)
        graph = to_nir(net, torch.zeros(1, 1, N))
        for name, node in graph.nodes.items():
            if isinstance(node, nir.Input):
                graph.nodes[name] = nir.Input({"input": np.array([N])})
            if isinstance(node, nir.Output):
                graph.nodes[name] = nir.Output({"output": np.array([4])})
            for key, value in vars(node).items():
                if isinstance(value, torch.Tensor):
                    setattr(node, key, value.detach().numpy())
        save("rockpool", case, graph, x, y, "rockpool", DT)


if __name__ == "__main__":
    main()
