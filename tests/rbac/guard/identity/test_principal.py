"""How verified claims become a principal: clean names, roles in order, and no role out of what is not one."""

import dataclasses
import gc
from typing import Any

import pytest

from rbac.guard.identity.principal import (
    _MOST_KNOWN,
    Principal,
    PrincipalReader,
    RoleClaim,
    flaw,
    listed,
)
from rbac.revocations.row import Revocation
from rbac.revocations.table import NOBODY, SentAway

COGNITO = PrincipalReader(
    (RoleClaim("custom:role"), RoleClaim("cognito:groups")),
    frozenset({"cognito:groups"}),
    ("cognito:username",),
)
ANY_LISTS = PrincipalReader((RoleClaim("https://example.com/roles"),), None, ("nickname", "name"))
LISTED = PrincipalReader((RoleClaim.parse("custom:role:list"),), frozenset(), ())
SUB = "7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90"


def roles(claims: dict[str, Any], reader: PrincipalReader = COGNITO) -> tuple[str, ...]:
    return reader.read({"sub": SUB} | claims).roles


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, ()),
        ({"custom:role": "admin"}, ("admin",)),
        ({"custom:role": "admin,user"}, ("admin,user",)),
        ({"custom:role": "admin user"}, ("admin user",)),
        ({"custom:role": " admin"}, (" admin",)),
        ({"custom:role": '["admin"]'}, ('["admin"]',)),
        ({"custom:role": "管理者"}, ("管理者",)),
        ({"custom:role": "r" * 256}, ("r" * 256,)),
        ({"cognito:groups": ["b", "a", "b"]}, ("b", "a")),
        ({"custom:role": "a", "cognito:groups": ["b", "a"]}, ("a", "b")),
        ({"cognito:groups": [], "custom:role": "x"}, ("x",)),
        ({"groups": ["admin"], "role": "admin"}, ()),
    ],
)
def test_a_string_is_one_role_and_groups_are_a_list_of_them(
    claims: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert roles(claims) == expected


@pytest.mark.parametrize(
    ("claims", "expected", "why"),
    [
        ({"custom:role": ""}, (), "blank"),
        ({"custom:role": " \u3000"}, (), "blank"),
        ({"custom:role": "admin\n"}, (), "control characters"),
        ({"custom:role": "ad\x00min"}, (), "control characters"),
        ({"custom:role": "ad\x7fmin"}, (), "control characters"),
        ({"custom:role": "ad\x9bmin"}, (), "control characters"),
        ({"custom:role": "ad\u2028min"}, (), "control characters"),
        ({"custom:role": "r" * 257}, (), "longer than 256 characters"),
        ({"custom:role": ["admin"]}, (), "a list where a string belongs"),
        ({"custom:role": {"admin": True}}, (), "an object where a string belongs"),
        ({"custom:role": None}, (), "null where a string belongs"),
        ({"custom:role": True}, (), "a boolean where a string belongs"),
        ({"custom:role": 7}, (), "a number where a string belongs"),
        ({"cognito:groups": "admin"}, (), "a string where a list belongs"),
        ({"cognito:groups": {"admin": 1}}, (), "an object where a string belongs"),
        ({"cognito:groups": ["a", ["b"], "", "c"]}, ("a", "c"), "a list where a string belongs, blank"),
    ],
)
def test_what_is_not_a_clean_string_is_no_role_and_the_log_says_why(
    caplog: pytest.LogCaptureFixture, claims: dict[str, Any], expected: tuple[str, ...], why: str
) -> None:
    assert roles(claims) == expected
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("rbac.guard", "WARNING")
    assert record.getMessage() == f"not a role in claim `{next(iter(claims))}` of subject `{SUB}`: {why}"


def test_a_thousand_bad_roles_are_one_bounded_line(caplog: pytest.LogCaptureFixture) -> None:
    assert roles({"cognito:groups": ["\x1b[31m forged \n" * 5] * 1000}) == ()
    (record,) = caplog.records
    assert len(record.getMessage()) < 200
    assert "forged" not in record.getMessage()


def test_good_roles_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    roles({"custom:role": "admin", "cognito:groups": ["a"]})
    assert caplog.records == []


def test_where_the_customer_writes_the_claim_a_string_is_one_role_and_a_list_is_several() -> None:
    assert roles({"https://example.com/roles": ["a", "b"]}, ANY_LISTS) == ("a", "b")
    assert roles({"https://example.com/roles": "a,b"}, ANY_LISTS) == ("a,b",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user", ("user",)),
        ("user,admin", ("user", "admin")),
        (" user , admin,, user ", ("user", "admin")),
        ("[user, admin]", ("user", "admin")),
        ("[user]", ("user",)),
        ("[]", ()),
        ("[ ]", ()),
        (",", ()),
        ('["user", "order clerk"]', ("user", "order clerk")),
        ('["user", "a, b"]', ("user", "a, b")),
        ("[" * 5000 + "]" * 5000, ()),
    ],
)
def test_a_claim_that_is_said_to_be_a_list_is_split_in_each_form_that_issuers_write(
    text: str, expected: tuple[str, ...]
) -> None:
    assert roles({"custom:role": text}, LISTED) == expected


def test_what_is_no_role_in_a_list_is_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    assert roles({"custom:role": '["user", 7, {"admin": true}, ""]'}, LISTED) == ("user",)
    assert "a number where a string belongs, an object where a string belongs, blank" in caplog.text


@pytest.mark.parametrize("text", ["user,admin", "[user, admin]", '["user"]', "[user]"])
def test_a_text_that_looks_like_several_roles_is_told_once_and_with_what_reads_it(
    caplog: pytest.LogCaptureFixture, text: str
) -> None:
    reader = PrincipalReader((RoleClaim("custom:role"),), frozenset(), ())
    for _ in range(3):
        assert roles({"custom:role": text}, reader) == (text,)
    (record,) = caplog.records
    assert "`custom:role:list`" in record.getMessage()


@pytest.mark.parametrize(
    ("written", "claim"),
    [
        ("custom:role", RoleClaim("custom:role")),
        ("custom:role:list", RoleClaim("custom:role", is_list=True)),
        ("https://example.com/roles:list", RoleClaim("https://example.com/roles", is_list=True)),
        ("list", RoleClaim("list")),
    ],
)
def test_the_setting_says_which_claim_is_a_list(written: str, claim: RoleClaim) -> None:
    assert RoleClaim.parse(written) == claim


def test_username_is_the_first_clean_one_and_email_only_a_clean_one() -> None:
    principal = ANY_LISTS.read(
        {"sub": SUB, "nickname": "a\nb", "name": "Alice", "email": ["x"], "email_verified": 1}
    )
    assert (principal.username, principal.email, principal.email_verified) == ("Alice", None, False)
    principal = COGNITO.read(
        {"sub": SUB, "cognito:username": "alice", "email": "a@b.c", "email_verified": "true"}
    )
    assert (principal.username, principal.email, principal.email_verified) == ("alice", "a@b.c", True)
    assert COGNITO.read({"sub": SUB}).username is None


def test_a_principal_is_frozen_and_prints_no_claim() -> None:
    principal = COGNITO.read({"sub": SUB, "cognito:username": "alice", "email": "alice@example.com"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.sub = "root"  # type: ignore[misc]  # that is what is tested
    with pytest.raises(TypeError):
        principal.claims["sub"] = "root"  # type: ignore[index]  # that is what is tested
    assert "example.com" not in repr(principal)
    assert principal == COGNITO.read(dict(principal.claims))
    assert len({principal, COGNITO.read(dict(principal.claims)), Principal("x")}) == 2


def test_half_a_surrogate_pair_is_a_flaw() -> None:
    assert flaw("\ud800") == "control characters"


def test_what_one_table_said_says_nothing_of_the_next() -> None:
    """A principal is remembered with its token: each table is looked into once, and none is kept in memory for it."""
    principal = Principal(sub="bob", claims={"iat": 100})
    first = SentAway.of([Revocation("sub", "ann", 200, "x")])
    assert principal.cleared_by(first)
    assert principal.cleared_by(first)
    assert not principal.cleared_by(SentAway.of([Revocation("sub", "bob", 200, "x")]))
    assert not principal.cleared_by(SentAway.of([Revocation("everyone", "*", 100, "x")]))
    assert principal.cleared_by(SentAway.of([Revocation("sub", "bob", 99, "x")]))
    assert principal == Principal(sub="bob", claims={"iat": 100})
    assert not any(isinstance(each, SentAway) for each in gc.get_referents(principal))


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a", ["a"]),
        ("", []),
        (" a , b ", ["a", "b"]),
        ("a,,b,", ["a", "b"]),
        ("[a, b]", ["a", "b"]),
        ('["a, b", 1]', ["a, b", 1]),
        ("[]", []),
        ("[a", ["[a"]),
        ("a]", ["a]"]),
        ("[" * 20_000 + "]", ["[" * 19_999]),
    ],
)
def test_a_text_that_holds_several_is_read_in_each_of_its_forms(text: str, items: list[object]) -> None:
    assert listed(text) == items


def test_a_claim_that_holds_several_may_hold_them_as_a_list_too() -> None:
    assert roles({"custom:role": ["admin", "user"]}, LISTED) == ("admin", "user")
    assert roles({"custom:role": 7}, LISTED) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [("a", False), ("[a", False), ("a]", False), ("[a]", True), ("a,b", True)],
)
def test_only_what_looks_like_several_roles_is_told_of(
    text: str, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    reader = PrincipalReader((RoleClaim("role"),), None, ())
    assert reader.read({"sub": "a", "role": text}).roles == (text,)
    assert ("looks like several roles" in caplog.text) is told


@pytest.mark.parametrize(
    ("claim", "verified"),
    [(True, True), ("true", True), (False, False), ("True", False), (1, False), (None, False)],
)
def test_an_address_is_verified_where_the_issuer_says_so(claim: object, verified: bool) -> None:
    reader = PrincipalReader((), None, ())
    assert reader.read({"sub": "a", "email_verified": claim}).email_verified is verified


def test_of_several_roles_the_first_is_shown() -> None:
    assert (Principal("a").role, Principal("a", ("x", "y")).role) == (None, "x")


@pytest.mark.parametrize("word", ["client:shop", "scope:orders/read"])
def test_no_role_claim_gives_a_word_of_access_tokens(word: str, caplog: pytest.LogCaptureFixture) -> None:
    reader = PrincipalReader((RoleClaim("role"), RoleClaim("more")), None, ())
    assert reader.read({"sub": "a", "role": word, "more": [word, "user"]}).roles == ("user",)
    assert "a word of access tokens" in caplog.text
    assert word not in caplog.text


@pytest.mark.parametrize("reader", [COGNITO, ANY_LISTS, LISTED])
def test_what_is_read_is_what_the_constructor_makes(reader: PrincipalReader) -> None:
    claims = {
        "sub": "a",
        "custom:role": "user",
        "name": "Alice",
        "email": "a@b.example",
        "email_verified": True,
    }
    read = reader.read(claims)
    made = Principal("a", read.roles, read.username, "a@b.example", True, claims)
    assert (read, hash(read), repr(read)) == (made, hash(made), repr(made))
    assert (read.through, read.cleared_by(NOBODY), made.cleared_by(NOBODY)) == (None, True, True)
    with pytest.raises(AttributeError):
        read.sub = "b"  # type: ignore[misc]


def test_a_text_that_was_read_before_is_read_the_same_and_its_flaws_are_told_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = PrincipalReader((RoleClaim.parse("custom:role:list"),), frozenset(), ())
    for sub in ("a", "b"):
        assert reader.read({"sub": sub, "custom:role": "user, admin"}).roles == ("user", "admin")
        assert reader.read({"sub": sub, "custom:role": "user, a\x00"}).roles == ("user",)
        assert reader.read({"sub": sub, "custom:role": ["user, admin"]}).roles == ("user, admin",)
        assert reader.read({"sub": sub}).roles == ()
    assert [record.getMessage().split("`")[3] for record in caplog.records] == ["a", "b"]


def test_of_texts_that_were_read_before_few_are_kept() -> None:
    reader = PrincipalReader((RoleClaim("custom:role"),), frozenset(), ())
    for number in range(2 * _MOST_KNOWN + 1):
        assert reader.read({"sub": "a", "custom:role": f"role-{number}"}).roles == (f"role-{number}",)
        assert len(reader._known) <= _MOST_KNOWN
