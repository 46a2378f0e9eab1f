"""The lines about energy in the terminal's report: one inference, at whose prices, like for like, on its map, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from compile.energy import Bill, EnergyRange, PriceTable
from compile.energy.bill import BillLine
from compile.report.inference import Inference
from compile.report.report import PartReport, Report
from compile.report.units import energy_text, energy_unit, in_unit

CAUSES_IN_FULL = 3
"""The largest causes of a difference in energy have their names; the others are the rest."""
UNKNOWN = "-"


def energy_lines(report: Report) -> Iterator[str]:
    """All of them; what the screen is too narrow for is wrapped by the caller, but the table between, which is indented."""
    energy = report.energy
    own = energy.tables[0]
    yield f"energy   {_inference_text(energy)}, counted events at prices of {own.profile}: {_bill_text(own.network)}"
    yield from _like_for_like(energy.tables)
    yield from _unused(energy.tables)
    if energy.on_chip is not None:
        stream, alone = energy.on_chip.streaming, energy.on_chip.isolated
        both = f"{range_text(stream.energy)} in a stream, {range_text(alone.energy)} alone"
        unused = f"; stated and not used: {', '.join(energy.on_chip.unused)}" if energy.on_chip.unused else ""
        yield f"cores    with hops, static power and every neuron at every step: {both}{_without(stream)}{unused}"
    yield from _other_models(energy.tables)
    for part in energy.training:
        (pj,) = (range_text(table.network.energy) for table in part.tables[:1])
        yield f"training {part.build.part.name} runs in training only, and is not in it: {pj}"
    yield from _follow_up_lines(energy)
    yield from _why_lines(energy.parts)


def range_text(energy: EnergyRange | None) -> str:
    """An energy with its range, where the prices have one."""
    if energy is None:
        return "no price"
    unit = energy_unit([energy.value])
    value, low, high = (in_unit(pj, unit) for pj in (energy.value, energy.low, energy.high))
    return f"{value} {unit}" if low == high else f"{value} ({low} to {high}) {unit}"


def _inference_text(energy: Inference) -> str:
    names = ", ".join(part.build.part.name for part in energy.parts)
    counts = " and ".join(dict.fromkeys(f"{part.activity.events.samples:,}" for part in energy.parts))
    whole = " of the whole test set" if all(part.activity.whole for part in energy.parts) else ""
    return f"one inference ({names}; mean of {counts} samples{whole})"


def _bill_text(bill: Bill) -> str:
    """The energy, whose prices these are, which of them moves it most, and what is not in it."""
    if bill.energy is None:
        return f"unknown, as nobody has published {', '.join(_lacking(bill))}"
    lent = f"; prices of {', '.join(bill.lenders)}" if bill.lenders else ""
    notes = dict.fromkeys(
        f"{line.price} is {line.quantity.note}"
        for line in sorted(bill.lines, key=_worth, reverse=True)[:1]
        if line.quantity is not None and line.quantity.note
    )
    said = f" ({'; '.join(notes)})" if notes else ""
    widest = bill.moves_most
    most = "" if widest is None else f"; {widest.price} moves it most"
    return f"{range_text(bill.energy)}{lent}{said}{most}{_without(bill)}"


def _lacking(bill: Bill) -> tuple[str, ...]:
    """The prices without which its energy is unknown."""
    return tuple(line.price for line in bill.unpriced if line.price in bill.essential)


def _worth(line: BillLine) -> Fraction:
    return Fraction(0) if line.energy is None else line.energy.value


def _without(bill: Bill) -> str:
    return f"; without {', '.join(bill.left_out)}" if bill.left_out else ""


def _like_for_like(tables: Sequence[PriceTable]) -> Iterator[str]:
    """Network and twins at the same prices, line by line."""
    heads = ("prices", "counted", "dense twin", "twin/counted", "quantised twin", "formula", "paper's table", "host")
    lines = [heads, *(_cells(table) for table in tables)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        first, *others = (f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
        yield f"         {first.strip():<{widths[0]}}  {'  '.join(others)}".rstrip()
    unknown = dict[tuple[str, ...], list[str]]()
    for table in tables:
        unknown.setdefault(_lacking(table.network), []).append(table.profile)
    for prices, profiles in unknown.items():
        if prices:
            yield f"         {UNKNOWN}: nobody has published {', '.join(prices)} of {', '.join(profiles)}"


def _unused(tables: Sequence[PriceTable]) -> Iterator[str]:
    """Prices that nothing is charged at, those of the same profiles together."""
    stating = {key: tuple(own.profile for own in tables if key in own.unused) for own in tables for key in own.unused}
    groups = dict[tuple[str, ...], list[str]]()
    for key, profiles in stating.items():
        groups.setdefault(profiles, []).append(key)
    if groups:
        told = "; ".join(f"{', '.join(keys)} ({', '.join(profiles)})" for profiles, keys in groups.items())
        yield f"unused   prices that are stated and nothing here is charged at: {told}"


def _cells(table: PriceTable) -> tuple[str, ...]:
    ratio = UNKNOWN if table.dense_over_network is None else f"{table.dense_over_network:.3g}"
    rest = (table.quantised, table.formula, table.published, table.host)
    return (table.profile, _cell(table.network), _cell(table.dense), ratio, *map(_cell, rest))


def _cell(bill: Bill | None) -> str:
    return UNKNOWN if bill is None or bill.energy is None else energy_text(bill.energy.value)


def _other_models(tables: Sequence[PriceTable]) -> Iterator[str]:
    """What the literature's other models say, at the first prices that know them."""
    tools = next((table for table in tables if table.neurobench is not None), None)
    if tools is not None:
        costs = f"{_cell(tools.neurobench)} by NeuroBench's effective operations, {_cell(tools.syops)} by syops"
        yield f"models   linear layers and convolutions at {tools.profile}: {costs}"
    memory = next((table for table in tables if table.memory is not None), None)
    if memory is not None and memory.memory is not None:
        network, dense = memory.memory.network, memory.memory.dense
        both = f"{_cell(network)}, dense twin {_cell(dense)}"
        yield f"memory   with its accesses (Lemaire et al.) at {memory.profile}: {both}{_without(network)}"
    limits = [each for table in dict.fromkeys((tables[0], memory)) if table is not None for each in table.break_evens]
    if limits:
        most = "; ".join(f"{each.at_most:.3g} at {each.profile} ({each.models})" for each in limits)
        own = f"{limits[0].spikes_per_synapse:.3g} spikes per synapse and inference"
        yield f"limit    {own}; as much as its twin costs it at {most}"


def _follow_up_lines(energy: Inference) -> Iterator[str]:
    """What follows the parts, at prices of arithmetic: it is the host's."""
    for each in energy.follow_ups[:1]:
        work, speed = each.work, energy.pairs_per_s
        arithmetic = {table.profile for table in energy.tables if table.formula is not None}
        costs = "; ".join(
            f"{energy_text(own.bill.energy.value)} and {energy_text(own.query_pj)} at {own.bill.profile}"
            for own in energy.follow_ups
            if own.bill.energy is not None and own.bill.profile in arithmetic
        )
        rates = f"; {speed:,.0f} pairs/s, {speed / work.gallery:,.0f} queries/s here" if speed is not None else ""
        text = f"{work.macs:,} MAC per pair of {work.pair}, a query meets a gallery of {work.gallery:,}"
        yield f"then     {work.name} on the host: {text}: {costs}{rates}"


def _why_lines(parts: Sequence[PartReport]) -> Iterator[str]:
    """Why counted events do not cost what the formula says."""
    energies = [part.energy for part in parts if part.energy is not None]
    if len(energies) < len(parts):
        return
    causes: dict[str, Fraction] = {}
    for energy in energies:
        for name, pj in energy.causes.items():
            causes[name] = causes.get(name, Fraction(0)) + pj
    if not causes:
        return
    largest = sorted(causes.items(), key=lambda item: -abs(item[1]))
    shown = CAUSES_IN_FULL if len(largest) > CAUSES_IN_FULL + 1 else len(largest)
    named, rest = largest[:shown], largest[shown:]
    if rest:
        named.append((f"the rest ({len(rest)} causes)", sum((pj for _, pj in rest), Fraction(0))))
    told = "; ".join(f"{name.replace('_', ' ')} {'+' if pj > 0 else ''}{energy_text(pj)}" for name, pj in named)
    formula, counted = (
        sum((getattr(own, key) for own in energies), Fraction(0)) for key in ("formula_pj", "counted_pj")
    )
    yield f"why      counted {energy_text(counted)} - formula {energy_text(formula)} = {energy_text(counted - formula)} = {told}"
