"""The networks of the tutorials of Norse and snnTorch, and others of their cells: loops over steps, states handed through."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image, spikes


def snntorch_mlp(size: Size) -> Case:
    """Tutorial 5: 784-1000-10, Leaky with beta 0.95, T = 25, spikes and membranes stacked; a picture that does not change."""
    import snntorch

    class Net(nn.Module):
        def __init__(self, inputs: int, hidden: int, steps: int) -> None:
            super().__init__()
            self.fc1, self.lif1 = nn.Linear(inputs, hidden), snntorch.Leaky(beta=0.95)
            self.fc2, self.lif2 = nn.Linear(hidden, 10), snntorch.Leaky(beta=0.95)
            self.num_steps = steps

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mem1 = self.lif1.init_leaky()
            mem2 = self.lif2.init_leaky()
            spk2_rec, mem2_rec = [], []
            for _ in range(self.num_steps):
                cur1 = self.fc1(x)
                spk1, mem1 = self.lif1(cur1, mem1)
                cur2 = self.fc2(spk1)
                spk2, mem2 = self.lif2(cur2, mem2)
                spk2_rec.append(spk2)
                mem2_rec.append(mem2)
            return torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0)

    torch.manual_seed(0)
    inputs, hidden, steps = (784, 1000, 25) if size == "published" else (16, 12, 6)
    x = spikes(2, inputs, rate=0.5) * image(2, 1, 1)[:, 0, 0, :1].abs()
    return Case(awake(Net(inputs, hidden, steps), {"x": x}), {"x": x}, steps=steps)


def snntorch_conv(size: Size) -> Case:
    """Tutorial 6: 12C5-MP2-64C5-MP2-1024FC10, the pools before the neurons, beta 0.5, T = 50; reads out spikes."""
    import snntorch
    import torch.nn.functional as F

    class Net(nn.Module):
        def __init__(self, a: int, b: int, side: int, steps: int) -> None:
            super().__init__()
            self.conv1, self.lif1 = nn.Conv2d(1, a, 5), snntorch.Leaky(beta=0.5)
            self.conv2, self.lif2 = nn.Conv2d(a, b, 5), snntorch.Leaky(beta=0.5)
            last = ((side - 4) // 2 - 4) // 2
            self.fc1, self.lif3 = nn.Linear(b * last * last, 10), snntorch.Leaky(beta=0.5)
            self.steps = steps

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
            out = []
            for _ in range(self.steps):
                spk1, mem1 = self.lif1(F.max_pool2d(self.conv1(x), 2), mem1)
                spk2, mem2 = self.lif2(F.max_pool2d(self.conv2(spk1), 2), mem2)
                spk3, mem3 = self.lif3(self.fc1(spk2.flatten(1)), mem3)
                out.append(spk3)
            return torch.stack(out)

    torch.manual_seed(0)
    a, b, side, steps = (12, 64, 28, 50) if size == "published" else (2, 4, 16, 4)
    net, x = Net(a, b, side, steps), image(2, 1, side)
    with torch.no_grad():
        net.conv2.weight.mul_(3)  # the pools are functions, behind which `awake` does not look
    return Case(awake(net, {"x": x}), {"x": x}, steps=steps)


def snntorch_recurrent(size: Size) -> Case:
    """
    700-128-35 for Spiking Speech Commands, T = 100: a linear layer, RSynaptic with all-to-all recurrence, a linear layer.

    Read out are the membranes of a Leaky that is never reset.
    """
    import snntorch

    class Net(nn.Module):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__()
            self.fc1 = nn.Linear(inputs, hidden)
            self.rec = snntorch.RSynaptic(alpha=0.8, beta=0.9, linear_features=hidden)
            self.fc2, self.out = nn.Linear(hidden, 35), snntorch.Leaky(beta=0.9, reset_mechanism="none")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spk, syn, mem = self.rec.init_rsynaptic()
            mem2, recorded = self.out.init_leaky(), []
            for step in range(x.size(0)):
                spk, syn, mem = self.rec(self.fc1(x[step]), spk, syn, mem)
                _, mem2 = self.out(self.fc2(spk), mem2)
                recorded.append(mem2)
            return torch.stack(recorded)

    torch.manual_seed(0)
    inputs, hidden, steps = (700, 128, 100) if size == "published" else (12, 10, 6)
    x = spikes(steps, 2, inputs, rate=0.2)
    net = Net(inputs, hidden)
    with torch.no_grad():
        net.rec.recurrent.weight.mul_(0.3)
    return Case(awake(net, {"x": x}), {"x": x})


def norse_mnist(size: Size) -> Case:
    """The MNIST tutorial's ConvNet: convolutions with average pools, LIF cells, a LI read-out, one state per cell."""
    import norse.torch as norse

    class ConvNet(nn.Module):
        def __init__(self, a: int, b: int, hidden: int, side: int) -> None:
            super().__init__()
            parameters = norse.LIFParameters(method="super", alpha=torch.tensor(100.0), v_th=torch.tensor(0.7))
            last = ((side - 4) // 2 - 4) // 2
            self.features = last * last * b
            self.conv1, self.conv2 = nn.Conv2d(1, a, 5, 1), nn.Conv2d(a, b, 5, 1)
            self.fc1 = nn.Linear(self.features, hidden)
            self.lif0, self.lif1, self.lif2 = (norse.LIFCell(p=parameters) for _ in range(3))
            self.pool, self.out_fc, self.out = nn.AvgPool2d(2), nn.Linear(hidden, 10, bias=False), norse.LICell()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            s0 = s1 = s2 = so = None
            voltages = []
            for step in range(x.shape[0]):
                z, s0 = self.lif0(self.conv1(x[step]), s0)
                z = self.pool(z)
                z, s1 = self.lif1(10 * self.conv2(z), s1)
                z = self.pool(z).view(-1, self.features)
                z, s2 = self.lif2(self.fc1(z), s2)
                v, so = self.out(self.out_fc(torch.relu(z)), so)
                voltages.append(v)
            return torch.stack(voltages)

    torch.manual_seed(0)
    a, b, hidden, side, steps = (20, 50, 500, 28, 32) if size == "published" else (2, 4, 12, 16, 5)
    x = spikes(steps, 2, 1, side, side, rate=0.2)
    return Case(awake(ConvNet(a, b, hidden, side), {"x": x}), {"x": x})


def norse_recurrent(size: Size) -> Case:
    """A LSTM-like memory task's network: LIFRecurrent over the window in a SequentialState, a linear layer, LI."""
    import norse.torch as norse

    class Net(nn.Module):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__()
            self.layers = norse.SequentialState(norse.LIFRecurrent(inputs, hidden), nn.Linear(hidden, 10), norse.LI())

        def forward(self, x: torch.Tensor) -> Any:
            return self.layers(x)[0]

    torch.manual_seed(0)
    inputs, hidden, steps = (700, 128, 100) if size == "published" else (12, 10, 8)
    net, x = Net(inputs, hidden), spikes(steps, 2, inputs, rate=0.3)
    with torch.no_grad():
        cell = net.layers[0]
        cell.input_weights.mul_(6 * (12 / inputs) ** 0.5)
    return Case(net.eval(), {"x": x})
