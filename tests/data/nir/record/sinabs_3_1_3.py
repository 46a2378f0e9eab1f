"""
Cases of sinabs 3.1.3 (with nir 1.0.4, nirtorch 2.0.2): python sinabs_3_1_3.py

IAF, LIF (norm_input or not) and ExpLeak; several spikes per step, reset by subtraction, which is what sinabs does by default,
and single spikes or reset to zero, which its files do not tell.
"""

from __future__ import annotations

import nir
import sinabs.activation as sina
import sinabs.layers as sl
import torch
from common import save, spikes
from sinabs.nir import to_nir
from torch import nn

T, B, N, H = 40, 3, 6, 5
CASES = {
    "iaf": (lambda size: sl.IAF(spike_threshold=torch.full((size,), 1.25)), "sinabs"),
    "iaf_single": (
        lambda size: sl.IAF(spike_threshold=torch.full((size,), 0.75), spike_fn=sina.SingleSpike),
        "sinabs,max_spikes=1",
    ),
    "iaf_reset": (
        lambda size: sl.IAF(spike_threshold=torch.full((size,), 0.75), reset_fn=sina.MembraneReset()),
        "sinabs,reset=value",
    ),
    "lif": (
        lambda size: sl.LIF(tau_mem=torch.linspace(3.0, 9.0, size), spike_threshold=torch.full((size,), 0.3)),
        "sinabs",
    ),
    "lif_sum": (
        lambda size: sl.LIF(
            tau_mem=torch.linspace(3.0, 9.0, size), spike_threshold=torch.full((size,), 0.8), norm_input=False
        ),
        "sinabs-sum",
    ),
    "lif_single_reset": (
        lambda size: sl.LIF(
            tau_mem=torch.linspace(3.0, 9.0, size),
            spike_threshold=torch.full((size,), 0.3),
            spike_fn=sina.SingleSpike,
            reset_fn=sina.MembraneReset(),
        ),
        "sinabs,max_spikes=1,reset=value",
    ),
    "expleak": (lambda size: sl.ExpLeak(tau_mem=torch.linspace(3.0, 9.0, size)), "sinabs"),
    "expleak_norm": (
        lambda size: sl.ExpLeak(tau_mem=torch.linspace(3.0, 9.0, size), norm_input=True),
        "sinabs,li_gain=ode",
    ),
}


def reset(net: nn.Module) -> None:
    for module in net.modules():
        if hasattr(module, "reset_states"):
            module.reset_states()


def main() -> None:
    for case, (make, semantics) in CASES.items():
        torch.manual_seed(4)
        last = make(4) if not case.startswith("expleak") else CASES["lif"][0](4)
        net = nn.Sequential(nn.Linear(N, H), make(H), nn.Linear(H, 4), last)
        with torch.no_grad():
            net[0].weight *= 4
            net[2].weight *= 4
            net[0].bias.abs_()
        x = torch.from_numpy(spikes(8, T, B, N))
        with torch.no_grad():
            y = net(x.swapaxes(0, 1)).swapaxes(0, 1).clone()
            reset(net)
            graph = to_nir(net, x[:1].swapaxes(0, 1))
        graph.nodes["input"] = nir.Input({"input": torch.tensor([N]).numpy()})
        graph.nodes["output"] = nir.Output({"output": torch.tensor([4]).numpy()})
        for node in graph.nodes.values():
            for key, value in vars(node).items():
                if isinstance(value, torch.Tensor):
                    setattr(node, key, value.detach().numpy())
        save("sinabs", case, graph, x, y, semantics)


if __name__ == "__main__":
    main()
