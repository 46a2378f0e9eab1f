"""What a rule means, for `--explain`: the sections of rules.md, which documents all of them."""

from __future__ import annotations

import re
from pathlib import Path

from ir.errors import CompileError, known_names

PAGE = Path(__file__).with_name("rules.md")


def sections() -> dict[str, str]:
    """Rule -> its section; "import.*" is that of the rules that begin so and have none of their own."""
    parts = re.split(r"^## (\S+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {rule: text.strip() for rule, text in zip(parts[::2], parts[1::2], strict=True)}


def explain(rule: str) -> str:
    """The section of a rule; CompileError with those that are called alike where there is none."""
    known = sections()
    rule = rule.removeprefix("error").strip("[]:")
    heading = rule if rule in known else f"{rule.split('.')[0]}.*"
    if heading not in known:
        raise CompileError("cli.explain", f"no rule {rule!r}", hint=known_names(rule, known))
    return f"{rule}\n\n{known[heading]}"
