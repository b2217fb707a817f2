"""What a refusal says: the answer to each cause, the scope that is missing, and where a denial comes from."""

import json
from typing import Any

import pytest

from rbac import Policy
from rbac.decision_log.buffer import RETRY_AFTER, DecisionLogUnavailable
from rbac.decision_log.ruling import Ruling
from rbac.guard.checkpoint import Terms
from rbac.guard.http.asgi import Response, Scope
from rbac.guard.http.challenge import SchemeChallenge
from rbac.guard.identity.errors import InvalidToken, KeysUnavailable, Unauthenticated
from rbac.guard.identity.principal import Principal
from rbac.guard.refusals import (
    AccessDenied,
    AuthenticationRequired,
    InvalidPath,
    PathTooLong,
    denied,
    explanation,
    missing_scope,
    rejection,
    scope_words,
)
from rbac.guard.request_words import USUAL, InvalidHost, RequestWords
from tests.support.documents import MODEL

SCOPE: Scope = {"type": "http", "path": "/things", "headers": []}
CHALLENGE = SchemeChallenge(metadata="https://api.example.com/about")
KEY = SchemeChallenge("ApiKey")
POLICY = b"""p, user, /things, GET, allow
p, scope:things/read, /things, GET, allow
p, scope:things/write, /things, POST, allow
p, scope:admin, /things, *, allow
p, scope:never, /things, DELETE, deny
p, auditor, /audit, GET, allow
p, "scope:with space", /odd, GET, allow
p, scope:odd, /odd, GET, allow
"""
TWO_ROLES = ("scope:x", "scope:y")


def policy_of(policy: bytes = POLICY, model: bytes = MODEL) -> Policy:
    return Policy.parse(model, policy)


def ruled(
    who: Principal | None, act: str = "GET", obj: str = "/things", policy: Policy | None = None
) -> Ruling:
    policy = policy or policy_of()
    terms = Terms.of(policy, RequestWords.parse(USUAL, policy.words))
    return terms.rule(obj, act, SCOPE, who)


def program(*roles: str) -> Principal:
    return Principal("client:batch", ("client:batch", *roles))


def person(*roles: str, through: Principal | None = None) -> Principal:
    return Principal("7f3c", roles, through=through)


def read(answer: Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {name.decode(): value.decode() for name, value in answer.raw_headers}
    return answer.status_code, json.loads(answer.body), headers


# --- the scope that is missing


@pytest.mark.parametrize(
    ("who", "act", "obj", "needed"),
    [
        # A program: the first scope in order that would do, whatever it has besides.
        (program(), "GET", "/things", "admin"),
        (program("scope:other"), "GET", "/things", "admin"),
        (program(*TWO_ROLES), "POST", "/things", "admin"),
        (program(), "GET", "/odd", "odd"),
        # None would do: no rule for scopes, a deny, or nothing at all.
        (program(), "GET", "/audit", ""),
        (program("scope:never"), "DELETE", "/things", ""),
        (program(), "GET", "/nowhere", ""),
        # A person by themselves needs a role, and somebody behind a program may be who has to have it.
        (person(), "GET", "/things", ""),
        (person("auditor"), "GET", "/things", ""),
        (person("user", through=program()), "GET", "/things", "admin"),
        (person("user", through=program(*TWO_ROLES)), "GET", "/things", "admin"),
        (person(through=program()), "GET", "/things", ""),
        (person(through=program("scope:things/read")), "GET", "/things", ""),
        # Behind what is no program by its name there are no scopes.
        (person("user", through=Principal("batch", ())), "GET", "/things", ""),
        (Principal("batch", ()), "GET", "/things", ""),
    ],
)
def test_a_scope_is_named_where_it_is_all_that_is_missing(
    who: Principal, act: str, obj: str, needed: str
) -> None:
    ruling = ruled(who, act, obj)
    assert not ruling.decision.allowed
    assert missing_scope(who, ruling) == needed


def test_the_scopes_that_a_program_has_are_not_the_ones_it_lacks() -> None:
    policy = policy_of(b"p, scope:a, /x, GET, allow\np, scope:b, /x, GET, allow\np, scope:a, /x, GET, deny\n")
    assert missing_scope(program("scope:a"), ruled(program("scope:a"), "GET", "/x", policy)) == ""
    with_one = policy_of(b"p, scope:a, /y, GET, allow\np, scope:b, /x, GET, allow\n")
    assert missing_scope(program("scope:a"), ruled(program("scope:a"), "GET", "/x", with_one)) == "b"


@pytest.mark.parametrize(("others", "needed"), [(99, "z"), (100, "")])
def test_a_hundred_scopes_are_tried_at_most(others: int, needed: str) -> None:
    rules = "".join(f"p, scope:a{number:03}, /other, GET, allow\n" for number in range(others))
    policy = policy_of(f"{rules}p, scope:z, /x, GET, allow\n".encode())
    assert missing_scope(program(), ruled(program(), "GET", "/x", policy)) == needed
    with_one = program("scope:a000")  # which is not tried
    assert missing_scope(with_one, ruled(with_one, "GET", "/x", policy)) == "z"


def test_what_a_person_may_by_name_no_scope_of_their_program_is_named_for() -> None:
    policy = policy_of(b"p, 7f3c, /x, GET, allow\np, scope:a, /other, GET, allow\n")
    who = person(through=program())
    assert missing_scope(who, ruled(who, "GET", "/x", policy)) == ""


def test_a_model_that_knows_no_callers_has_no_scope_to_miss() -> None:
    model = b"""[request_definition]
r = obj, act
[policy_definition]
p = obj, act, who
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && r.act == p.act && p.who == "scope:a"
"""
    policy = Policy.parse(model, b"p, /x, GET, scope:b\n")
    ruling = Ruling.of(policy, ("/x", "GET"))
    assert missing_scope(program(), ruling) == ""


def test_scopes_that_a_challenge_cannot_spell_are_not_named() -> None:
    rules = [r'"scope:a b"', r"scope:a\b", "scope:", "scope:!", "scope:~", "scope:é", "user", "scope:[x]"]
    policy = policy_of("".join(f"p, {name}, /x, GET, allow\n" for name in rules).encode())
    assert scope_words(policy) == ["scope:!", "scope:[x]", "scope:~"]


# --- the answer to a denial


def answered(who: Principal | None, *, act: str = "GET", explain: bool = False, **options: Any) -> Any:
    denial = AccessDenied(who, ruled(who, act), "d-1")
    assert str(denial) == "the policy does not allow this"
    return read(denied(SCOPE, denial, explain=explain, **options))


@pytest.mark.parametrize(
    ("options", "challenge"),
    [
        ({}, 'Bearer realm="sekisho"'),
        ({"challenge": KEY}, 'ApiKey realm="sekisho"'),
        (
            {"challenge": CHALLENGE},
            'Bearer realm="sekisho", resource_metadata="https://api.example.com/about"',
        ),
    ],
)
def test_nobody_is_asked_to_sign_in_and_told_nothing_of_the_decision(
    options: dict[str, Any], challenge: str
) -> None:
    status, body, headers = answered(None, explain=True, **options)
    assert (status, body["error"], headers["www-authenticate"]) == (401, "authentication_required", challenge)
    assert not {"decision_id", "policy_revision", "explanation"} & body.keys()


@pytest.mark.parametrize("explain", [True, False])
@pytest.mark.parametrize(
    ("who", "options", "error"),
    [
        (person("auditor"), {}, "access_denied"),
        (program(), {"challenge": CHALLENGE}, "insufficient_scope"),
        (program(), {"challenge": KEY}, "access_denied"),
    ],
)
def test_somebody_is_told_which_decision_it_was(
    who: Principal, options: dict[str, Any], error: str, explain: bool
) -> None:
    status, body, headers = answered(who, explain=explain, **options)
    assert (status, body["error"], body["decision_id"]) == (403, error, "d-1")
    assert body["policy_revision"] == policy_of().revision
    assert body.get("explanation") == (explanation(who, ruled(who)) if explain else None)
    assert headers.get("www-authenticate") == (
        'Bearer realm="sekisho", error="insufficient_scope", error_description="the token was not given the scope that '
        'this needs", scope="admin", resource_metadata="https://api.example.com/about"'
        if error == "insufficient_scope"
        else None
    )


# --- the answer to everything else


@pytest.mark.parametrize(
    ("error", "reason", "status", "code", "retry"),
    [
        (InvalidPath(), "invalid_path", 400, "invalid_path", None),
        (PathTooLong(), "uri_too_long", 414, "uri_too_long", None),
        (InvalidHost(), "invalid_host", 400, "invalid_host", None),
        (
            DecisionLogUnavailable(),
            "decision_log_unavailable",
            503,
            "decision_log_unavailable",
            str(RETRY_AFTER),
        ),
        (KeysUnavailable(7), "keys_unavailable", 503, "keys_unavailable", "7"),
    ],
)
def test_what_no_decision_led_to_is_answered_by_its_own_code_and_no_challenge(
    error: Exception, reason: str, status: int, code: str, retry: str | None
) -> None:
    told, answer = rejection(SCOPE, error, challenge=CHALLENGE)
    got, body, headers = read(answer)
    assert (told, got, body["error"]) == (reason, status, code)
    assert headers.get("retry-after") == retry
    assert "www-authenticate" not in headers


@pytest.mark.parametrize(
    ("error", "reason", "code", "said"),
    [
        (AuthenticationRequired(), "authentication_required", "authentication_required", None),
        (InvalidToken("expired"), "expired", "invalid_token", "the token has expired"),
        (Unauthenticated("who is this"), "unauthenticated", "invalid_token", "who is this"),
        (Unauthenticated('a "\\ \n é\x7f~!#[]'), "unauthenticated", "invalid_token", "a ?? ? ??~!#[]"),
        (Unauthenticated("x" * 301), "unauthenticated", "invalid_token", "x" * 300),
        (RuntimeError("what else"), "invalid_token", "invalid_token", "what else"),
    ],
)
def test_a_caller_who_is_nobody_is_challenged(
    error: Exception, reason: str, code: str, said: str | None
) -> None:
    told, answer = rejection(SCOPE, error, challenge=CHALLENGE)
    got, body, headers = read(answer)
    assert (told, got, body["error"]) == (reason, 401, code)
    about = "" if said is None else f', error="invalid_token", error_description="{said}"'
    assert headers["www-authenticate"] == (
        f'Bearer realm="sekisho"{about}, resource_metadata="https://api.example.com/about"'
    )


# --- where a denial comes from


def test_a_denial_by_a_rule_names_it_and_one_by_none_what_comes_nearest() -> None:
    by_rule = ruled(program("scope:never"), "DELETE")
    assert explanation(program("scope:never"), by_rule) == {
        "roles": ["client:batch", "scope:never"],
        "reason": by_rule.decision.reason,
        "rule": {"line": 5, "text": "p, scope:never, /things, DELETE, deny"},
        "nearest": [],
    }
    who = person("auditor")
    by_none = explanation(who, ruled(who))
    assert (by_none["roles"], by_none["reason"], by_none["rule"]) == (["auditor"], "denied_by_default", None)
    nearest: Any = by_none["nearest"]
    assert nearest[0].keys() == {"line", "text", "missing"}
    assert "p, user, /things, GET, allow" in {each["text"] for each in nearest}


def test_what_could_not_be_decided_has_nothing_near_it() -> None:
    model = MODEL.replace(b"keyMatch3(r.obj, p.obj)", b"ipMatch(r.obj, p.obj)")
    policy = policy_of(b"p, user, 10.0.0.0/8, GET, allow\n", model)
    ruling = ruled(person("user"), "GET", "/x", policy)
    assert explanation(person("user"), ruling) == {
        "roles": ["user"],
        "reason": ruling.decision.reason,
        "rule": None,
        "nearest": [],
    }


@pytest.mark.parametrize(
    ("act", "lines"),
    [("DELETE", (None, 5)), ("GET", (1, None))],
)
def test_a_denial_to_somebody_behind_a_program_is_explained_for_each_of_both(
    act: str, lines: tuple[int | None, int | None]
) -> None:
    through = program("scope:never")
    who = person("user", through=through)
    told: Any = explanation(who, ruled(who, act))
    assert told == {
        "person": explanation(person("user"), ruled(person("user"), act)),
        "client": explanation(through, ruled(through, act)),
    }
    assert tuple(each["rule"] and each["rule"]["line"] for each in told.values()) == lines


def test_what_was_denied_before_both_were_asked_about_is_explained_as_one() -> None:
    """A subject that is the name of a role is asked about no further, whatever it calls through."""
    who = person("user", through=program())
    alone = Ruling.denied(policy_of(), ("user", "user", "/things", "GET"), 1, RuntimeError("a role"))
    assert explanation(who, alone) == explanation(person("user"), alone)
