"""
What MkDocs does beyond its own: pages from files outside docs/, equations without scripts, and a last look at every page.

README, CONTRIBUTING and their like are read where they are, so that nothing is said twice. A link between them and docs/ is
turned to the page that its file has become; what has become none (LICENSE) stays as a name.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
REPORT = "out/main/report.html"
"""The page of the main job's run, where .ci/run and .ci/site leave it."""
STARTING = ("Bring your own network", "In your own Lava system")
"""Sections of README that are a page of their own."""
SOURCES = {
    "index.md": "README.md",
    "bring-your-own.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "rules.md": "compile/command/rules.md",
}
"""Page -> the file outside docs/ that it is made of."""
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s:#]+)(#[^)\s]*)?\)")
CODE = re.compile(r"`[^`\n]*`")
EQUATION = re.compile(r'(<(span|div) class="arithmatex">)(.*?)(</\2>)', re.DOTALL)
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
"""Element -> the attribute whose address a browser loads; `link` has another rule."""
STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")

log = get_plugin_logger("site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of other files, and the report of the main job."""
    for page, source in SOURCES.items():
        files.append(File.generated(config, page, content=_text(page, source)))
    if (ROOT / REPORT).exists():
        files.append(File.generated(config, "example/report.html", abs_src_path=str(ROOT / REPORT)))
    else:
        log.warning(f"there is no {REPORT}: `bash .ci/site` makes it")
    return files


def _text(page: str, source: str) -> str:
    """A file, or of README the sections that the page has."""
    text = (ROOT / source).read_text()
    if source != "README.md":
        return text
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    own = [part for part in sections if part[3:].startswith(STARTING)]
    if page == "index.md":
        return head + "".join(part for part in sections if part not in own)
    return f"# {own[0][3:]}" + "".join(own[1:])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that leave docs/, or enter it, to where their files are on the site; bars in code need no escape here."""
    uri = page.file.src_uri
    folder = dirname(SOURCES.get(uri, f"docs/{uri}"))

    def turned(match: re.Match[str]) -> str:
        text, path, anchor = match[1], normpath(join(folder, match[2])), match[3] or ""
        target = _page(path)
        if target is None:
            return f"`{text}`" if (ROOT / path).exists() else match[0]
        return f"[{text}]({relpath(target, dirname(uri) or '.')}{anchor})"

    return CODE.sub(lambda match: match[0].replace(r"\|", "|"), LINK.sub(turned, markdown))


def _page(path: str) -> str | None:
    """The page that a file of the repository has become, None where it has become none."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return next((page for page, source in SOURCES.items() if source == path), None)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write equations as MathML."""
    return EQUATION.sub(lambda match: f"{match[1]}{_mathml(match[3], match[2])}{match[4]}", html)


def _mathml(tex: str, element: str) -> str:
    """An equation between two characters on either side that say how it stands."""
    return convert(unescape(tex)[2:-2], display="inline" if element == "span" else "block")


class _Elements(HTMLParser):
    """What is wrong with the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        address = values.get(LOADED.get(tag, ""), "")
        if tag == "link" and values.get("rel") not in ("canonical", "prev", "next"):
            address = values.get("href", "")
        if re.match(r"(https?:)?//", address):
            self.wrong.append(f"loads {address}")
        if tag == "img" and not values.get("alt"):
            self.wrong.append(f"has a picture without text, {address}")


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a page that loads something from elsewhere, or a picture without text."""
    wrong: list[str] = []
    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in (".html", ".css"):
            text, elements = path.read_text(), _Elements()
            elements.feed(text if path.suffix == ".html" else "")
            wrong += [f"{path.name} {what}" for what in elements.wrong]
            wrong += [f"{path.name} has a style that loads {found}" for found in STYLE.findall(text)]
    if wrong:
        raise PluginError("\n".join(wrong))
