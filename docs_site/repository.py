"""What the links of the pages mean: to another page, or to a file of the repository, which then becomes a page itself.

A page of the site is a Markdown file of the repository at the place it has in :data:`PLACES` or below ``docs/``. Links
are written for the repository, where they are followed as well; :func:`relinked` writes them for the site.
"""

import posixpath
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = "docs/"

# Pages that stand outside of docs/, and where the site has them. docs/README.md gives its place to the README.
PLACES: Final = {
    "README.md": "index.md",
    "README.ja.md": "ja/index.md",
    "docs/README.md": "contents.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/results.md": "project/results.md",
}

_FENCED: Final = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?P<before>\]\()(?P<target>[^)#\s]*)(?P<anchor>#[^)\s]*)?(?P<after>\))")
# A picture that is written as HTML, which mkdocs leaves as it is.
_PICTURE: Final = re.compile(r'(?P<before>\b(?:src|srcset)=")(?P<target>[^":]+)(?P<after>")')
_LANGUAGES: Final = {
    ".py": "python",
    ".csv": "text",
    ".conf": "ini",
    ".yaml": "yaml",
    ".toml": "toml",
    ".diff": "diff",
}


def place(source: str) -> str | None:
    """Where the site has the repository's file ``source``; ``None`` where it has none of its own."""
    if source in PLACES:
        return PLACES[source]
    return source.removeprefix(DOCS) if source.startswith(DOCS) else None


def relinked(text: str, source: str, at: str, written: Callable[[str], str]) -> str:
    """``text``, which stands in ``source``, with its links as the page ``at`` of the site has to write them.

    ``written`` gives the site's place for each file or folder that is linked.
    """

    def link(match: re.Match[str]) -> str:
        target = match["target"]
        if not target or ":" in target or target.startswith("/"):
            return match[0]
        to = written(meant(source, target))
        relative = posixpath.relpath(to, posixpath.dirname(at) or ".")
        return f"{match['before']}{relative}{match['anchor'] or ''}{match['after']}"

    def picture(match: re.Match[str]) -> str:
        # As a browser reads it: every page but an index is a folder.
        folder = (
            posixpath.dirname(at)
            if posixpath.basename(at) in {"index.md", "README.md"}
            else at.removesuffix(".md")
        )
        relative = posixpath.relpath(written(meant(source, match["target"])), folder or ".")
        return f"{match['before']}{relative}{match['after']}"

    return _outside_fences(text, lambda prose: _PICTURE.sub(picture, _LINK.sub(link, prose)))


def linked(text: str, source: str) -> Iterator[str]:
    """The files and folders of the repository that ``text``, which stands in ``source``, links."""
    for match in _LINK.finditer(_FENCED.sub("", text)):
        target = match["target"]
        if target and ":" not in target and not target.startswith("/"):
            yield meant(source, target)


def meant(source: str, target: str) -> str:
    """The file or folder that a link ``target`` of ``source`` leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def shown(path: str) -> str:
    """A page for a file or a folder that is no page: its text, or that of each file below it."""
    files = [path] if (ROOT / path).is_file() else list(tracked(path))
    parts = [f"# `{path}`\n"]
    for file in files:
        language = _LANGUAGES.get(Path(file).suffix, "text")
        body = (ROOT / file).read_text(encoding="utf-8").rstrip("\n")
        heading = [f"## `{posixpath.relpath(file, path)}`\n"] if file != path else []
        parts += [*heading, f"````{language}\n{body}\n````\n"]
    return "\n".join(parts)


def tracked(folder: str) -> Iterable[str]:
    """The files that git knows below ``folder``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return filter(None, listed.split("\0"))


def sections(index: str) -> list[dict[str, list[dict[str, str]]]]:
    """The navigation: each second heading of docs/README.md, and the pages that its list links, by their titles."""
    found: list[dict[str, list[dict[str, str]]]] = []
    for part in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        pages = [
            {_title(title): str(place(meant("docs/README.md", target)))}
            for title, target in re.findall(r"^ *[-*] \[([^]]+)\]\(([^)#]+\.md)\)", body, re.MULTILINE)
        ]
        found.append({heading.strip(): pages})
    return found


def _title(written: str) -> str:
    """As it stands in the navigation, which knows no markup."""
    plain = written.replace("`", "")
    return plain if written.startswith("`") else plain[:1].upper() + plain[1:]


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for fenced in _FENCED.finditer(text):
        pieces += [change(text[end : fenced.start()]), fenced[0]]
        end = fenced.end()
    return "".join([*pieces, change(text[end:])])
