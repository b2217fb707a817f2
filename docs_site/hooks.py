"""mkdocs's hooks: the pages from outside of docs/, the links, the navigation, drawings without a script, no other host."""

import logging
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

import mermaidx
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs_site.repository import PLACES, ROOT, linked, place, relinked, sections, shown

_log: Final = logging.getLogger("mkdocs.hooks")  # a warning there ends a strict build
_INDEX: Final = "docs/README.md"
_DRAWING: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The line above a block that names its file, and what stands behind the language; each is for the tests of the pages.
_BLOCK: Final = re.compile(
    r"^(?:<!-- (?:\w+: )?(?P<file>[\w./-]+) -->\n+)?(?P<fence>```\w+)(?P<info> [^\n]*)?$", re.MULTILINE
)
_CELL: Final = re.compile(r"<t[dh][ >].*?</t[dh]>", re.DOTALL)
_SHOWN: Final = re.compile(r'<(?:img|source)\b[^>]*\bsrc(?:set)?="(?!data:|/)([^":]+)"')
# What a browser fetches by itself; a link that somebody follows is something else.
_FETCHED: Final = re.compile(
    r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^>]*>"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//[^>]*>"
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation is what docs/README.md lists."""
    config.nav = [{"Sekisho": PLACES["README.md"]}, *sections(_text(_INDEX))]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages from outside of docs/, and one for each file that some page links and that is none itself."""
    if (index := files.get_file_from_path("README.md")) is not None:
        files.remove(index)
    for source, at in PLACES.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, at, content=_text(source)))
    for page in list(files.documentation_pages()):
        for path in linked(page.content_string, _source(page)):
            at = _at(path)
            if (ROOT / path).exists() and files.get_file_from_path(at) is None:
                files.append(_generated(path, at, config))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links as the site has them, and drawings as pictures."""
    at = page.file.src_uri
    if at.startswith("source/"):
        return markdown
    return _BLOCK.sub(_headed, _DRAWING.sub(_drawing, relinked(markdown, _source(page.file), at, _at)))


def on_page_content(html: str, **_: object) -> str:
    """A `|` in a cell's code is written with a backslash before it; it shows there, where others take it away."""
    return _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """A Japanese page says that it is one; no page has a browser fetch anything from elsewhere."""
    if (fetched := _FETCHED.search(output)) is not None:
        _log.warning("Doc file '%s' fetches from another host: %s", page.file.src_uri, fetched[0])
    if page.file.src_uri.startswith("ja/"):
        output = output.replace('<html lang="en"', '<html lang="ja"', 1)
    return output


def on_post_build(config: MkDocsConfig) -> None:
    """Each page as it is written stands beside it, for those who read llms.txt."""
    site = Path(config.site_dir)
    for page in site.rglob("*.html"):
        for target in _SHOWN.findall(page.read_text(encoding="utf-8")):
            if not (page.parent / target).is_file():
                _log.warning("Page '%s' shows '%s', which is not there", page.relative_to(site), target)
    written = {
        f"docs/{path.relative_to(config.docs_dir).as_posix()}" for path in Path(config.docs_dir).rglob("*.md")
    }
    for source in sorted(written | {source for source in PLACES if (ROOT / source).exists()}):
        at = _at(source)
        (site / at).parent.mkdir(parents=True, exist_ok=True)
        (site / at).write_text(relinked(_text(source), source, at, _at), encoding="utf-8")
    (site / "llms.txt").write_text(
        relinked(_text("docs/llms.txt"), "docs/llms.txt", "llms.txt", _at), encoding="utf-8"
    )


def _text(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")


def _source(file: File) -> str:
    """The file of the repository that a page of the site is."""
    outside = {at: source for source, at in PLACES.items()}
    return outside.get(file.src_uri, f"docs/{file.src_uri}")


def _at(path: str) -> str:
    """Where the site has what a link leads to."""
    known = place(path)
    if known is not None and (ROOT / path).is_file():
        return known
    if not (ROOT / path).exists():
        return path  # mkdocs says that it is not there
    picture = Path(path).suffix in {".svg", ".png"}
    return f"source/{path}" if picture else f"source/{path}.md"


def _generated(path: str, at: str, config: MkDocsConfig) -> File:
    if at.endswith(".md"):
        return File.generated(config, at, content=shown(path))
    return File.generated(config, at, content=(ROOT / path).read_bytes())


def _headed(match: re.Match[str]) -> str:
    """A block below the name of its file, where it is one."""
    return match["fence"] + (f' title="{match["file"]}"' if match["file"] else "")


def _drawing(match: re.Match[str]) -> str:
    """A drawing as SVG, named by what it is of, so that two of them on a page do not share their styles."""
    drawn = str(mermaidx.render(match[1]).svg())
    name = f"drawing-{sha256(match[1].encode()).hexdigest()[:8]}"
    known = re.search(r'<svg[^>]*\bid="([^"]+)"', drawn)
    drawn = re.sub(r'width="100%"(?=[^>]*max-width: ([\d.]+)px)', r'width="\1"', drawn, count=1)
    return f'<div class="drawing">{drawn.replace(known[1], name) if known else drawn}</div>'
