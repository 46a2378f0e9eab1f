"""SpikingJelly's own model zoo (`spikingjelly.activation_based.model`), as its documentation builds it."""

from __future__ import annotations

from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from spikingjelly.activation_based.model import parametric_lif_net, sew_resnet, spiking_resnet, spiking_vgg
from torch import nn

from tests.networks.firing import awake
from tests.networks.network import Case, Size, image, spikes

OPTIONS: dict[str, Any] = {"surrogate_function": surrogate.ATan(), "detach_reset": True}


def _case(net: nn.Module, x: torch.Tensor) -> Case:
    functional.set_step_mode(net, "m")
    return Case(awake(net, {"x": x}), {"x": x})


def _pictures(size: Size, steps: int, samples: int, small_side: int) -> torch.Tensor:
    """The same picture in every step."""
    x = image(1, 3, 224) if size == "published" else image(samples, 3, small_side)
    return x.unsqueeze(0).repeat(steps, 1, 1, 1, 1)


def resnet(size: Size) -> Case:
    """Spiking ResNet-18: the sum of currents before the neuron, `out += identity`."""
    torch.manual_seed(0)
    if size == "published":
        net = spiking_resnet.spiking_resnet18(spiking_neuron=neuron.IFNode, **OPTIONS)
    else:
        net = spiking_resnet.SpikingResNet(
            spiking_resnet.BasicBlock, [1, 1, 1, 1], 10, width_per_group=64, spiking_neuron=neuron.IFNode, **OPTIONS
        )
        _narrow(net)
    return _case(net, _pictures(size, 4, 2, 32))


def sew(size: Size) -> Case:
    """SEW-ResNet-18, the sum of spikes."""
    torch.manual_seed(0)
    if size == "published":
        net = sew_resnet.sew_resnet18(cnf="ADD", spiking_neuron=neuron.IFNode, **OPTIONS)
    else:
        net = sew_resnet.SEWResNet(
            sew_resnet.BasicBlock, [1, 1, 1, 1], 10, cnf="ADD", spiking_neuron=neuron.IFNode, **OPTIONS
        )
        _narrow(net)
    return _case(net, _pictures(size, 4, 2, 32))


def _narrow(net: nn.Module, by: int = 16) -> None:
    """Fewer channels in all convolutions and norms, since the zoo's constructors fix 64 to 512."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, layer.Conv2d):
                channels = (
                    (child.in_channels if child.in_channels == 3 else child.in_channels // by),
                    child.out_channels // by,
                )
                shape = {"stride": child.stride, "padding": child.padding, "bias": child.bias is not None}
                setattr(parent, name, layer.Conv2d(*channels, child.kernel_size, **shape))
            elif isinstance(child, layer.BatchNorm2d):
                setattr(parent, name, layer.BatchNorm2d(child.num_features // by))
            elif isinstance(child, layer.Linear):
                setattr(parent, name, layer.Linear(child.in_features // by, max(child.out_features // by, 10)))


def vgg(size: Size) -> Case:
    """Spiking VGG-11 with norms: maximum pools of spikes, an adaptive average pool to 7 x 7."""
    torch.manual_seed(0)
    net = spiking_vgg.spiking_vgg11_bn(spiking_neuron=neuron.IFNode, **OPTIONS)
    if size == "small":
        _narrow(net)
    return _case(net, _pictures(size, 2, 2, 32))


def plif_mnist(size: Size) -> Case:
    """The MNIST net of the PLIF paper, 28 x 28, T = 8, with a voting layer."""
    torch.manual_seed(0)
    channels, steps, samples = (128, 8, 1) if size == "published" else (4, 4, 2)
    net = parametric_lif_net.MNISTNet(channels, neuron.ParametricLIFNode, init_tau=2.0, **OPTIONS)
    if size == "small":
        net.conv_fc[10], net.conv_fc[13] = layer.Linear(4 * 49, 32), layer.Linear(32, 100)
    return _case(net, image(samples, 1, 28).unsqueeze(0).repeat(steps, 1, 1, 1, 1))


def plif_cifar10(size: Size) -> Case:
    """The CIFAR-10 net of the PLIF paper, 256 channels, T = 8."""
    torch.manual_seed(0)
    channels, steps = (256, 8) if size == "published" else (4, 2)
    net = parametric_lif_net.CIFAR10Net(channels, neuron.ParametricLIFNode, init_tau=2.0, **OPTIONS)
    if size == "small":
        net.conv_fc[22], net.conv_fc[25] = layer.Linear(4 * 64, 32), layer.Linear(32, 100)
    return _case(net, image(1 if size == "published" else 2, 3, 32).unsqueeze(0).repeat(steps, 1, 1, 1, 1))


def plif_gesture(size: Size) -> Case:
    """The DVS128 Gesture net of the PLIF paper: events of 128 x 128, T = 20, counts in a frame as spikes."""
    torch.manual_seed(0)
    channels, steps, samples = (128, 20, 1) if size == "published" else (2, 3, 1)
    net = parametric_lif_net.DVSGestureNet(channels, neuron.ParametricLIFNode, init_tau=2.0, **OPTIONS)
    if size == "small":
        net.conv_fc[22], net.conv_fc[25] = layer.Linear(2 * 16, 32), layer.Linear(32, 110)
    return _case(net, spikes(steps, samples, 2, 128, 128, rate=0.1))
