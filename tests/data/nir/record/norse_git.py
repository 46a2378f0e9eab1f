"""
Cases of Norse from its repository (commit 065a3b45, with nir 1.0.8, nirtorch 2.6): PYTHONPATH=<norse> python norse_git.py

LIFBox, LIF (with synaptic current), LIBox and IAF cells, scalar and per-neuron parameters, leak and reset that are not 0.
"""

from __future__ import annotations

import norse.torch as norse
import torch
from common import save, spikes
from norse.torch.utils.export_nir import to_nir

T, B, N, H = 40, 3, 6, 5


def box(size: int) -> torch.nn.Module:
    p = norse.LIFBoxParameters(
        tau_mem_inv=torch.rand(size) * 200 + 60,
        v_leak=torch.full((size,), 0.2),
        v_th=torch.rand(size) * 0.2 + 0.4,
        v_reset=torch.full((size,), -0.1),
    )
    return norse.LIFBoxCell(p)


def lif(size: int) -> torch.nn.Module:
    p = norse.LIFParameters(
        tau_syn_inv=torch.rand(size) * 200 + 100,
        tau_mem_inv=torch.rand(size) * 200 + 60,
        v_leak=torch.full((size,), 0.1),
        v_th=torch.rand(size) * 0.2 + 0.5,
        v_reset=torch.full((size,), -0.1),
    )
    return norse.LIFCell(p)


def iaf(size: int) -> torch.nn.Module:
    return norse.IAFCell(norse.IAFParameters(v_th=torch.rand(size) + 1, v_reset=torch.full((size,), -0.25)))


def li(size: int) -> torch.nn.Module:
    from norse.torch.functional.leaky_integrator_box import LIBoxParameters

    return norse.LIBoxCell(LIBoxParameters(tau_mem_inv=torch.rand(size) * 200 + 60, v_leak=torch.full((size,), 0.2)))


CASES = {
    "lifbox": lambda: [torch.nn.Linear(N, H), box(H), torch.nn.Linear(H, 4), box(4)],
    "lif": lambda: [torch.nn.Linear(N, H), lif(H), torch.nn.Linear(H, 4), lif(4)],
    "iaf": lambda: [torch.nn.Linear(N, H), iaf(H), torch.nn.Linear(H, 4, bias=False), iaf(4)],
    "mixed": lambda: [torch.nn.Linear(N, H), lif(H), torch.nn.Linear(H, 4), box(4), torch.nn.Linear(4, 4), iaf(4)],
    "libox": lambda: [torch.nn.Linear(N, H), box(H), torch.nn.Linear(H, 4), li(4)],
}


def main() -> None:
    for case, parts in CASES.items():
        torch.manual_seed(9)
        net = norse.SequentialState(*parts())
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
        save("norse", case, to_nir(net), x, torch.stack(y), "norse")


if __name__ == "__main__":
    main()
