"""Whoever follows docs/security-team.md in a clone sees what the page shows."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.clone import cloned
from tests.support.service import ROOT
from tests.support.transcript import Command, Edit, TranscriptError, rewritten, run, shows, steps

PAGE = (ROOT / "docs/security-team.md").read_text(encoding="utf-8")
AGAIN = "if that is right: python -m tests.support.transcript docs/security-team.md"


def test_every_command_of_the_page_shows_what_the_page_says(tmp_path: Path) -> None:
    clone = cloned(tmp_path)
    for step in steps(PAGE):
        if isinstance(step, Edit):
            step.apply(clone)
            continue
        ending = run(step, clone)
        where = f"docs/security-team.md:{step.line}: {step.text}"
        assert ending.code == step.code, f"{where}\n" + "\n".join(ending.shown)
        if step.shown is not None:
            assert shows(step.shown, ending.shown), f"{where}\n" + "\n".join(ending.shown) + f"\n{AGAIN}"


def test_the_page_shows_every_question_that_the_team_asks() -> None:
    run_in_page = {
        step.text.split()[1] for step in steps(PAGE) if isinstance(step, Command) and "rbac " in step.text
    }
    assert run_in_page >= {"check", "fmt", "test", "explain", "can", "who-can", "matrix", "diff"}


def _anchors(page: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page",
    sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")),
)
def test_every_link_of_the_documentation_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, anchor in re.findall(
        r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    ):
        to = (ROOT / page).parent / target if target else ROOT / page
        assert to.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in _anchors(to.read_text(encoding="utf-8")), f"{page}: {target}#{anchor}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} - {
        "README.md"
    }
    assert {page for page in pages if f"]({page})" not in index} == set()


TOY = """\
<!-- file: a.txt -->
```text
one
two
```

```console
$ cat a.txt
{shown}
```
"""


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("one\ntwo", True),
        ("one\n…", True),
        ("…\ntwo", True),
        ("one", False),
        ("one\n…\ntwo", False),
        ("…\none", False),
    ],
)
def test_a_page_that_shows_something_else_is_noticed_and_put_right(
    written: str, right: bool, tmp_path: Path
) -> None:
    page = TOY.format(shown=written)
    edit, command = steps(page)
    assert isinstance(edit, Edit)
    assert isinstance(command, Command)
    assert command.shown is not None
    edit.apply(tmp_path)
    assert shows(command.shown, run(command, tmp_path).shown) is right
    (tmp_path / "a.txt").unlink()
    assert (rewritten(page, tmp_path) == page) is right


def test_an_edit_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    shutil.copy(ROOT / "policy.csv", tmp_path)
    (edit,) = steps("<!-- edit: policy.csv -->\n```diff\n-p, nobody, /nowhere, GET, allow\n```\n")
    assert isinstance(edit, Edit)
    with pytest.raises(TranscriptError, match=r"policy\.csv holds this 0 times"):
        edit.apply(tmp_path)
