"""A page and its translation, taken apart into what both must have: all but the sentences."""

import posixpath
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from docs_site.repository import meant
from tests.support.service import ROOT

TWINS: Final = {
    "README.md": "README.ja.md",
    "docs/tutorial.md": "docs/ja/tutorial.md",
    "docs/security-team.md": "docs/ja/security-team.md",
}
_ORIGINALS: Final = {twin: page for page, twin in TWINS.items()}
_BLOCK: Final = re.compile(r"^(?:<!-- [^\n]+ -->\n)?^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[[^]]*\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
_FIGURE: Final = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading. Each part is compared with the same part of the other language."""

    level: int
    blocks: tuple[str, ...]
    links: Counter[str]
    words_as_code: frozenset[str]
    figures: Counter[str]
    table_rows: tuple[int, ...]


def read(source: str) -> str:
    """A page."""
    return (ROOT / source).read_text(encoding="utf-8")


def sections(source: str, text: str) -> list[Section]:
    """The page at ``source`` taken apart, heading by heading."""
    hidden = _BLOCK.sub(lambda block: re.sub(r"^#", "\\#", block[0], flags=re.MULTILINE), text)
    starts = [match.start() for match in _HEADING.finditer(hidden)] + [len(hidden)]
    return [_section(hidden[start:end], source) for start, end in pairwise(starts)]


def _section(text: str, source: str) -> Section:
    blocks = tuple(_BLOCK.findall(text))
    prose = _BLOCK.sub("", text)
    links = Counter(_target(source, match[1], match[2] or "") for match in _LINK.finditer(prose))
    bare = re.sub(r"<http[^>]+>", "", _LINK.sub(lambda match: match[0].split("](")[0], prose))
    code = frozenset(re.findall(r"`([^`]+)`", bare))
    plain = re.sub(r"`[^`]+`", "", bare)
    heading = _HEADING.search(text)
    return Section(
        level=len(heading[1]) if heading else 0,
        blocks=blocks,
        links=links,
        words_as_code=code,
        figures=Counter(_FIGURE.findall(plain)),
        table_rows=tuple(line.count("|") for line in prose.splitlines() if line.startswith("|")),
    )


def _target(source: str, target: str, anchor: str) -> str:
    """Where a link leads, the same for both languages: the page in English, and which of its headings."""
    if ":" in target:
        return target
    path = meant(source, target) if target else source
    if not anchor:
        return _ORIGINALS.get(path, path)
    return f"{_ORIGINALS.get(path, path)}#{anchors(path).index(anchor)}"


def anchors(source: str) -> list[str]:
    """The anchors of a page's headings, in order."""
    text = (ROOT / source).read_text(encoding="utf-8")
    prose = _BLOCK.sub("", text)
    return [re.sub(r"[^\w -]", "", match[2].lower()).replace(" ", "-") for match in _HEADING.finditer(prose)]


def language_link(source: str) -> str:
    """What a page writes to lead to the other language, from where it stands."""
    other = TWINS.get(source) or _ORIGINALS[source]
    return posixpath.relpath(other, posixpath.dirname(source) or ".")


def with_blocks_of(source: str) -> str:
    """The translation of ``source`` with the blocks that ``source`` has now, each in the place of its own.

    Raises ``ValueError`` where there are more or fewer of them. A line `@@` stands for a block that is not there yet.
    """
    text = (ROOT / TWINS[source]).read_text(encoding="utf-8")
    blocks = _BLOCK.findall((ROOT / source).read_text(encoding="utf-8"))
    holes = re.compile(rf"{_BLOCK.pattern}|^@@\d*$", re.MULTILINE | re.DOTALL)
    if len(holes.findall(text)) != len(blocks):
        raise ValueError(
            f"{TWINS[source]} has {len(holes.findall(text))} blocks, and {source} has {len(blocks)}"
        )
    each = iter(blocks)
    return holes.sub(lambda _: next(each), text)


def main() -> None:
    """``python -m tests.support.twins``: copies the blocks of every page into its translation."""
    for source, twin in TWINS.items():
        (ROOT / twin).write_text(with_blocks_of(source), encoding="utf-8")


if __name__ == "__main__":
    main()
