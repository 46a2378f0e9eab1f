"""
Which emoji are concepts of their own: drawn in all three styles, annotated, and no variant of another.

Left out are flags, skin tones and hair, letters and keycaps, families, men and women beside a person who does the same, and what
faces right beside what faces left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUPS_LEFT_OUT = {"Flags", "Component"}
SUBGROUPS_LEFT_OUT = {"family", "alphanum", "keycap"}
JOINER, FEMALE, MALE, FACING_RIGHT = "200d", "2640", "2642", "27a1"
PEOPLE = {"1f468", "1f469", "1f9d1"}
"""Man, woman, person: with a joiner they are professions, couples, hair colours."""


@dataclass(frozen=True)
class DrawnConcept:
    """What is known of a concept, and where its drawings are."""

    code: str
    """Unicode code points in hexadecimal, joined by `-`, without the variation selector."""
    name: str
    keywords: tuple[str, ...]
    group: str
    subgroup: str
    file: str
    """Of the drawings that are files."""
    icon: str
    """Of the drawings that are icons of a set."""


def normalised(code: str) -> str:
    """
    Code points as all packages agree on: in lower case, without FE0F and leading zeros.

    >>> normalised("0023-FE0F-20E3")
    '23-20e3'
    """
    return "-".join(point for point in code.lower().split("-") if point != "fe0f").lstrip("0")


def annotated_names(*sources: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Code -> (name, keywords) of CLDR's annotations, the later sources before the earlier ones."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for source in sources:
        for characters, entry in source.items():
            code = normalised("-".join(f"{ord(character):x}" for character in characters))
            found[code] = (entry["tts"][0], tuple(entry.get("default", ())))
    return found


def concepts(
    entries: Sequence[Mapping[str, Any]],
    annotated: Mapping[str, tuple[str, tuple[str, ...]]],
    icons: Mapping[str, str],
) -> Iterator[DrawnConcept]:
    """
    The concepts in the order of `entries`.

    Args:
        entries: of `emoji.json` of the emoji-datasource packages.
        annotated: what `annotated_names` returns.
        icons: code point -> name, `chars.json` of an icon set.
    """
    named = {normalised(code): name for code, name in icons.items()}
    for entry in entries:
        code = normalised(entry["unified"])
        if code in annotated and code in named and _is_concept(entry, code.split("-")):
            name, keywords = annotated[code]
            yield DrawnConcept(
                code, name, keywords, entry["category"], entry["subcategory"], entry["image"], named[code]
            )


def _is_concept(entry: Mapping[str, Any], points: list[str]) -> bool:
    if entry["category"] in GROUPS_LEFT_OUT or entry["subcategory"] in SUBGROUPS_LEFT_OUT:
        return False
    if not (entry["has_img_twitter"] and entry["has_img_google"]) or FACING_RIGHT in points:
        return False
    return JOINER not in points or not (points[0] in PEOPLE or FEMALE in points or MALE in points)
