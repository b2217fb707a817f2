"""What somebody meant who mistyped a name is found in one place, and told wherever a name may be mistyped."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.document.document import Document
from rbac.linting.lint import lint
from rbac.policy import Policy
from rbac.policy_tests.run import ScenarioError, parse_suite, run
from rbac.text.nearest import Nearest, most_alike, nearest, ratio
from tests.support.command import MODEL, ROOT, Workshop

ROLES = ("auditor", "manager", "user")
SLIPS = {
    "a sign in front": "@manager",
    "a comment's sign": "#manager",
    "brackets": "[manager]",
    "braces": "{manager}",
    "angle brackets": "<manager>",
    "a star behind": "manager*",
    "its kind in front": "role:manager",
    "its kind in capitals": "ROLE_MANAGER",
    "capitals": "Manager",
    "one letter too many": "managers",
    "one too few": "manger",
    "one wrong": "menager",
    "two swapped": "manaegr",
    "more than one slip": "mannagger",
}
RULES = "".join(
    f"p, {role}, {path}, GET, allow\n" for role in ROLES for path in (f"/{role}", f"/{role}/notes")
)


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_the_name_that_was_meant_is_found(slip: str) -> None:
    assert nearest(slip, ROLES) == "manager"
    assert Nearest(ROLES).of(slip) == "manager"


@pytest.mark.parametrize("name", ["", "*", "@", "clerk", "x", "role:", "role"])
def test_nothing_is_found_for_a_name_of_its_own(name: str) -> None:
    assert nearest(name, ROLES) == ""


def test_a_name_is_not_meant_to_be_itself() -> None:
    assert nearest("manager", ("manager", "managers")) == "managers"
    assert nearest("manager", ("manager",)) == ""


def test_the_very_name_is_the_most_alike() -> None:
    assert most_alike("PORT", ("HOST", "PORT", "PORTS"), 0.7) == "PORT"
    assert most_alike("PROT", ("HOST", "PORT"), 0.7) == "PORT"
    assert most_alike("PORT", ("HOST",), 0.7) == ""


def of_a_policy_test(slip: str, _: Path) -> str:
    suite, problems = parse_suite(
        f"suite: s\ntests:\n  - {{name: n, role: '{slip}', can: [GET /manager]}}\n".encode(), "t.yaml"
    )
    assert suite is not None, problems
    with pytest.raises(ScenarioError) as caught:
        run(Policy.parse(MODEL.encode(), RULES.encode()), [suite])
    return caught.value.problems[0].hint


def of_a_link(slip: str, _: Path) -> str:
    document = Document.parse(MODEL.encode(), f"{RULES}g, ann, {slip}\n".encode())
    return " ".join(problem.hint for problem in lint(document))


def of_a_deny(slip: str, _: Path) -> str:
    document = Document.parse(MODEL.encode(), f"{RULES}p, {slip}, /manager, GET, deny\n".encode())
    return " ".join(problem.hint for problem in lint(document))


def of_a_question(slip: str, folder: Path) -> str:
    workshop = Workshop(folder)
    workshop.rules(*RULES.splitlines())
    return workshop.rbac("can", "--role", slip).err


PLACES = {
    "a policy test": of_a_policy_test,
    "a link": of_a_link,
    "a deny": of_a_deny,
    "a question": of_a_question,
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_every_place_tells_what_was_meant(
    slip: str, place: Callable[[str, Path], str], tmp_path: Path
) -> None:
    assert "`manager`" in " ".join(place(slip, tmp_path).split())


@settings(max_examples=300, deadline=None)
@given(one=st.text("ABCD_", max_size=12), other=st.text("ABCD_", min_size=1, max_size=12))
def test_letters_alone_rule_out_no_name_that_is_alike(one: str, other: str) -> None:
    for least in (0.7, 0.9, 1.0):
        assert (most_alike(one, [other], least) == other) is (ratio(one, other) >= least)


def test_no_other_place_compares_names_for_likeness() -> None:
    found = []
    for path in sorted([*(ROOT / "rbac").rglob("*.py"), *(ROOT / "app").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and {alias.name for alias in node.names} != {"unified_diff"}:
                names.append(node.module or "")
            if any(name.split(".")[0] in {"difflib", "rapidfuzz"} for name in names):
                found.append(path.relative_to(ROOT).as_posix())
    assert {*found} == {"rbac/text/nearest.py"}
