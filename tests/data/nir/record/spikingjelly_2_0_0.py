"""
Cases of SpikingJelly 2.0.0 (with nir 1.0.8, nirtorch 2.6): python spikingjelly_2_0_0.py

IF, LIF, ParametricLIF and CUBALIF, with and without decay of the input, reset to 0 or not, ties (dyadic weights), convolutions.
"""

from __future__ import annotations

import torch
from common import save, spikes
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.nir_exchange import export_to_nir
from torch import nn

T, B, N, H = 40, 3, 6, 5
NEURONS = {
    "if": lambda: neuron.IFNode(v_threshold=1.25),
    "if_reset": lambda: neuron.IFNode(v_reset=-0.25),
    "lif_decay": lambda: neuron.LIFNode(tau=2.0, decay_input=True, v_threshold=0.5),
    "lif": lambda: neuron.LIFNode(tau=4.0, decay_input=False),
    "lif_tau3": lambda: neuron.LIFNode(tau=3.0, decay_input=True, v_threshold=0.4),
    "lif_reset": lambda: neuron.LIFNode(tau=2.0, decay_input=True, v_threshold=0.5, v_reset=-0.5),
    "lif_reset_up": lambda: neuron.LIFNode(tau=2.5, decay_input=False, v_threshold=1.0, v_reset=0.25),
    "plif": lambda: neuron.ParametricLIFNode(init_tau=3.0, decay_input=True, v_threshold=0.5),
    "cuba": lambda: neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, v_threshold=2.0),
    "cuba_uneven": lambda: neuron.CUBALIFNode(c_decay=0.3, v_decay=0.85, v_threshold=1.7),
}


def run(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    functional.reset_net(net)
    with torch.no_grad():
        y = torch.stack([net(step) for step in x])
    functional.reset_net(net)
    return y


def dense(name: str, dyadic: bool, dt: float) -> None:
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(N, H), NEURONS[name](), nn.Linear(H, 4, bias=False), NEURONS[name]())
    with torch.no_grad():
        net[0].weight *= 3
        net[2].weight *= 4
        net[2].weight += 0.3
        net[0].bias.abs_()
        if dyadic:
            for item in (net[0].weight, net[0].bias, net[2].weight):
                item.copy_(torch.round(item * 4) / 4)
    x = torch.from_numpy(spikes(2, T, B, N))
    y = run(net, x)
    graph = export_to_nir(net, x[0], dt=dt)
    save(
        "spikingjelly",
        name + ("_ties" if dyadic else "") + ("_ms" if dt != 1e-4 else ""),
        graph,
        x,
        y,
        "spikingjelly",
        dt,
    )


def conv() -> None:
    torch.manual_seed(6)
    net = nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1),
        neuron.LIFNode(tau=2.0),
        layer.AvgPool2d(2),
        nn.Conv2d(4, 3, 3, stride=2, padding=1),
        neuron.IFNode(v_threshold=0.5),
        layer.Flatten(),
        layer.Linear(12, 5),
        neuron.LIFNode(tau=2.0, v_threshold=0.5),
    )
    with torch.no_grad():
        for module in net:
            if hasattr(module, "weight"):
                module.weight *= 3
    x = torch.from_numpy(spikes(4, 20, 2, 2, 8, 8))
    y = run(net, x)
    save("spikingjelly", "conv2d", export_to_nir(net, x[0]), x, y, "spikingjelly", 1e-4)
    net = nn.Sequential(
        layer.Conv1d(2, 4, 4, padding="same"), neuron.LIFNode(tau=2.0), nn.Flatten(), nn.Linear(36, 5), neuron.IFNode()
    )
    with torch.no_grad():
        net[0].weight *= 3
        net[3].weight *= 3
    x = torch.from_numpy(spikes(5, 20, 2, 2, 9))
    save("spikingjelly", "conv1d_same", export_to_nir(net, x[0]), x, run(net, x), "spikingjelly", 1e-4)


if __name__ == "__main__":
    for kind in NEURONS:
        dense(kind, False, 1e-4)
        dense(kind, True, 1e-4)
    dense("lif", False, 1e-3)
    conv()
