"""`rbac doctor` on what an issuer publishes: a real issuer on this machine, right and wrong in one thing."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from rbac.doctor.examination import OF_ISSUERS, Examination, examine
from rbac.doctor.issuer import IssuerReader
from rbac.doctor.issuer_setup import IssuerSetup, of_issuer
from rbac.guard.issuers.provider import ProviderName
from tests.support.issuer import ABSENT, Answer, Issuer
from tests.support.issuer_forms import PLAIN


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer(form=PLAIN) as listening:
        yield listening


def issuer_setup_of(issuer: Issuer) -> IssuerSetup:
    return of_issuer(issuer.issuer, production=False)


def codes(examination: Examination) -> list[str]:
    return [each.code for each in examination.findings]


def unseen(examination: Examination) -> dict[str, str]:
    return {each.check: each.reason for each in examination.unseen}


def test_of_a_good_issuer_there_is_nothing_to_find(issuer: Issuer) -> None:
    examination = examine(issuer_setup_of(issuer))
    assert (codes(examination), unseen(examination)) == ([], {})
    assert set(examination.seen) == set(OF_ISSUERS)
    assert (issuer.discoveries, issuer.fetches) == (1, 1)  # each is asked once


Change = Callable[[Issuer], object]


def described(**changes: object) -> Change:
    def change(issuer: Issuer) -> None:
        issuer.metadata_answer = Answer(body=issuer.metadata(**changes))

    return change


def answers(**how: object) -> Change:
    def change(issuer: Issuer) -> None:
        issuer.answer = Answer(**how)  # type: ignore[arg-type]  # of an Answer

    return change


# What is wrong, its code, and which checks cannot be made because of it.
WRONG: dict[str, tuple[Change, list[str], set[str]]] = {
    "a slash more": (lambda i: described(issuer=f"{i.issuer}/")(i), ["issuer_differs"], {"keys", "clock"}),
    "no address of keys": (described(jwks_uri=ABSENT), ["discovery_refused"], {"keys", "clock"}),
    "keys over plain http elsewhere": (
        described(jwks_uri="http://keys.example.com/"),
        ["discovery_refused"],
        {"keys", "clock"},
    ),
    "no JSON": (
        lambda i: setattr(i, "metadata_answer", Answer(body=b"<html>")),
        ["discovery_refused"],
        {"algorithms", "keys", "clock"},
    ),
    "a list": (
        lambda i: setattr(i, "metadata_answer", Answer(body=b"[]")),
        ["discovery_refused"],
        {"algorithms", "keys", "clock"},
    ),
    "secrets that sign": (
        described(id_token_signing_alg_values_supported=["HS256", "none"]),
        ["algorithms_foreign"],
        set(),
    ),
    "algorithms that are no list": (
        described(id_token_signing_alg_values_supported="RS256"),
        [],
        {"algorithms"},
    ),
    "algorithms that are no text": (
        described(id_token_signing_alg_values_supported=[{}, None]),
        ["algorithms_foreign"],
        set(),
    ),
    "no keys": (answers(body=b'{"keys": []}'), ["keys_refused"], set()),
    "keys that are no JSON": (answers(body=b"\xff"), ["keys_refused"], set()),
    "an answer that is no 200": (answers(status=503), [], {"keys", "clock"}),
    "a redirect": (answers(status=302, headers={"Location": "https://example.com"}), [], {"keys", "clock"}),
    "a hang-up": (answers(hang_up=True), [], {"keys", "clock"}),
    "nobody who describes": (
        lambda i: setattr(i, "metadata_answer", Answer(status=404)),
        [],
        {"discovery", "algorithms", "keys", "clock"},
    ),
}


@pytest.mark.parametrize(("change", "found", "hidden"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found_and_what_it_hides_is_said(
    issuer: Issuer, change: Change, found: list[str], hidden: set[str]
) -> None:
    change(issuer)
    examination = examine(issuer_setup_of(issuer))
    assert codes(examination) == found
    assert set(unseen(examination)) == hidden
    assert examination.complete is not bool(hidden)
    assert all(each.fix for each in examination.findings)


def test_the_fix_for_a_slash_is_the_setting(issuer: Issuer) -> None:
    described(issuer=f"{issuer.issuer}/")(issuer)
    (finding,) = examine(issuer_setup_of(issuer)).findings
    assert finding.fix == f"OIDC_ISSUER={issuer.issuer}/"


def test_an_issuer_that_is_down_is_said_and_no_traceback(issuer: Issuer) -> None:
    issuer.hang_up()
    examination = examine(issuer_setup_of(issuer))
    assert codes(examination) == []
    assert set(unseen(examination)) == {"discovery", "algorithms", "keys", "clock"}
    assert "cannot be reached" in unseen(examination)["keys"]


@pytest.mark.parametrize(
    ("address", "production", "found"),
    [
        ("http://127.0.0.1:9/", True, True),
        ("http://127.0.0.1:9/", False, False),
        ("https://localhost:9/", True, True),
        ("http://id.example.invalid", False, True),
        ("https://a@id.example.invalid", True, True),
        ("https://id.example.invalid", True, False),
    ],
)
def test_an_issuer_is_https_or_on_a_developers_machine(address: str, production: bool, found: bool) -> None:
    examination = examine(of_issuer(address, production=production))
    assert codes(examination) == ["issuer_insecure"] * found


@pytest.mark.parametrize(
    ("ahead", "found"),
    [(0, []), (-4, []), (4, []), (-30, ["warning"]), (30, ["warning"]), (-90, ["error"]), (900, ["warning"])],
)
def test_a_clock_that_is_wrong_is_told_by_the_issuers(issuer: Issuer, ahead: int, found: list[str]) -> None:
    """Behind the issuer by more than the leeway refuses every new token."""
    setup = issuer_setup_of(issuer)
    reader = IssuerReader(setup, now=lambda: time.time() + ahead)
    examination = examine(setup, issuer_reader=reader)
    assert [each.weight for each in examination.findings] == found
    assert codes(examination) == ["clock_skew"] * len(found)
    if found:
        assert ("behind" if ahead < 0 else "ahead of") in examination.findings[0].message


@pytest.mark.parametrize(
    ("headers", "found", "hidden"),
    [
        ({"Age": "100"}, ["clock_skew"], set()),
        ({"Age": "-100"}, [], set()),
        ({"Age": "old"}, [], {"clock"}),
    ],
)
def test_a_date_that_is_none_or_was_kept_is_read_as_such(
    issuer: Issuer, headers: dict[str, str], found: list[str], hidden: set[str]
) -> None:
    setup = issuer_setup_of(issuer)
    reader = IssuerReader(setup)
    issuer.answer = Answer(headers=headers)
    examination = examine(setup, issuer_reader=reader)
    assert codes(examination) == found
    assert set(unseen(examination)) == hidden


@pytest.mark.parametrize("date", ["", "yesterday", "Sat, 99 Nov 2026 00:00:00 GMT"])
def test_no_date_is_said(issuer: Issuer, monkeypatch: pytest.MonkeyPatch, date: str) -> None:
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda _: date)
    examination = examine(issuer_setup_of(issuer))
    assert (codes(examination), set(unseen(examination))) == ([], {"clock"})


@pytest.mark.parametrize(
    ("provider", "says", "fix"),
    [
        ("auth0", "https://b.eu.auth0.com/", "AUTH0_DOMAIN=b.eu.auth0.com"),
        ("firebase", "https://securetoken.google.com/shop-2", "FIREBASE_PROJECT_ID=shop-2"),
    ],
)
def test_each_kind_of_issuer_is_mended_by_its_own_setting(
    issuer: Issuer, provider: ProviderName, says: str, fix: str
) -> None:
    described(issuer=says)(issuer)
    setup = replace(issuer_setup_of(issuer), provider=provider, keys_url=issuer.jwks_url)
    (finding,) = examine(setup).findings
    assert (finding.code, finding.fix) == ("issuer_differs", fix)


def test_a_description_that_nobody_needs_may_be_missing(issuer: Issuer) -> None:
    """Where the keys are is known of Auth0, Firebase and Cognito; their description is only looked at."""
    described(jwks_uri=ABSENT)(issuer)
    setup = replace(issuer_setup_of(issuer), provider="auth0", keys_url=issuer.jwks_url)
    examination = examine(setup)
    assert (codes(examination), unseen(examination)) == ([], {})


@pytest.mark.parametrize("wrong", ["id.example.com", "", "https://" + "a" * 3000])
def test_what_is_no_address_is_no_issuer(wrong: str) -> None:
    with pytest.raises(ValueError, match="not an issuer"):
        of_issuer(wrong)
