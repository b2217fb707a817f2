"""A person's name that no token has as its `sub` is told; the right line that locks somebody out is left alone."""

from pathlib import Path
from typing import Final

import pytest

from rbac.document.document import Document
from rbac.document.names import PRESETS, Subjects
from rbac.errors import Problem
from rbac.linting.lint import lint
from rbac.mutation.run import mutate
from rbac.policy import Policy
from tests.support.command import Workshop

SHOP: Final = Path(__file__).parents[3] / "data" / "edits" / "shop"
MODEL: Final = (SHOP / "model.conf").read_bytes()
POLICY: Final = (
    (SHOP / "policy.csv").read_bytes().replace(b"p, 7f3c1e52-1111-4222-8333-444455556666, /*, *, deny", b"")
)
UUID: Final = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
OTHER: Final = "0a1b2c3d-9d5e-4a52-8f0e-6c1d2b9a4f11"
RIGHT: Final = {
    "cognito": UUID,
    "auth0": "auth0|5f7c8ec7c33c6c004bbafe82",
    "auth0 of Google": "google-oauth2|115015401343387192604",
    "auth0 for a program": "aBcD1234EXAMPLE@clients",
    "firebase": "jR0GhMNqL0YzW3vBx2kQp8sT7uF2",
    "firebase of one's own": "employee-4711",
    "oidc": "00uid4BxXw6I6TV4m0g3",
    "[a-z]+\\.[a-z]+": "bob.miller",
}


def told(name: str, subjects: str = "cognito", rule: str = "p, {}, /*, *, deny") -> list[Problem]:
    """What is said about a line that was added to the shop's policy."""
    document = Document.parse(MODEL, POLICY + rule.format(name).encode() + b"\n")
    number = POLICY.count(b"\n") + 1
    return [problem for problem in lint(document, subjects=subjects) if problem.line == number]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bob@example.com", "the person's `sub`"),
        ("Bob Miller", "the person's `sub`"),
        ("Bob van der Meer", "the person's `sub`"),
        (UUID.upper(), f"`{UUID}`"),
        (UUID.replace("-", ""), f"`{UUID}`"),
        (UUID.replace("-", "").upper(), f"`{UUID}`"),
        (UUID.replace("-", ":"), f"`{UUID}`"),
        (UUID[:-1], "copy the whole `sub`"),
        (UUID[1:], "copy the whole `sub`"),
        (UUID[:-12], "copy the whole `sub`"),
        (UUID + "0", "copy the whole `sub`"),
        (UUID[:8], "copy the whole `sub`"),
        (f"{UUID[:8]}...", "copy the whole `sub`"),
        (f"{UUID[:13]}…", "copy the whole `sub`"),
        (f"{UUID[:8]}*", "copy the whole `sub`"),
        (f"{{{UUID}}}", f"`{UUID}`"),
        (f"urn:uuid:{UUID}", f"`{UUID}`"),
        (f"eu-west-1:{UUID}", "in the user pool"),
        (f"{UUID} {OTHER}", f"`{UUID}` and one for `{OTHER}`"),
        (f"{UUID}|{OTHER}", f"`{UUID}` and one for `{OTHER}`"),
        (f"{UUID};{OTHER}", f"`{UUID}` and one for `{OTHER}`"),
        ("auth0|5f7c8ec7c33c6c004bbafe82", "the person's `sub`"),
        ("google-oauth2|1154", "the person's `sub`"),
    ],
)
def test_what_is_no_sub_of_cognito_is_told_once(name: str, hint: str) -> None:
    (problem,) = [found for found in told(name) if found.column == 4]
    assert problem.code == "not-a-subject"
    assert hint in problem.hint
    if " " not in name:
        assert [found.code for found in told(name, rule="g, {}, clerk")] == ["not-a-subject"]


@pytest.mark.parametrize(("preset", "name"), RIGHT.items(), ids=range(len(RIGHT)))
def test_the_right_emergency_line_is_left_alone_for_each_issuer(preset: str, name: str) -> None:
    said = preset.split(" ", maxsplit=1)[0]
    assert told(name, said) == []
    assert told(name, said, "g, {}, clerk") == []


@pytest.mark.parametrize(
    ("subjects", "name"),
    [
        ("auth0", UUID),
        ("auth0", "bob@example.com"),
        ("auth0", "auth0|two words"),
        ("[a-z]+\\.[a-z]+", "bob@example.com"),
        ("[0-9]{6}", UUID),
    ],
)
def test_what_is_no_sub_of_another_issuer_is_told(subjects: str, name: str) -> None:
    assert [problem.code for problem in told(name, subjects)] == ["not-a-subject"]


@pytest.mark.parametrize("name", ["clerk", "lead", "deadbeef", "facade", "team-a", "a1b2c3", "Store Manager"])
def test_a_role_is_no_mistaken_person(name: str) -> None:
    assert "not-a-subject" not in {problem.code for problem in told(name, rule="p, {}, /refunds, GET, allow")}


def test_where_a_request_names_the_caller_by_one_word_names_are_the_application_s_own() -> None:
    model = (
        b"[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\n"
        b"g = _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\n"
        b"m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act\n"
    )
    document = Document.parse(model, b"p, admin, data, read\ng, bob@example.com, admin\n")
    assert lint(document) == ()


@pytest.mark.parametrize("preset", ["cognito", "auth0", "firebase", "oidc"])
def test_a_preset_takes_its_own_names_for_people_and_roles_for_roles(preset: str) -> None:
    people = PRESETS[preset]
    assert people.is_person(RIGHT[preset])
    assert people.is_sub(RIGHT[preset])
    assert not any(people.is_person(role) for role in ("admin", "clerk", "store-manager", "SUPPORT"))
    assert Subjects.of(preset) is people


@pytest.mark.parametrize(
    ("preset", "person"), [("cognito", UUID), ("auth0", RIGHT["auth0"]), ("firebase", RIGHT["firebase"])]
)
def test_every_command_means_the_same_by_subjects(preset: str, person: str, tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.rules("p, user, /user, GET, allow", f"p, {person}, /*, *, deny", f"g, {OTHER}, user")
    tests = shop.tests("{name: n, only: [user, " + OTHER + "], can: [GET /user]}")
    said = ("--subjects", preset)
    problems = shop.rbac("check", *said, "--format", "json").json["problems"]
    assert [p["line"] for p in problems if p["code"] == "not-a-subject"] == ([3] if preset == "auth0" else [])
    named = {
        s["sub"] for s in shop.rbac("who-can", "GET", "/user", *said, "--format", "json").json["subjects"]
    }
    assert person not in named
    assert shop.rbac("test", tests, *said).code == 0
    assert shop.rbac("can", "--sub", person, *said).code == 0
    assert shop.rbac("matrix", *said).code == 0
    done = shop.rbac("test", tests, "--mutate", *said, "--format", "json")
    suggested = [s["suggested_test"] for s in done.json["mutation"]["survived"] if s["line"] == 2]
    assert suggested
    assert all(f"sub: {person}" in text or f'sub: "{person}"' in text for text in suggested)
    assert not any(f"role: {person}" in text or f'role: "{person}"' in text for text in suggested)


def test_the_setting_means_the_same_as_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Workshop(tmp_path)
    shop.rules("p, user, /user, GET, allow", "p, auth0|5f7c8ec7, /*, *, deny")
    assert "not-a-subject" in shop.rbac("check").out
    monkeypatch.setenv("POLICY_SUBJECTS", "auth0")
    assert "clean" in shop.rbac("check").out
    assert "not-a-subject" in shop.rbac("check", "--subjects", "cognito").out


def test_a_pattern_that_does_not_compile_is_bad_usage(tmp_path: Path) -> None:
    done = Workshop(tmp_path).rbac("check", "--subjects", "(")
    assert done.code == 2
    assert "cognito" in done.err
    assert "firebase" in done.err


def test_a_mutant_of_a_lock_out_is_shown_by_a_person_and_not_by_a_role() -> None:
    policy = Policy(Document.parse(MODEL, POLICY + f"p, {UUID}, /*, *, deny\n".encode()))
    tests = [
        survivor.suggested_test for survivor in mutate(policy, ()).survived if UUID in survivor.suggested_test
    ]
    assert tests
    assert all(f"sub: {UUID}" in test or f'sub: "{UUID}"' in test for test in tests)


@pytest.mark.parametrize("preset", PRESETS)
def test_words_of_access_tokens_are_left_alone_whoever_the_issuer_is(preset: str) -> None:
    program, scope = "client:1h57kf5cpq17m0eml12EXAMPLE", "scope:orders/read"
    for name, rule in (
        (program, "p, {}, /*, *, deny"),
        (program, "g, {}, clerk"),
        (scope, "g, {}, clerk"),
        (scope, "p, {}, /refunds, GET, allow"),
    ):
        assert told(name, preset, rule) == [], rule
    people = PRESETS[preset]
    assert (people.is_person(program), people.is_sub(program)) == (True, True)
    assert (people.is_person(scope), people.is_sub(scope)) == (False, False)
    assert not people.is_person("scope:orders|read@all")


@pytest.mark.parametrize(
    "name",
    [
        "Bob Miller",
        "Bob van der Meer",
        "Mary O'Neil",
        "J. Smith",
        "Anna-Lena Groß",
        "Иван Петров",
        "山田 太郎",
    ],
)
def test_somebody_who_is_named_in_a_link_as_people_are_called_is_told(name: str) -> None:
    (problem,) = told(name, rule="g, {}, support")
    assert (problem.code, problem.column) == ("not-a-subject", 4)
    assert "the person's `sub`" in problem.hint
    assert told(name, "oidc", "g, {}, support") == [], "an issuer that takes any text may call people so"
    document = Document.parse(MODEL, POLICY + f"g, {name}, support\n".encode())
    assert "not-a-subject" not in {found.code for found in lint(document, named=[name])}


@pytest.mark.parametrize(
    "rule",
    [
        "g, Team Lead, support",
        "g, Sales Representatives, support",
        "g, Level 2 Support, support",
        "g, Night Shift, clerk",
        "g, Regional Managers, clerk",
        "g, Bob Miller, support\np, Bob Miller, /refunds, GET, allow",
        "g, 0a1b2c3d-9d5e-4a52-8f0e-6c1d2b9a4f11, Store Keepers\np, Store Keepers, /refunds, GET, allow",
        "g, store keepers, clerk",
    ],
)
def test_a_role_of_several_words_is_no_mistaken_person(rule: str) -> None:
    assert "not-a-subject" not in {problem.code for problem in told("", rule=rule)}
