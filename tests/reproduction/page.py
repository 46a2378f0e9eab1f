"""docs/reproduction.md."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reproduction.cmsf import Fusion, Line
from tests.reproduction.cmsf_section import table_1, table_4
from tests.reproduction.snnergy import snnergy
from tests.reproduction.spikeclip import spikeclip
from tests.reproduction.text import section
from tests.reproduction.transformers_section import transformers

HEAD = """# Published tables, reproduced

What papers print of energies and operations; the formula as it must have been used; ours, by the functions of `compile/energy/formula`, and what
differs; beside it what the networks have. All are E_AC T R FL, and E_MAC FL where nothing spikes, with 0.9 and 4.6 pJ ([energy](energy.md)).
What a paper leaves open, so that it is **our reading**, is marked *. Printed numbers are in `tests/reproduction/printed.toml`, each with where it stands.

One command makes this page: `python -m tests.reproduction --out docs/reproduction.md`. It reads CMSF from the graph of published size;
`tests/test_reproduction.py` makes the same page from counts by hand.
"""
NOT_REPRODUCED = """## What cannot be reproduced

| what | why |
| --- | --- |
| CMSF's energies in mJ | the supplement prints no rates and no T_1 to T_3; the figures of the main paper were not at hand |
| SpikeCLIP's rates and energies per data set | not at hand, only the saving |
| SNNergy's energies | none are printed; nor are the rates of V, of what blocks read, and of downsampling; widths and numbers of blocks are our reading |
| TAAF-SNN's energy | a claim without numbers |
| Spikformer, layer by layer | rates of Q, K, V are in a figure, others are not printed |
| Spikformer at 12.43, 18.82 and 32.07 mJ (a comment in Spikingformer's README) | how many operations multiply there is not printed |
| Spikingformer-8-384, layer by layer | there is no log |
| Spikingformer-8-768's 13.68 mJ from its log | the log has 12.51 G operations, the README, from which 13.68 follows, 12.54 G |
| QKFormer's 38.91 mJ (10-768) | rates of stages 1 and 2 are printed, those of stage 3 and of downsampling are not |
| Spike-driven Transformer, Meta-SpikeFormer, SpikingResformer | their repositories have no rates; tables of their supplements were not at hand |
"""


def page(lines: Sequence[Line], fusions: Sequence[Fusion]) -> str:
    """The whole page, from what the published size of CMSF has."""
    sections = (HEAD, table_4(lines), table_1(fusions), snnergy(), spikeclip(), transformers(), NOT_REPRODUCED)
    return section(*sections) + "\n"
