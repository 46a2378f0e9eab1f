"""The page's sections about CMSF."""

from __future__ import annotations

from collections.abc import Sequence

from models.zoo.page import grid
from tests.reproduction.cmsf import Fusion, Line
from tests.reproduction.printed import PRINTED
from tests.reproduction.text import mj, number, section

TABLE_4 = """## CMSF, Table 4

Formulas, with neither rates nor energies: {source}.
So ours are at R = 1, with T = 2, N = L = 36, D = 1,024, 8 heads and 6 combs: **FL** as the row counts them, per step; **operations** as the network
has them, traced from the configuration `paper` of `models/cmsf.py`, per encoder, or per direction of a fusion; and the energies of both, the
latter as multiplications where the operand is analog, once where it is static.
"""
TABLE_4_NOTES = """* FL_r, FL_w, FL_o and FL_g are not spelled out*: N 2,048 D, N 768 D, N D^2, 8 N D^2. T_1 to T_3 are taken for T*.
* Q, K, V: 3 N D^2 as printed. SCCA has no V, 2 N D^2.
* Regions and words enter as floats, which nothing accumulates: they are multiplied, once.
* SCA and SCSA leave out the heads: K^T V and Q (K^T V), as coded, are N D^2 / h each.
* SCCA counts vectors of D elements as one: its sums are N D and its masks L D operations.
* The gate is free where it spikes. As coded it is analog, so that the layer behind it multiplies at every step, 4 N D^2; the table has no
  row for that layer, the most expensive of all.
"""
TABLE_1 = """## CMSF, Table 1: SCA, SCSA, SCCA

The printed complexities beside what the three have at that size, as traced, and as lowered for Loihi 2: operations per step of one direction
(SCSA has one for both). **held**: numbers that stand between the two products, or between sums and masks. **neurons**, **synapses**: between the spikes
of Q, K, V and the last projection, those that lowering adds included.
"""
FORMULAS = {
    "sca": ("(N + 2 L) D^2", "(N + L) D^2 / h", "2 N L D", "D^2 / h"),
    "scsa": ("3 (N + L) D^2", "2 (N + L) D^2 / h", "2 (N + L)^2 D", "D^2 / h"),
    "scca": ("(N + L) D^2", "(N + L) D", "(N + L) D", "combs D"),
}
"""Fusion -> what projections, the rest as coded and on the chip, and what is held are in sizes."""
TABLE_1_NOTES = """SCCA's time is O((N + L) D), every element of a token being an operation; its space is O(D) per comb. SCA's products are O(N L D) on the
chip, (Q K^T) V, since there are fewer tokens than elements of a head, and O(N D^2 / h) otherwise. SCCA takes {ratio:.0f} times fewer synapses
than SCA between Q, K, V and the last projection, and {share:.0%} of SCA's operations when Q, K and V are counted, too. Of the whole part, both
directions, without what lowering adds:
"""
VARIANTS = """All are values of `fusion` in `CmsfConfig` (`none` trains without a teacher). `tests/ir/lowerings/test_traced_cmsf.py` compares the three,
lowered, with the network, every neuron at every step; [ablations](ablations.md) trains them.
"""
SPELLED_OUT = ("Q, K, V", "SCA", "SCSA", "SCCA", "Gate Multiply")


def table_4(lines: Sequence[Line]) -> str:
    """Row by row."""
    printed = PRINTED["cmsf"]
    columns = ("row", "printed", "FL", "mJ at R = 1", "operations", "operations - FL", "mJ of operations")
    rows = [
        (
            line.name + ("" if line.name in SPELLED_OUT else "*"),
            printed["consumption"].get(line.name, ""),
            number(line.flops),
            mj(line.charged_mj),
            number(line.operations),
            f"{line.operations - line.flops:+,}" if line.operations != line.flops else "",
            mj(line.real_mj),
        )
        for line in lines
    ]
    return section(TABLE_4.format(source=printed["source"]), grid(columns, rows), TABLE_4_NOTES)


def table_1(fusions: Sequence[Fusion]) -> str:
    """Time and space, then the whole parts."""
    columns = (
        "fusion",
        "time, printed",
        "Q, K, V",
        "the rest, as coded",
        "the rest, on the chip",
        "space, printed",
        "held",
    )
    rows = [_row(fusion) for fusion in fusions]
    parts = grid(("fusion", "neurons", "synapses", "copies"), [(f.name.upper(), *map(number, f.part)) for f in fusions])
    of = {fusion.name: fusion for fusion in fusions}
    totals = {name: fusion.projections + fusion.on_chip for name, fusion in of.items()}
    ratio, share = of["sca"].synapses / of["scca"].synapses, totals["scca"] / totals["sca"]
    notes = TABLE_1_NOTES.format(ratio=ratio, share=share)
    return section(TABLE_1, grid((*columns, "neurons", "synapses"), rows), notes, parts, VARIANTS)


def _row(fusion: Fusion) -> tuple[str, ...]:
    name = fusion.name.upper()
    time, space = PRINTED["cmsf"]["complexity"][name]
    counted = (fusion.projections, fusion.between, fusion.on_chip, fusion.held)
    q_k_v, as_coded, on_chip, held = (
        f"{formula} = {number(count)}" for formula, count in zip(FORMULAS[fusion.name], counted, strict=True)
    )
    return name, time, q_k_v, as_coded, on_chip, space, held, number(fusion.neurons), number(fusion.synapses)
