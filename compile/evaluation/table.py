"""The rows of an evaluation as a Markdown table and as JSON, and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compile.evaluation.evaluate import EvaluationRow
from compile.measure.spike_match import SpikeMatch

SCHEMA = "spike-compiler-evaluation/1"


def score(row: EvaluationRow) -> float:
    """What sweeps are judged by: the task's last metric, larger is better."""
    return list(row.metrics.values())[-1]


def pareto(rows: Sequence[EvaluationRow]) -> list[bool]:
    """Whether no row of the same network has a better score at no more energy, or the same for less."""
    return [row.energy_pj is not None and not any(_beats(other, row) for other in rows) for row in rows]


def _beats(other: EvaluationRow, row: EvaluationRow) -> bool:
    if other.setting.network != row.setting.network or other.energy_pj is None or row.energy_pj is None:
        return False
    theirs, ours = (score(other), -other.energy_pj), (score(row), -row.energy_pj)
    return theirs != ours and all(a >= b for a, b in zip(theirs, ours, strict=True))


def table(rows: Sequence[EvaluationRow]) -> str:
    """One Markdown table per network, cheapest first; what cannot be compiled comes last, with the reason."""
    optimal = pareto(rows)
    networks = dict.fromkeys(row.setting.network for row in rows)
    groups = [
        [(row, best) for row, best in zip(rows, optimal, strict=True) if row.setting.network == n] for n in networks
    ]
    return "\n\n".join(_table(group) for group in groups)


def _table(rows: Sequence[tuple[EvaluationRow, bool]]) -> str:
    measured = sorted((item for item in rows if item[0].refused is None), key=lambda item: item[0].energy_pj or 0)
    refused = [row for row, _ in rows if row.refused is not None]
    metrics = list(measured[0][0].metrics) if measured else []
    lines = [["setting", *metrics, "kept", "lost", "added", "cores", "energy per sample", "Pareto"]]
    lines.append(["---"] + ["---:"] * (len(lines[0]) - 2) + [":---:"])
    for row, best in measured:
        energy = "no price" if row.energy_pj is None else f"{float(row.energy_pj) / 1e6:.4g} uJ"
        cells = [*(_metric(row.metrics[name]) for name in metrics), *_spikes(row.spikes), f"{row.cores:,}"]
        lines.append([str(row.setting), *cells, energy, "*" if best else ""])
    text = [f"| {' | '.join(cells)} |" for cells in _padded(lines)] if measured else []
    return "\n".join([*text, *(f"{row.setting}: {_refusal(row)}" for row in refused)])


def _metric(value: float) -> str:
    """One decimal, and three digits of what is below 1, as errors are."""
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"


def _spikes(match: SpikeMatch) -> list[str]:
    """Kept, lost and added, of the floats' spikes."""
    fired = match.kept + match.lost
    return [f"{100 * count / fired:.1f} %" if fired else "" for count in (match.kept, match.lost, match.added)]


def _refusal(row: EvaluationRow) -> str | None:
    return None if row.refused is None else f"{row.refused.rule}: {row.refused.what}"


def _padded(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [[cell.ljust(width) for cell, width in zip(cells, widths, strict=True)] for cells in lines]


def content(rows: Sequence[EvaluationRow]) -> dict[str, Any]:
    """The rows as JSON content, see docs/evaluation.md."""
    return {"schema": SCHEMA, "rows": [_plain(row, best) for row, best in zip(rows, pareto(rows), strict=True)]}


def _plain(row: EvaluationRow, best: bool) -> dict[str, Any]:
    setting = row.setting
    return {
        "network": setting.network.stem,
        "config": setting.config,
        "profile": setting.profile,
        "weight_bits": setting.bits,
        "lower": dict(setting.lower),
        "weights": None if setting.weights is None else str(setting.weights),
        "floats": None if setting.floats is None else str(setting.floats),
        "samples": dict(row.samples),
        "metrics": dict(row.metrics),
        "spikes": row.spikes.plain(),
        "cores": row.cores,
        "energy_pj": None if row.energy_pj is None else float(row.energy_pj),
        "pareto": best,
        "refused": _refusal(row),
    }
