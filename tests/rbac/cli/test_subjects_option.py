"""`--subjects` says what a person is called to every command that tells persons from roles, and to no other."""

import pytest

from rbac.policy import Policy
from tests.support.command import Workshop
from tests.support.command import rbac as run

PERSON = "123456"
DIFFERENT = {
    "check": ["check", "--routes", "none"],
    "explain": ["explain", "--role", PERSON, "--act", "GET", "--obj", "/user"],
    "can": ["can", "--role", PERSON, "--routes", "none"],
    "who-can": ["who-can", "GET", "/user", "--routes", "none"],
    "matrix": ["matrix", "--routes", "none"],
    "diff": ["diff", "old.csv", "--routes", "none"],
    "test": ["test", "policy_tests", "--routes", "none"],
}
ALIKE = {
    "replay": ["replay", "decisions.jsonl"],
    "unused": ["unused", "decisions.jsonl"],
    "fmt": ["fmt", "--check"],
}


@pytest.fixture
def numbers(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """A document whose people are called by numbers."""
    workshop.rules("p, user, /user, GET, allow", f"g, {PERSON}, user", "p, ann@x.example, /admin, GET, deny")
    workshop.write("old.csv", "p, user, /user, GET, allow\n")
    workshop.write("decisions.jsonl", "")
    workshop.tests(f"{{name: n, role: '{PERSON}', can: [GET /user]}}")
    monkeypatch.chdir(workshop.folder)
    return workshop


@pytest.mark.parametrize("name", DIFFERENT)
@pytest.mark.parametrize("by", ["option", "setting"])
def test_a_command_that_tells_persons_from_roles_asks_what_they_look_like(
    numbers: Workshop, name: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(*DIFFERENT[name])
    if by == "setting":
        monkeypatch.setenv("POLICY_SUBJECTS", "[0-9]{6}")
    after = run(*DIFFERENT[name], *(("--subjects", "[0-9]{6}") if by == "option" else ()))
    assert (before.out, before.err) != (after.out, after.err)
    assert run(*DIFFERENT[name], "--subjects", "[").code == 2


@pytest.mark.parametrize("name", ALIKE)
def test_a_command_that_tells_no_person_from_a_role_has_no_such_option(
    numbers: Workshop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it asks which names are persons")

    monkeypatch.setattr(Policy, "names", refuse)
    assert run(*ALIKE[name]).code in {0, 1}
    assert "--subjects" not in run(name, "--help").out


def test_an_option_that_the_model_has_no_word_for_is_bad_usage(workshop: Workshop) -> None:
    text = workshop.model.read_text(encoding="utf-8").replace("role, obj, act", "role, obj")
    workshop.write(
        "model.conf", text.replace(' && (p.act == "*" || p.act == r.act)', "").replace(" \\\n    ", " ")
    )
    workshop.rules("p, user, /user, allow")
    arguments = ("--role", "user", "--obj", "/user")
    assert workshop.rbac("explain", *arguments).code == 0
    done = workshop.rbac("explain", *arguments, "--act", "GET")
    assert done.code == 2
    assert "`sub`, `role` and `obj`" in " ".join(done.err.replace("│", "").split())
