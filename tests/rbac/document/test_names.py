"""Which of a document's names are roles and which are people, and a name that is nobody's."""

import pytest

from rbac.document.names import (
    METHODS,
    PRESETS,
    Names,
    Subjects,
    SubjectsError,
    checked_subjects,
    read_names,
    stranger,
)
from rbac.policy import Policy
from tests.support.command import MODEL

SUB = "7f3c1e52-0000-0000-0000-000000000000"
OTHER = "11111111-2222-3333-4444-555555555555"
SPELLING = MODEL.replace("g(r.role, p.role)", 'g(r.role, p.role) || r.sub == "root" || r.role == "boss"')


def names_of(rows: str, model: str = MODEL, subjects: str = "cognito") -> Names:
    policy = Policy.parse(model.encode(), rows.encode())
    return read_names(policy.document, policy.relations, subjects)


@pytest.mark.parametrize(
    ("rows", "roles", "people", "singled_out"),
    [
        ("p, user, /u, GET, allow\n", ["user"], [], []),
        ("p, user, /u, GET, allow\ng, admin, user\n", ["admin", "user"], [], []),
        ("p, user, /u, GET, allow\ng, admin, clerk\ng, clerk, user\n", ["admin", "clerk", "user"], [], []),
        # A person stands on the left of links and looks like one; whoever stands on the right is a role all the same.
        (f"p, user, /u, GET, allow\ng, {SUB}, user\n", ["user"], [SUB], []),
        (f"p, user, /u, GET, allow\ng, {SUB}, user\ng, {OTHER}, {SUB}\n", [SUB, "user"], [OTHER], [SUB]),
        (f"p, {SUB}, /*, *, deny\n", [SUB], [], [SUB]),
        # What the matcher gives a meaning is nobody's role.
        ("p, everyone, /, GET, allow\np, authenticated, /me, GET, allow\n", [], [], []),
        (
            "p, client:a, /u, GET, allow\ng, client:b, user\n",
            ["client:a", "user"],
            ["client:b"],
            ["client:a"],
        ),
        ("p, scope:a/b, /u, GET, allow\ng, scope:a/c, user\n", ["scope:a/b", "scope:a/c", "user"], [], []),
    ],
)
def test_roles_and_people_are_told_apart(
    rows: str, roles: list[str], people: list[str], singled_out: list[str]
) -> None:
    found = names_of(rows)
    assert (list(found.roles), list(found.subjects), list(found.singled_out)) == (roles, people, singled_out)


def test_who_people_are_is_for_the_one_who_asks_to_say() -> None:
    rows = "p, user, /u, GET, allow\ng, p-7, user\n"
    assert names_of(rows).roles == ("p-7", "user")
    assert names_of(rows, subjects="p-[0-9]").subjects == ("p-7",)
    assert names_of(rows, subjects="p-[0-9]").roles == ("user",)


def test_the_names_of_the_matcher_count() -> None:
    found = names_of("p, user, /u, GET, allow\n", SPELLING)
    assert found == Names(roles=("boss", "user"), subjects=("root",), singled_out=())


ONE_WORD = """[request_definition]
r = sub, obj, act
[policy_definition]
p = {columns}
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = {matcher}
"""


@pytest.mark.parametrize(
    ("columns", "matcher", "rows", "roles", "people"),
    [
        ("obj, act", "r.obj == p.obj && r.act == p.act", "p, /u, GET", [], []),
        ("obj, act", 'r.obj == p.obj && (r.act == "GET" || r.obj == "/x")', "p, /u, GET", [], []),
        (
            "sub, obj, act",
            '(g(r.sub, p.sub) || r.sub == "root") && r.obj == p.obj',
            "p, user, /u, GET",
            ["user"],
            ["root"],
        ),
    ],
)
def test_only_words_for_callers_name_somebody_and_one_word_for_both_names_a_person(
    columns: str, matcher: str, rows: str, roles: list[str], people: list[str]
) -> None:
    found = names_of(f"{rows}\n", ONE_WORD.format(columns=columns, matcher=matcher))
    assert (list(found.roles), list(found.subjects)) == (roles, people)


def test_a_person_whom_the_matcher_alone_takes_for_a_role_is_not_singled_out() -> None:
    found = names_of("p, user, /u, GET, allow\n", MODEL.replace("g(r.role, p.role)", f'r.role == "{SUB}"'))
    assert (found.roles, found.singled_out) == ((SUB, "user"), ())


def test_a_line_break_in_a_name_hides_nobody() -> None:
    assert Subjects.of("firebase").is_sub("a\nb")
    assert Subjects.of("cognito").is_person("a\n|b")


@pytest.mark.parametrize(
    ("preset", "subs", "no_subs", "people", "no_people"),
    [
        ("cognito", [SUB, "client:x"], ["bob", SUB.upper(), f"{SUB}0", "scope:x", ""], [SUB.upper(), "a@b", "a|b"], ["bob", "scope:x"]),
        ("auth0", ["auth0|5f7c", "abc@clients"], ["bob", "a b|", "scope:x"], ["auth0|5f7c", "client:x"], ["bob"]),
        ("firebase", ["x", "x" * 128], ["", "x" * 129], ["a1" * 14, SUB], ["bob", "user", "A1" * 14]),
        ("oidc", ["x" * 255, "client:x"], ["", "x" * 256, "scope:x"], ["00u" + "a" * 17, "1" * 21, "aA1" + "_" * 40], ["user", "1" * 14]),
        ("p-[0-9]", ["p-1", "client:x"], ["p-10", "p-1\n"], ["p-1"], [SUB]),
    ],
)  # fmt: skip
def test_what_people_are_called(
    preset: str, subs: list[str], no_subs: list[str], people: list[str], no_people: list[str]
) -> None:
    looks = Subjects.of(preset)
    assert [name for name in subs if not looks.is_sub(name)] == []
    assert [name for name in no_subs if looks.is_sub(name)] == []
    assert [name for name in people if not looks.is_person(name)] == []
    assert [name for name in no_people if looks.is_person(name)] == []


def test_whose_people_they_are_is_said_of_a_preset_alone() -> None:
    assert Subjects.of("cognito") is PRESETS["cognito"]
    assert Subjects.of("p-[0-9]") == Subjects("p-[0-9]", "p-[0-9]", "")


def test_what_is_neither_a_preset_nor_a_pattern_is_refused() -> None:
    assert checked_subjects("auth0") == "auth0"
    assert checked_subjects("p-[0-9]") == "p-[0-9]"
    with pytest.raises(SubjectsError) as refused:
        checked_subjects("(")
    said = "'(' is neither a preset (cognito, auth0, firebase, oidc) nor a regular expression: "
    assert str(refused.value).startswith(said)
    assert str(refused.value) != f"{said}None"


@pytest.mark.parametrize(
    ("word", "taken", "found"),
    [
        ("act", ["GET"], "PATCH"),
        ("act", ["*"], "PATCH"),
        ("act", [""], "PATCH"),
        ("act", ["", "*"], "PATCH"),
        ("act", [], "PATCH"),
        ("verb", ["PATCH", "DELETE"], "PUT"),  # whatever it is called, these are methods
        ("act", list(METHODS), "OTHER"),
        ("act", [*METHODS, "OTHER"], "OTHER-2"),
        ("act", ["read"], "OTHER"),
        ("act", ["read", "OTHER", "OTHER-2"], "OTHER-3"),
        ("sub", [], "somebody"),
        ("sub", ["somebody", "somebody-2"], "somebody-3"),
        ("role", ["admin"], "no-such-role"),
        ("dom", ["acme"], "other-dom"),
        ("dom", ["other-dom"], "other-dom-2"),
        ("dom", ["*"], "other-dom"),
    ],
)
def test_a_stranger_is_nobody_that_is_there(word: str, taken: list[str], found: str) -> None:
    assert stranger(word, taken) == found


def test_names_come_in_their_order_however_many_there_are() -> None:
    people = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(12)]
    barred = [f"{number:08x}-1111-0000-0000-000000000000" for number in range(12)]
    roles = [f"r{number:02}" for number in range(12)]
    rows = [f"p, {name}, /u, GET, allow\n" for name in [*roles, *barred]]
    rows += [f"g, {name}, r00\n" for name in people]
    found = names_of("".join(reversed(rows)))
    assert found == Names(tuple(sorted([*roles, *barred])), tuple(people), tuple(barred))


def test_unless_somebody_says_otherwise_people_are_called_as_cognito_calls_them() -> None:
    policy = Policy.parse(
        MODEL.encode(), f"p, user, /u, GET, allow\ng, {SUB}, user\ng, {SUB}x, user\n".encode()
    )
    found = read_names(policy.document, policy.relations)
    assert found == read_names(policy.document, policy.relations, "cognito")
    assert (found.subjects, found.roles) == ((SUB,), (f"{SUB}x", "user"))  # the whole name, and no more of it


def test_each_preset_names_its_issuer_and_what_is_no_preset_has_a_code() -> None:
    assert {name: preset.issuer for name, preset in PRESETS.items()} == {
        "cognito": "Cognito",
        "auth0": "Auth0",
        "firebase": "Firebase",
        "oidc": "the issuer",
    }
    assert SubjectsError.code == "subjects_unknown"
