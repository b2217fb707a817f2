"""The site of `make docs`: every page has its place, links lead where they did, and nothing broken is built."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs_site.repository import linked, place, relinked, sections, shown
from tests.support.clone import cloned
from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S

INDEX = (ROOT / "docs/README.md").read_text(encoding="utf-8")
needs_mkdocs = pytest.mark.skipif(
    find_spec("mkdocs") is None, reason="mkdocs is not installed: requirements-docs.txt, or `make docs`"
)


def build(clone: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=clone,
        env=clean_environment(NO_MKDOCS_2_WARNING="1"),
        capture_output=True,
        text=True,
        timeout=10 * LIMIT_S,  # it is all work, and no waiting
        check=False,
    )


def test_the_navigation_has_every_page_once() -> None:
    listed = [
        page
        for section in sections(INDEX)
        for pages in section.values()
        for each in pages
        for page in each.values()
    ]
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} - {
        "README.md"
    }
    assert sorted(page for page in listed if place(f"docs/{page}") == page and page in pages) == sorted(pages)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("source", "at", "text", "expected"),
    [
        ("docs/a.md", "a.md", "[b](b.md#c)", "[b](b.md#c)"),
        ("docs/x/a.md", "x/a.md", "[b](../b.md)", "[b](../b.md)"),
        ("README.md", "index.md", "[b](docs/b.md#c)", "[b](b.md#c)"),
        ("README.ja.md", "ja/index.md", "[b](docs/b.md)", "[b](../b.md)"),
        ("docs/a.md", "a.md", "[r](../README.md), [s](../SECURITY.md)", "[r](index.md), [s](project/security.md)"),
        ("docs/a.md", "a.md", "[b](#c) [d](https://example.com/e) [f](mailto:g)", "[b](#c) [d](https://example.com/e) [f](mailto:g)"),
        ("README.ja.md", "ja/index.md", '<img src="docs/b.svg" alt="c">', '<img src="../b.svg" alt="c">'),
        ("docs/a.md", "a.md", '<img srcset="b.svg">', '<img srcset="../b.svg">'),
        ("docs/x/a.md", "x/a.md", "```md\n[b](../../README.md)\n```", "```md\n[b](../../README.md)\n```"),
    ],
)  # fmt: skip
def test_a_link_leads_where_it_does_in_the_repository(source: str, at: str, text: str, expected: str) -> None:
    assert relinked(text, source, at, lambda path: place(path) or path) == expected


def test_a_folder_that_is_linked_is_shown_with_its_files() -> None:
    page = shown("examples/one_file")
    assert "## `main.py`" in page
    assert (ROOT / "examples/one_file/policy.csv").read_text().strip() in page
    assert "examples/one_file" in set(linked("[e](../examples/one_file) `x`", "docs/adopt.md"))


@needs_mkdocs
def test_what_is_built_can_be_searched_in_both_languages_and_needs_no_other_host(tmp_path: Path) -> None:
    clone = cloned(tmp_path / "clone")
    ended = build(clone)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    site = clone / ".cache/site"
    index = json.loads((site / "search/search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "ja"]
    found = {document["location"].split("#")[0] for document in index["docs"]}
    assert {"", "settings/", "issuers/keycloak/", "project/security/"} <= found
    for target in re.findall(r"\]\(([^)#]+)\)", (site / "llms.txt").read_text(encoding="utf-8")):
        assert (site / target).is_file(), target
    for page in site.rglob("index.html"):
        text = page.read_text(encoding="utf-8")
        language = "ja" if page.relative_to(site).parts[0] == "ja" else "en"
        assert f'<html lang="{language}"' in text, page
        assert 'class="mermaid"' not in text, page


def test_what_builds_the_site_goes_with_what_is_installed_already() -> None:
    """Both are installed into one environment: a package of both has the same version in both."""
    locks = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements-dev.txt", "requirements-docs.txt")
    ]
    dev, docs = locks
    assert "pyyaml" in dev.keys() & docs.keys()
    assert {name for name in dev.keys() & docs.keys() if dev[name] != docs[name]} == set()


@needs_mkdocs
def test_what_is_broken_is_not_built(tmp_path: Path) -> None:
    clone = cloned(tmp_path / "clone")
    with (clone / "docs/settings.md").open("a", encoding="utf-8") as page:
        page.write(
            "[a](nowhere.md) [b](metrics.md#no-such-heading) ![c](https://example.com/pixel.png)\n\n<img src=\"gone.png\" alt=''>\n"
        )
    (clone / "docs/orphan.md").write_text("# Nobody lists this\n")
    ended = build(clone)
    assert ended.returncode != 0
    warnings = [line for line in ended.stderr.splitlines() if not line.startswith("INFO")]
    for said in ("nowhere.md", "#no-such-heading", "fetches from another host", "- orphan.md", "gone.png"):
        assert any(said in line for line in warnings), ended.stderr
