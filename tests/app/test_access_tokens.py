"""People, machines and agents before one policy: who is allowed what, by which half, and what a refusal says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from rbac import Policy
from rbac.decision_log.lines import DecisionLines
from rbac.decision_log.replay import replay
from rbac.decision_log.unused import unused
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import ABSENT, Issuer
from tests.support.kinds import KINDS, settings_of_kinds, token_of

ROLE_RULE = "p, user, /user, GET, allow"
SCOPE_RULE = "p, scope:orders/read, /user, GET, allow"
RULES = {"role": [ROLE_RULE], "scope": [SCOPE_RULE], "both": [ROLE_RULE, SCOPE_RULE], "none": []}
COMMON = [
    "p, everyone, /readyz, GET, allow",
    "p, everyone, /public, GET, allow",
    r"p, everyone, /\.well-known/oauth-protected-resource, GET, allow",
    "p, authenticated, /me/permissions, GET, allow",
    "p, admin, /admin, GET, allow",
]
PROVIDERS = list(KINDS)


@contextmanager
def service(
    tmp_path: Path, rules: list[str], provider: str = "cognito", **changes: str
) -> Iterator[tuple[TestClient, Issuer]]:
    (tmp_path / "policy.csv").write_text("\n".join([*COMMON, *rules]) + "\n")
    with Issuer(form=KINDS[provider]["id"]) as issuer:
        settings = settings_for(issuer, tmp_path, **settings_of_kinds(provider, issuer, **changes))
        with served(settings) as client:
            yield client, issuer


# By hand: (what rules there are) x (who asks), a person of role `user` through a client with the scope `orders/read`.
#                        role   scope  both   none
IGNORED = {
    "id":               ("200", "403", "200", "403"),
    "person":           ("200", "403", "200", "403"),
    "machine":          ("403", "200", "200", "403"),
}  # fmt: skip
REQUIRED = {
    "id":               ("200", "403", "200", "403"),
    "person":           ("403", "403", "200", "403"),
    "machine":          ("403", "200", "200", "403"),
}  # fmt: skip


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("scopes", "table"), [("ignored", IGNORED), ("required", REQUIRED)], ids=["ignored", "required"]
)
@pytest.mark.parametrize("rules", RULES)
def test_who_is_allowed_by_which_rules(
    tmp_path: Path, provider: str, scopes: str, table: dict[str, tuple[str, ...]], rules: str
) -> None:
    with service(tmp_path, RULES[rules], provider, SCOPES=scopes) as (client, issuer):
        for kind, row in table.items():
            answer = client.get("/user", headers=bearer(token_of(issuer, kind, roles=["user"])))
            assert str(answer.status_code) == row[list(RULES).index(rules)], (kind, answer.text)


# By hand: what the token has, where a rule opens it to the role and another to the scope.
HELD: dict[str, dict[str, Any]] = {
    "role": {"roles": ["user"], "scope": ABSENT},
    "scope": {"roles": ABSENT, "scope": "openid orders/read"},
    "both": {"roles": ["user"], "scope": "orders/read"},
    "none": {"roles": ["guest"], "scope": "openid"},
}
#                        role scope both none
HOLDS_IGNORED = {
    "id":               (200, 403, 200, 403),
    "person":           (200, 403, 200, 403),
    "machine":          (403, 200, 200, 403),
}  # fmt: skip
HOLDS_REQUIRED = {
    "id":               (200, 403, 200, 403),
    "person":           (403, 403, 200, 403),
    "machine":          (403, 200, 200, 403),
}  # fmt: skip


@pytest.mark.parametrize(
    ("scopes", "table"),
    [("ignored", HOLDS_IGNORED), ("required", HOLDS_REQUIRED)],
    ids=["ignored", "required"],
)
def test_who_is_allowed_by_what_the_token_holds(
    tmp_path: Path, scopes: str, table: dict[str, tuple[int, ...]]
) -> None:
    with service(tmp_path, RULES["both"], SCOPES=scopes) as (client, issuer):
        for kind, row in table.items():
            for held, status in zip(HELD, row, strict=True):
                answer = client.get("/user", headers=bearer(token_of(issuer, kind, **HELD[held])))
                assert answer.status_code == status, (kind, held)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_agent_is_never_more_than_its_human_nor_more_than_itself(tmp_path: Path, provider: str) -> None:
    rules = [ROLE_RULE, SCOPE_RULE, "p, scope:everything, /*, *, allow", "g, admin, user"]
    with service(tmp_path, rules, provider, SCOPES="required") as (client, issuer):
        strong, weak = {"roles": ["admin"]}, {"roles": ["guest"]}
        narrow, broad = {"scope": "orders/read"}, {"scope": "everything"}
        expected: dict[str, tuple[dict[str, Any], int, int]] = {
            "strong person, narrow client": (strong | narrow, 200, 403),
            "weak person, broad client": (weak | broad, 403, 403),
            "strong person, broad client": (strong | broad, 200, 200),
            "weak person, narrow client": (weak | narrow, 403, 403),
        }
        for name, (claims, user, admin) in expected.items():
            headers = bearer(token_of(issuer, "person", **claims))
            got = (
                client.get("/user", headers=headers).status_code,
                client.get("/admin", headers=headers).status_code,
            )
            assert got == (user, admin), name


def test_a_policy_says_which_clients_are_trusted_without_scopes_and_which_are_not(tmp_path: Path) -> None:
    client_id = KINDS["cognito"]["person"].client_id
    trusted = [ROLE_RULE, f"g, client:{client_id}, user"]
    with service(tmp_path, trusted, SCOPES="required") as (client, issuer):
        token = token_of(issuer, "person", roles=["user"], scope=ABSENT)
        assert client.get("/user", headers=bearer(token)).status_code == 200
    for half in (f"client:{client_id}", KINDS["cognito"]["person"].claims["sub"]):
        locked_out = [*trusted, f"p, {half}, /*, *, deny"]
        with service(tmp_path, locked_out, SCOPES="required") as (client, issuer):
            assert (
                client.get("/user", headers=bearer(token_of(issuer, "person", roles=["user"]))).status_code
                == 403
            )


def test_a_machine_has_a_role_by_its_name_and_a_rule_of_its_own(tmp_path: Path) -> None:
    name = f"client:{KINDS['cognito']['machine'].client_id}"
    for rules in ([ROLE_RULE, f"g, {name}, user"], [f"p, {name}, /user, GET, allow"]):
        with service(tmp_path, rules) as (client, issuer):
            machine = bearer(token_of(issuer, "machine", scope=ABSENT))
            assert client.get("/user", headers=machine).status_code == 200
            answer = client.get("/me/permissions", headers=machine).json()
            assert (answer["sub"], answer["roles"]) == (name, [name])
            assert {"act": "GET", "obj": "/user"} in answer["permissions"]
            person = bearer(token_of(issuer, "person", roles=["guest"]))
            assert client.get("/user", headers=person).status_code == 403


FORGED: dict[str, dict[str, Any]] = {
    "a scope in an ID token": {"scope": "orders/read"},
    "a role called as a scope": {"roles": ["scope:orders/read"]},
    "a role called as a client": {"roles": ["client:1alice2batch3job4example5id"]},
    "a text called as a scope": {"roles": "scope:orders/read"},
    "a list in a text": {"roles": "guest,scope:orders/read"},
    "a JSON list in a text": {"roles": '["scope:orders/read"]'},
}


@pytest.mark.parametrize("claims", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("kind", ["id", "person"])
def test_no_claim_of_a_person_gives_a_word_of_access_tokens(
    tmp_path: Path, kind: str, claims: dict[str, Any]
) -> None:
    rules = [SCOPE_RULE, "p, client:1alice2batch3job4example5id, /user, GET, allow"]
    with service(tmp_path, rules) as (client, issuer):
        assert client.get("/user", headers=bearer(token_of(issuer, kind, **claims))).status_code == 403


def test_no_claim_that_fills_a_word_gives_one_either(tmp_path: Path) -> None:
    with service(
        tmp_path, [SCOPE_RULE], POLICY_REQUEST="sub=claims.sub, role=claims.team, obj=path, act=method"
    ) as (client, issuer):
        for team, status in (("scope:orders/read", 401), ("client:x", 401), ("guest", 403)):
            assert (
                client.get("/user", headers=bearer(token_of(issuer, "id", team=team))).status_code == status
            )


def test_a_refusal_for_want_of_a_scope_says_which(tmp_path: Path) -> None:
    rules = [ROLE_RULE, SCOPE_RULE, "p, scope:orders/write, /user, GET, deny"]
    with service(tmp_path, rules, "oidc", SCOPES="required") as (client, issuer):
        for kind in ("person", "machine"):
            answer = client.get(
                "/user", headers=bearer(token_of(issuer, kind, roles=["user"], scope="openid"))
            )
            assert answer.status_code == 403
            assert answer.json()["error"] == "insufficient_scope"
            assert answer.headers["www-authenticate"] == (
                'Bearer realm="sekisho", error="insufficient_scope", '
                'error_description="the token was not given the scope that this needs", scope="orders/read", '
                'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"'
            )


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        ("id", {"roles": ["guest"]}),
        ("person", {"roles": ["guest"], "scope": "openid"}),
        ("person", {"roles": ["guest"], "scope": "orders/read"}),
        ("person", {"roles": ["user"], "scope": "orders/write"}),
        ("machine", {"scope": "orders/write"}),
    ],
)
def test_a_refusal_for_any_other_reason_names_no_scope(
    tmp_path: Path, kind: str, claims: dict[str, Any]
) -> None:
    rules = [ROLE_RULE, SCOPE_RULE, "p, scope:orders/write, /user, GET, deny"]
    with service(tmp_path, rules, "oidc", SCOPES="required") as (client, issuer):
        answer = client.get("/user", headers=bearer(token_of(issuer, kind, **claims)))
        assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
        assert "www-authenticate" not in answer.headers


def test_a_401_says_where_the_issuer_is_found_and_that_is_so(tmp_path: Path) -> None:
    with service(tmp_path, [SCOPE_RULE, "g, scope:b c, user", "p, scope:a, /x, GET, allow"], "oidc") as (
        client,
        issuer,
    ):
        metadata = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"'
        assert client.get("/user").headers["www-authenticate"] == f'Bearer realm="sekisho", {metadata}'
        assert metadata in client.get("/user", headers=bearer("x.y.z")).headers["www-authenticate"]
        answer = client.get("/.well-known/oauth-protected-resource")
        assert answer.json() == {
            "resource": "https://api.example.com",
            "authorization_servers": [issuer.issuer],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["a", "orders/read"],
            "resource_name": "Sekisho",
        }


@pytest.mark.parametrize(
    ("resource", "path", "found"),
    [
        ("https://api.example.com/orders", "/orders", True),
        ("https://api.example.com/orders", "", False),
        ("https://api.example.com", "/orders", False),
        ("https://api.example.com/", "", True),
        ("api://default", "", False),
        ("urn:example:api", "", False),
    ],
)
def test_metadata_are_where_the_resource_says(tmp_path: Path, resource: str, path: str, found: bool) -> None:
    rules = [r"p, everyone, /\.well-known/oauth-protected-resource/*, GET, allow"]
    with service(tmp_path, rules, "oidc", OIDC_RESOURCE=resource) as (client, _):
        answer = client.get(f"/.well-known/oauth-protected-resource{path}")
        assert answer.status_code == (200 if found else 404)
        if found:
            assert answer.json()["resource"] == resource
        known = resource.startswith("https:")
        assert ("resource_metadata" in client.get("/user").headers["www-authenticate"]) is known


def test_both_halves_are_shown_and_recorded_and_can_be_asked_again(tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    rules = [ROLE_RULE, SCOPE_RULE]
    client_id = KINDS["cognito"]["person"].client_id
    program = {"sub": f"client:{client_id}", "roles": [f"client:{client_id}", "scope:openid"]}
    with service(tmp_path, rules, SCOPES="required", DECISION_LOG=str(log)) as (client, issuer):
        token = bearer(token_of(issuer, "person", roles=["user"], scope="openid"))
        explanation = client.get("/user", headers=token).json()["explanation"]
        assert explanation["person"]["roles"] == ["user"]
        assert explanation["person"]["rule"]["line"] == 6
        assert explanation["client"]["roles"] == program["roles"]
        permissions = client.get("/me/permissions", headers=token).json()
        assert permissions["through"] == program
        assert permissions["roles"] == ["user"]
        assert {"act": "GET", "obj": "/user"} not in permissions["permissions"]
        whole = bearer(token_of(issuer, "person", roles=["user"], scope="orders/read"))
        assert client.get("/user", headers=whole).status_code == 200
        assert {"act": "GET", "obj": "/user"} in client.get("/me/permissions", headers=whole).json()[
            "permissions"
        ]
        alone = bearer(token_of(issuer, "id", roles=["user"]))
        assert "through" not in client.get("/me/permissions", headers=alone).json()
    line = orjson.loads(log.read_bytes().splitlines()[0])
    assert (line["sub"], line["roles"], line["allowed"]) == (
        KINDS["cognito"]["person"].claims["sub"],
        ["user"],
        False,
    )
    halves = line["halves"]
    assert halves["person"] == {"allowed": True, "reason": "allowed_by_rule", "rule_line": 6}
    assert halves["client"] == {
        **program, "allowed": False, "reason": "denied_by_default", "rule_line": None,
        "request": {"sub": program["sub"], "role": program["roles"], "obj": "/user", "act": "GET"},
    }  # fmt: skip
    assert json.dumps(line).count("eyJ") == 0
    policy = Policy.load(tmp_path / "model.conf", tmp_path / "policy.csv")
    assert replay(policy, DecisionLines([log])).flips == ()
    used = {rule.rule.line for rule in unused(policy, DecisionLines([log])).rules}
    assert 6 not in used
    for gone in (ROLE_RULE, SCOPE_RULE):
        (tmp_path / "policy.csv").write_text(
            "\n".join([*COMMON, *(rule for rule in rules if rule != gone)]) + "\n"
        )
        lesser = Policy.load(tmp_path / "model.conf", tmp_path / "policy.csv")
        flips = replay(lesser, DecisionLines([log])).flips
        assert [(flip.obj, flip.was, flip.now) for flip in flips] == [("/user", True, False)]
