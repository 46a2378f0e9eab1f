"""Published networks, by the names of their rows in docs/networks.md."""

from __future__ import annotations

from collections.abc import Mapping

from tests.networks import (
    meta_former,
    ms_resnet,
    qkformer,
    sew_resnet,
    speech,
    spike_driven,
    spikformer,
    tutorials,
    zoo,
)
from tests.networks.network import Network

_PLIF = "Fang et al., ICCV 2021, `spikingjelly.activation_based.model.parametric_lif_net`"
_SEW = "Fang et al., NeurIPS 2021, github.com/fangwei123456/Spike-Element-Wise-ResNet"
_SNNTORCH = "Eshraghian et al., Proc. IEEE 2023, snntorch.readthedocs.io"
_NORSE = "Pehle & Pedersen, github.com/norse/notebooks"


def _both(rule: str) -> Mapping[str, str]:
    """Refused at every precision."""
    return {"float": rule, "int": rule}


NETWORKS: Mapping[str, Network] = {
    "spiking-resnet18": Network("`spikingjelly.activation_based.model.spiking_resnet`", zoo.resnet),
    "sew-resnet18": Network("`spikingjelly.activation_based.model.sew_resnet`", zoo.sew),
    "spiking-vgg11": Network("`spikingjelly.activation_based.model.spiking_vgg`", zoo.vgg),
    "plif-mnist": Network(_PLIF, zoo.plif_mnist),
    "plif-cifar10": Network(_PLIF, zoo.plif_cifar10),
    "plif-dvs-gesture": Network(_PLIF, zoo.plif_gesture),
    "sew-add": Network(_SEW, sew_resnet.add),
    "sew-and": Network(_SEW, sew_resnet.conjunction),
    "sew-iand": Network(_SEW, sew_resnet.inhibition),
    "ms-resnet18": Network("Hu et al., TNNLS 2024, github.com/Ariande1/MS-ResNet", ms_resnet.ms_resnet),
    "spikformer": Network("Zhou et al., ICLR 2023, github.com/ZK-Zhou/spikformer", spikformer.spikformer),
    "spikingformer": Network("Zhou et al., 2023, github.com/zhouchenlin2096/Spikingformer", spikformer.spikingformer),
    "sdt-v1": Network("Yao et al., NeurIPS 2023, github.com/BICLab/Spike-Driven-Transformer", spike_driven.v1),
    "sdt-v2": Network("Yao et al., ICLR 2024, github.com/BICLab/Spike-Driven-Transformer-V2", meta_former.v2),
    "sdt-v3": Network("Yao et al., TPAMI 2025, github.com/BICLab/Spike-Driven-Transformer-V3", meta_former.v3),
    "qkformer": Network("Zhou et al., NeurIPS 2024, github.com/zhouchenlin2096/QKFormer", qkformer.per_sample),
    "qkformer-released": Network(
        "the same, its last attention's neurons over T x B", qkformer.as_released, refused=_both("import.axes")
    ),
    "snntorch-mlp": Network(_SNNTORCH, tutorials.snntorch_mlp, "snntorch"),
    "snntorch-conv": Network(_SNNTORCH, tutorials.snntorch_conv, "snntorch"),
    "speech-rsnn": Network(
        "Cramer et al., TNNLS 2022, as a network of snnTorch's RSynaptic", tutorials.snntorch_recurrent, "snntorch"
    ),
    "norse-mnist": Network(_NORSE, tutorials.norse_mnist, "norse"),
    "norse-recurrent": Network(_NORSE, tutorials.norse_recurrent, "norse"),
    "speech-written": Network("the same, written out: github.com/fzenke/spytorch", speech.heidelberg),
    "e-prop": Network("Bellec et al., Nature Communications 2020", speech.eprop),
    "decolle": Network("Kaiser et al., Frontiers in Neuroscience 2020", speech.decolle),
}
"""Name -> network."""
