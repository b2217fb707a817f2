"""`--functions` gives matchers functions of one's own: every command that reads a document takes it."""

import sys
from collections.abc import Iterator

import pytest

from tests.support.command import ROOT, Workshop, rbac_process
from tests.support.command import rbac as run

MODULE = """
import sys

def owns(path, role):
    return path.startswith("/" + role)

def fails(path, role):
    raise ValueError("nobody may ask")

async def later(path, role):
    return True

FUNCTIONS = {"owns": owns, "fails": fails}
ANONYMOUS = lambda path, role: True
NUMBER = 3
TAKEN = {"keyMatch": owns}
ROLES = {"g2": owns}
"""
MATCHER = "(g(r.role, p.role) || g(r.sub, p.role)) && r.act == p.act && (keyMatch3(r.obj, p.obj) || owns(r.obj, p.role))"
LOG = '{"decision_id": "1", "timestamp": "2026-01-01T00:00:00.000000Z"}\n'


@pytest.fixture
def shop(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A document whose matcher calls `owns`, beside the module that has it."""
    head = workshop.model.read_text(encoding="utf-8").partition("[matchers]")[0]
    workshop.write("model.conf", f"{head}[matchers]\nm = {MATCHER}\n")
    workshop.write("our_functions.py", MODULE)
    workshop.tests("{name: users, role: user, can: [GET /user], cannot: [GET /admin]}")
    workshop.write("old.csv", "p, user, /user, GET, allow\n")
    monkeypatch.chdir(workshop.folder)
    before = {*sys.modules}
    yield workshop
    for name in {*sys.modules} - before:
        if name == "our_functions" or name.startswith("unnamed"):
            del sys.modules[name]


COMMANDS = {
    "check": ["check"],
    "fmt": ["fmt", "--check"],
    "test": ["test", "policy_tests"],
    "explain": ["explain", "--role", "user", "--act", "GET", "--obj", "/user/7"],
    "can": ["can", "--role", "user"],
    "who-can": ["who-can", "GET", "/user/7"],
    "matrix": ["matrix"],
    "diff": ["diff", "old.csv"],
    "replay": ["replay", "decisions.jsonl"],
    "unused": ["unused", "decisions.jsonl"],
}
WITH_ROUTES = ("check", "test", "can", "who-can", "matrix", "diff")


def command(name: str) -> list[str]:
    return [*COMMANDS[name], *(("--routes", "none") if name in WITH_ROUTES else ())]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("option", ["one", "mapping", "setting"])
def test_each_command_calls_the_function(
    shop: Workshop, name: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One function, a mapping of them, or the setting that the service has."""
    shop.write("decisions.jsonl", "")
    given = {
        "one": ["--functions", "our_functions:owns"],
        "mapping": ["--functions", "our_functions:FUNCTIONS"],
    }
    if option == "setting":
        monkeypatch.setenv("POLICY_FUNCTIONS", "our_functions:owns, our_functions:fails")
    done = run(*command(name), *given.get(option, []))
    assert done.code != 2, done.err
    assert "unknown-function" not in done.out + done.err


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "fmt"])
def test_without_the_function_the_document_is_refused_with_the_way_to_give_it(
    shop: Workshop, name: str
) -> None:
    """`rbac fmt` alone goes on: it changes no meaning of what cannot be read."""
    shop.write("decisions.jsonl", "")
    done = run(*command(name))
    assert done.code == (1 if name == "check" else 2)
    assert "--functions module:name" in done.out + done.err


def test_what_the_function_answers_counts(shop: Workshop) -> None:
    given = ("--functions", "our_functions:owns")
    assert run(*command("explain"), *given).code == 0
    assert run("explain", "--role", "user", "--act", "GET", "--obj", "/admin", *given).code == 1
    assert run(*command("test"), *given).code == 0


def test_one_that_raises_is_a_denial_everywhere(shop: Workshop) -> None:
    model = shop.model.read_text(encoding="utf-8").replace("owns(", "fails(")
    shop.write("model.conf", model)
    given = ("--functions", "our_functions:fails")
    assert run("explain", "--role", "user", "--act", "GET", "--obj", "/nowhere", *given).code == 1
    assert not run("can", "--role", "user", "--routes", "none", "--format", "json", *given).json["complete"]


@pytest.mark.parametrize("name", ["can", "who-can", "matrix", "diff"])
def test_no_answer_claims_to_know_what_the_function_tells_apart(shop: Workshop, name: str) -> None:
    """`complete` is false, and the note names the function."""
    arguments = (*command(name), "--functions", "our_functions:owns")
    answer = run(*arguments, "--format", "json").json
    assert answer["complete"] is False
    assert any("`owns`" in note for note in answer["notes"])
    text = run(*arguments)
    assert "`owns`" in text.out + text.err


def test_diff_does_not_say_that_nothing_changes_where_it_cannot_tell(shop: Workshop) -> None:
    shop.rules("p, user, /user, GET, allow", "p, guest, /nowhere, POST, allow")
    shop.write("routes.json", '[{"act": "GET", "obj": "/user"}]')
    done = run("diff", "old.csv", "--routes", "routes.json", "--functions", "our_functions:owns")
    assert "no access changes" not in done.out
    assert "changes nothing" not in done.out


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("our_functions:NUMBER", "neither a function nor a mapping"),
        ("our_functions:later", "is a coroutine function"),
        ("our_functions:ANONYMOUS", "is no name that a matcher can call"),
        ("our_functions:TAKEN", "`keyMatch` is one of Casbin's functions"),
        ("our_functions:ROLES", "`g2` is the name of a role definition"),
        ("our_functions:nowhere", "has no `nowhere`"),
        ("no_such_module:owns", "cannot import `no_such_module`"),
        ("our_functions", "is not `module:name`"),
        ("our_functions.py:owns", "cannot import"),
        ("builtins:exec", "refuses to call"),
        ("broken_functions:owns", "cannot import `broken_functions`: SystemExit"),
    ],
)
@pytest.mark.parametrize("name", ["check", "can"])
def test_what_cannot_be_had_is_one_sentence_and_exit_code_2(
    shop: Workshop, name: str, reference: str, says: str
) -> None:
    shop.write("broken_functions.py", "raise SystemExit(0)\n")
    done = run(*command(name), "--functions", reference)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1


def test_two_functions_of_one_name_are_refused(shop: Workshop) -> None:
    shop.write("unnamed_others.py", "def owns(path, role):\n    return True\n")
    done = run(*command("can"), "--functions", "our_functions:owns", "--functions", "unnamed_others:owns")
    assert (done.code, "`owns` is given twice" in done.err) == (2, True)


def test_nothing_is_imported_that_is_not_named(shop: Workshop) -> None:
    """A module beside the document that happens to have the function is left alone."""
    shop.write("owns.py", "raise SystemExit('imported')\n")
    shop.write("policy_functions.py", "raise SystemExit('imported')\n")
    done = rbac_process(*command("can"), cwd=shop.folder, env={"PYTHONPATH": str(ROOT), "PATH": ""})
    assert "imported" not in done.out + done.err
    assert "unknown-function" in done.err
