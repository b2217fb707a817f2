"""`rbac lock-out`: one line that takes everything from one person and nothing from anybody else, and a test that it stays."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.dev import cognito
from rbac.cli.locking_out import LockOutError, lock_out_of, noticing
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.policy_tests.run import hold
from rbac.routes import NO_ROUTES
from tests.support.clone import cloned
from tests.support.command import Outcome, Workshop, rbac, rbac_process
from tests.support.documents import MODEL as SHIPPED
from tests.support.documents import POLICY, casbin_documents
from tests.support.model_zoo import DENY, RBAC, model

SUB = "7f3c1e52-0000-0000-0000-000000000000"
OTHER = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f12"
WHY = ("--reason", "left the company")
FILES = ("policy.csv", "policy_tests/tests.yaml", "policy_tests/locked_out.yaml")


@pytest.fixture
def shop(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    for name in [name for name in os.environ if name.startswith(("COGNITO_", "POLICY_"))]:
        monkeypatch.delenv(name)
    workshop.tests("{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}")
    return workshop


def held(shop: Workshop) -> dict[str, bytes]:
    return {name: path.read_bytes() for name in FILES if (path := shop.folder / name).exists()}


def lock_out(shop: Workshop, *arguments: object) -> Outcome:
    return shop.rbac("lock-out", *arguments)


def test_of_the_shipped_policy_no_broken_lock_out_goes_unnoticed(tmp_path: Path) -> None:
    """The line is clean and tidy, its test is the only one needed, and the second person's is as good as the first's."""
    clone = cloned(tmp_path)
    for person in (SUB, OTHER, "client:1h57kf5cpq17m0eml12EXAMPLE"):
        done = rbac_process("lock-out", person, *WHY, cwd=clone)
        assert done.code == 0, done.err
    assert "clean" in rbac_process("check", "--strict", cwd=clone).out
    assert rbac_process("fmt", "--check", cwd=clone).code == 0
    tested = rbac_process("test", "--min-score", "100", "--min-coverage", "100", "--quiet", cwd=clone)
    assert tested.code == 0, tested.out
    (clone / "policy.csv").write_text(
        (clone / "policy.csv").read_text().replace(f"p, {OTHER}, /*", "p, nobody, /*")
    )
    assert f"sub {OTHER}" in rbac_process("test", "--quiet", cwd=clone).out


def test_it_says_what_it_wrote(shop: Workshop) -> None:
    done = lock_out(shop, SUB, *WHY, "--format", "json").json
    written = shop.policy.read_text().splitlines()
    assert done["written"] is True
    assert written[done["policy"]["line"] - 1] == done["policy"]["text"] == f"p, {SUB}, /*, *, deny"
    assert written[done["policy"]["line"] - 2] == "# Locked out: left the company"
    assert done["revision"] == Policy.load(shop.model, shop.policy).revision
    assert done["complete"] is True
    assert "why: left the company" in Path(done["test"]["file"]).read_text()
    assert shop.rbac("test", shop.folder / "policy_tests").code == 0


def test_looking_writes_nothing(shop: Workshop) -> None:
    before = held(shop)
    done = lock_out(shop, SUB, *WHY, "--dry-run")
    assert (done.code, held(shop)) == (0, before)
    assert f"{shop.policy}:6: p, {SUB}, /*, *, deny" in done.out
    assert lock_out(shop, SUB, *WHY, "--dry-run", "--format", "json").json["written"] is False


def test_whoever_is_locked_out_is_not_written_down_twice(shop: Workshop) -> None:
    lock_out(shop, SUB, *WHY)
    before = held(shop)
    done = lock_out(shop, SUB, *WHY)
    assert (done.code, held(shop)) == (0, before)
    assert "reaches nothing already" in done.out
    assert f"{shop.policy}:6: p, {SUB}, /*, *, deny" in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        (SUB,),
        (*WHY,),
        (SUB, "--reason", " "),
        (SUB, "--reason", "two\nlines"),
        (SUB, "--find", "bob", *WHY),
        ("--find", "bob", *WHY),
        ("bob@example.com", *WHY),
        ("admin", *WHY),
        ("scope:orders/read", *WHY),
        ("a,b", "--subjects", ".*", *WHY),
        ("", *WHY),
        (SUB, *WHY, "--policy", "pg:12"),
    ],
)
def test_what_names_no_one_person_is_refused(shop: Workshop, arguments: tuple[str, ...]) -> None:
    before = held(shop)
    assert lock_out(shop, *arguments).code == 2
    assert held(shop) == before


def test_what_a_test_promises_to_the_person_is_told_and_nothing_written(shop: Workshop) -> None:
    """A service would refuse the edit: they would stay in, and somebody would believe them out."""
    shop.tests(f"{{name: the owner reads, sub: {SUB}, role: user, can: [GET /user]}}")
    before = held(shop)
    done = lock_out(shop, SUB, *WHY)
    assert (done.code, held(shop)) == (1, before)
    assert "tests.yaml:3" in done.err
    assert "nothing was written" in done.err
    assert lock_out(shop, SUB, *WHY, "--format", "json").json["problems"][0]["code"] == "test-failed"


def test_a_policy_with_a_mistake_is_left_alone(shop: Workshop) -> None:
    shop.rules("p, user, /user, GET, Allow")
    before = held(shop)
    done = lock_out(shop, SUB, *WHY)
    assert (done.code, held(shop)) == (2, before)
    assert "unknown-effect" in done.err


@pytest.mark.parametrize("blocked", ["policy.csv", "policy_tests"])
def test_where_one_of_the_files_cannot_be_written_neither_is(
    shop: Workshop, blocked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights stop nobody who is root, so the operating system's answer is made up."""
    before = held(shop)
    opened, made = os.open, __import__("tempfile").mkstemp

    def refuse(*arguments: Any, **options: Any) -> Any:
        where = str(options.get("dir") or arguments[0])
        writes = "dir" in options or (len(arguments) > 1 and arguments[1] & os.O_RDWR)
        if where.endswith(blocked) and writes:
            raise PermissionError(13, "Permission denied", where)
        return made(**options) if "dir" in options else opened(*arguments, **options)

    monkeypatch.setattr("rbac.editing.os.open", refuse)
    monkeypatch.setattr("rbac.editing.tempfile.mkstemp", refuse)
    done = lock_out(shop, SUB, *WHY)
    monkeypatch.undo()
    assert (done.code, held(shop)) == (2, before)
    assert "Permission denied" in done.err
    assert not list(shop.folder.rglob(".*"))


def test_a_tests_file_to_which_nothing_can_be_added_keeps_the_line_out_too(shop: Workshop) -> None:
    shop.write("policy_tests/locked_out.yaml", "tests: [{name: x, role: user, can: [GET /user]}]\nsuite: x\n")
    before = held(shop)
    assert lock_out(shop, SUB, *WHY).code == 2
    assert held(shop) == before


def test_line_ends_and_a_missing_one_are_kept(shop: Workshop) -> None:
    shop.write("policy.csv", b"p, user, /user, GET, allow\r\np, admin, /admin, GET, allow")
    assert lock_out(shop, SUB, *WHY).code == 0
    lines = shop.policy.read_bytes().split(b"\r\n")
    assert lines[1:] == [
        b"p, admin, /admin, GET, allow",
        b"",
        b"# Locked out: left the company",
        f"p, {SUB}, /*, *, deny".encode(),
        b"",
    ]


def test_of_several_who_are_locked_out_at_once_each_is(shop: Workshop) -> None:
    people = [f"7f3c1e52-0000-0000-0000-{n:012d}" for n in range(6)]
    command = ("--model", shop.model, "--policy", shop.policy, "--routes", "none")
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda person: rbac_process("lock-out", person, *WHY, *command), people))
    assert [one.code for one in done] == [0] * 6
    text, tests = shop.policy.read_text(), (shop.folder / "policy_tests/locked_out.yaml").read_text()
    assert all(text.count(f"p, {person},") == 1 == tests.count(f'sub: "{person}"') for person in people)
    assert shop.rbac("test", shop.folder / "policy_tests").code == 0


def test_a_person_is_found_in_the_pool(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with cognito.served(0) as endpoint:
        pool = cognito.seed(endpoint)
        for name, value in {
            "COGNITO_USER_POOL_ID": pool.pool_id,
            "COGNITO_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "development",
            "AWS_SECRET_ACCESS_KEY": "development",
        }.items():
            monkeypatch.setenv(name, value)
        found = lock_out(shop, "--find", "bob@example.com", *WHY, "--format", "json").json
        users: Any = cognito.client(endpoint).list_users(UserPoolId=pool.pool_id)["Users"]
        bob = next(user["Attributes"] for user in users if user["Username"] == "bob")
        assert found["sub"] in {each["Value"] for each in bob if each["Name"] == "sub"}
        before = held(shop)
        missing = lock_out(shop, "--find", "nobody@example.com", *WHY)
        assert (missing.code, held(shop)) == (2, before)
        assert "nobody in the pool" in missing.err


NO_EFFECT = model("g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _")
FIRST_WINS = model(
    "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)",
    g="g = _, _",
    p="sub, obj, act, eft",
    e="priority(p.eft) || deny",
)
ALLOW_WINS = FIRST_WINS.replace("priority(p.eft) || deny", RBAC)
PATTERN = model(
    "regexMatch(r.sub, p.sub) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)",
    p="sub, obj, act, eft",
    e=DENY,
)
LITERAL = model(
    "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act", g="g = _, _", p="sub, obj, act, eft", e=DENY
)


@pytest.mark.parametrize(
    ("text", "person", "because"),
    [
        (NO_EFFECT, "alice|1", "cannot deny anything to one person"),
        (FIRST_WINS, "alice|1", "another rule wins"),
        (ALLOW_WINS, "alice|1", "another rule wins"),
        (LITERAL, "alice|1", "another rule wins"),
        (PATTERN, "alice|bob", "would mean somebody else"),
    ],
)
def test_in_a_model_in_which_the_line_would_mean_something_else_it_is_not_written(
    text: str, person: str, because: str
) -> None:
    effect = "" if text == NO_EFFECT else ", allow"
    rules = f"p, alice, /x, GET{effect}\np, bob, /x, GET{effect}\np, alice|1, /x, GET{effect}\n"
    with pytest.raises(LockOutError, match=because):
        lock_out_of(Policy.parse(text.encode(), rules.encode()), person, "left")


DOMAINS = model(
    'g(r.sub, p.sub, r.dom) && (p.dom == "*" || r.dom == p.dom) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)'
    " || r.sub == p.sub && keyMatch(r.dom, p.dom) && keyMatch(r.obj, p.obj) && keyMatch(r.act, p.act)",
    r="sub, dom, obj, act",
    p="sub, dom, obj, act, eft",
    g="g = _, _, _",
    e=DENY,
)


def documents() -> list[tuple[str, bytes, bytes]]:
    rules = b"p, admin, d1, data, read, allow\np, admin, d2, data, write, allow\ng, carol, admin, d1\n"
    plain = ALLOW_WINS.replace(RBAC, DENY)
    named = b"p, admin, /a*, GET, allow\np, alice|1, /b, *, allow\ng, alice|1, admin\ng, bob, alice|1\n"
    own = b"p, admin, /a*, GET, allow\np, alice, /b, *, allow\ng, alice, admin\n"
    return [
        *casbin_documents(),
        ("domains", DOMAINS.encode(), rules),
        ("a person's rules are another's", plain.encode(), named),
        ("a person called as roles are", plain.encode(), own),
        ("shipped", SHIPPED, POLICY),
    ]


def test_in_any_model_nobody_else_loses_and_the_person_has_nothing() -> None:
    """By brute force: every combination of the words that the document and a few strangers have."""
    found: list[str] = []
    for name, text, rules in documents():
        try:
            before = Policy.parse(text, rules)
            shape = before.document.definition.shape
            linked = [row[0] for row in before.document.rows.get("g", ())]
            # A scope is nobody: a line about it takes from whoever brings it.
            people = [name for name in linked if not name.startswith("scope:")] + ["zed|1"]
            locked = lock_out_of(before, people[0], "left")
        except (PolicyError, LockOutError):
            continue
        found.append(name)
        values = {word: {"", "/x", "zed|1", *people} for word in shape.words}
        for row in before.document.rows["p"]:
            for word in shape.words:
                values[word] |= set(row)
        for request in itertools.islice(
            itertools.product(*(sorted(values[word]) for word in shape.words)), 20_000
        ):
            asked = dict(zip(shape.words, request, strict=True))
            now = locked.after.decide_request(request).allowed
            if asked.get(shape.person or "") == people[0]:
                assert not now, (name, request)
            elif people[0] not in request:
                assert now == before.decide_request(request).allowed, (name, request)
        tests = noticing(locked, NO_ROUTES, "left")
        assert bool(tests) == bool(locked.changes)
        if tests:
            suite = "suite: x\ntests:\n" + "".join(
                f"  {line}\n" for test in tests for line in test.splitlines()
            )
            files = {"t.yaml": suite.encode()}
            assert hold(locked.after, files).problems == (), (name, suite)
            assert hold(before, files).problems, (name, suite)
    assert {"domains", "a person called as roles are", "shipped"} <= set(found)
    assert "a person's rules are another's" not in found


def test_it_is_told_that_a_database_wants_it_published(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_STORE", "postgresql://alice@db.example.com/sekisho")
    assert "rbac publish" in lock_out(shop, SUB, *WHY).err


def test_the_command_without_a_policy_says_how_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = rbac("lock-out", SUB, *WHY)
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []
