"""How the page is put together and writes its numbers."""

from __future__ import annotations

from fractions import Fraction


def section(*parts: str) -> str:
    """Paragraphs and tables with a line between them."""
    return "\n\n".join(part.strip() for part in parts)


def number(count: int) -> str:
    """With its thousands apart."""
    return f"{count:,}"


def millions(count: Fraction) -> str:
    """In millions, to thousands."""
    return f"{float(count) / 1e6:,.3f}"


def difference(ours: Fraction, printed: Fraction, digits: int) -> str:
    """With its sign; "" where it rounds to nothing."""
    rounded = round(ours - printed, digits)
    return f"{float(rounded):+,.{digits}f}" if rounded else ""


def mj(energy: Fraction) -> str:
    """In mJ, small ones to three digits."""
    return f"{float(energy):.3g}" if energy < Fraction(1, 1000) else f"{float(energy):.4f}"


def percent(share: Fraction | float) -> str:
    """To a tenth."""
    return f"{float(share):.1%}"
