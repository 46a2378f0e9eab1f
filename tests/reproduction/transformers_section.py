"""The page's section about spiking transformers."""

from __future__ import annotations

from fractions import Fraction

from compile.energy.formula.arithmetic import ArithmeticWork
from models.zoo.page import grid
from tests.reproduction.printed import PRINTED, millijoules
from tests.reproduction.text import difference, millions, mj, number, section
from tests.reproduction.transformers import STEPS, Network, logged, networks, operations

IMAGES = 50_000
NETWORKS = """## Spiking transformers

Of these, operations (OPs, accumulations) and energy are printed, T = 4. Ours is 0.9 pJ OPs + 4.6 pJ **MACs**: the multiplications that must have
been charged*, which follow from the sizes. ResNets of the same table are beside them.

{sources}
"""
NETWORKS_NOTES = """* **Spikformer**: all five energies hold {charged:.1f} M multiplications*, the first convolution of the network of width 512: 64 kernels on 224 x 224 pixels
  in four steps. That of 8-384 has 48 and of 8-768 has 96 kernels; with their own they would take {low:.3f} and {high:.3f} mJ. What is left,
  0.0006 mJ, is 0.347 G* in place of {charged:.1f} M.
* **ResNets** of that table have their first convolution, 7 x 7 x 3 x 64 x 112 x 112, once and not in four steps*: {once:.3f} mJ, where four
  steps are {steps:.3f}.
* **Spikformer-4-384**: the script's multiplications, {small:,}, are those of the first convolution in four steps and of the head.
* **Spikingformer** has its own first convolution in four steps, and its head once. What is left is rounding: 0.005 G of OPs are
  0.0045 mJ, and mJ have two decimals.
"""
LAYERS = """### {name}, layer by layer

{source}.
**FL** per step follow from the sizes; times T and the log's rates they are **ours**, in millions per sample.
"""
LAYERS_NOTES = """Biases, which are none of FL, explain all but {rest:.0e} of the operations; rates are means over batches of {batch} of 50,000 images{odd}.
Products are charged as the log's script has them: K^T V at the smaller rate of K and V, then Q at its own, N D^2 / h each.
Printed: {printed:.4f} mJ; ours: {ours:.4f}, with biases {with_biases:.4f}.
"""


def transformers() -> str:
    """Networks, then the layers of those with a log."""
    found = {network.name: network for network in networks()}
    once = millijoules(ArithmeticWork(multiplications=Fraction(found["SEW-ResNet-34"].charged)))
    notes = NETWORKS_NOTES.format(
        charged=found["Spikformer-8-512"].charged / 1e6,
        once=float(once),
        steps=float(STEPS * once),
        small=found["Spikformer-4-384, CIFAR-10"].charged,
        low=float(found["Spikformer-8-384"].own_mj),
        high=float(found["Spikformer-8-768"].own_mj),
    )
    sources = "\n".join(
        f"* {', '.join(row['name'] for row in table['rows'])}: {table['source']}."
        for table in PRINTED["networks"].values()
    )
    columns = (
        "network",
        "OPs, G",
        "MACs, M",
        "printed, mJ",
        "ours, mJ",
        "difference",
        "its own MACs, M",
        "with them, mJ",
    )
    table = grid(columns, [_network(network) for network in found.values()])
    return section(NETWORKS.format(sources=sources), table, notes, *(_layers(name) for name in PRINTED["logs"]))


def _network(network: Network) -> tuple[str, ...]:
    own = (f"{network.own / 1e6:.1f}", mj(network.own_mj)) if network.own != network.charged else ("", "")
    return (
        network.name,
        f"{float(network.operations):.4g}",
        f"{network.charged / 1e6:.1f}",
        f"{float(network.printed_mj):.5g}",
        mj(network.ours_mj),
        difference(network.ours_mj, network.printed_mj, 4),
        *own,
    )


def _layers(name: str) -> str:
    """A network with a log."""
    found, log = logged(name), PRINTED["logs"][name]
    rows = [
        (
            each.name,
            number(sum(each.flops)),
            millions(each.printed),
            millions(operations(each.ours)),
            difference(operations(each.ours) / 10**6, each.printed / 10**6, 3),
            millions(operations(each.biases)) if each.bias else "",
            mj(millijoules(each.ours)),
        )
        for each in found
    ]
    ours, biases = (
        sum(millijoules(work) for work in works) for works in zip(*((e.ours, e.biases) for e in found), strict=True)
    )
    columns = ("layers", "FL", "printed, M", "ours, M", "difference, M", "biases, M", "ours, mJ")
    notes = LAYERS_NOTES.format(
        rest=float(max(abs(1 - operations(each.ours + each.biases) / each.printed) for each in found)),
        batch=log["batch"],
        odd="" if IMAGES % log["batch"] == 0 else ", the last of which is smaller and weighs as much",
        printed=float(log["power"]),
        ours=float(ours),
        with_biases=float(ours + biases),
    )
    return section(LAYERS.format(name=name, source=log["source"]), grid(columns, rows), notes)
