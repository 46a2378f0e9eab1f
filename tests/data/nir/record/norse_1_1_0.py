"""
Cases of Norse 1.1.0 of PyPI (with nir 1.0.8, nirtorch 2.6): python norse_1_1_0.py

Its exporter multiplies every time constant by dt once more, and writes the batch axis into shapes, which is put right here.
"""

from __future__ import annotations

import nir
import norse.torch as norse
import numpy as np
import torch
from common import save, spikes
from norse.torch.utils.export_nir import to_nir

T, B, N, H = 40, 3, 6, 5


def box(size: int) -> torch.nn.Module:
    full = lambda value: torch.full((size,), value)
    return norse.LIFBoxCell(
        norse.LIFBoxParameters(torch.rand(size) * 200 + 60, full(0.2), torch.rand(size) * 0.2 + 0.4, full(0.0))
    )


def lif(size: int) -> torch.nn.Module:
    full = lambda value: torch.full((size,), value)
    return norse.LIFCell(
        norse.LIFParameters(
            torch.rand(size) * 200 + 100,
            torch.rand(size) * 200 + 60,
            full(0.1),
            torch.rand(size) * 0.2 + 0.5,
            full(0.0),
        )
    )


def main() -> None:
    for case, make in {"lifbox": box, "lif": lif}.items():
        torch.manual_seed(9)
        net = norse.SequentialState(torch.nn.Linear(N, H), make(H), torch.nn.Linear(H, 4), make(4))
        with torch.no_grad():
            for module in net.modules():
                if isinstance(module, torch.nn.Linear):
                    module.weight *= 4
                    module.weight += 0.2
        x, state, y = torch.from_numpy(spikes(7, T, B, N)), None, []
        with torch.no_grad():
            for step in x:
                out, state = net(step, state)
                y.append(out)
        graph = to_nir(net, x[0, :1])
        for name, node in graph.nodes.items():
            for key, value in vars(node).items():
                if isinstance(value, torch.Tensor):
                    setattr(node, key, value.detach().numpy())
            if isinstance(node, nir.Input):
                graph.nodes[name] = nir.Input({"input": np.array([N])})
            if isinstance(node, nir.Output):
                graph.nodes[name] = nir.Output({"output": np.array([4])})
        save("norse_1_1_0", case, graph, x, torch.stack(y), "norse-1.1.0")


if __name__ == "__main__":
    main()
