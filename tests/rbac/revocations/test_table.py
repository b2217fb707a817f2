"""Whom revocations meet: a table by hand, a brute force, and what a clock has to do with it (nothing)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.revocations.row import Revocation
from rbac.revocations.table import NOBODY, SentAway

SUB = Revocation("sub", "bob", 100, "left")
SESSION = Revocation("session", "s1", 100, "stolen")
CLIENT = Revocation("client", "app", 100, "leaked")
EVERYONE = Revocation("everyone", "*", 100, "keys")

CASES: list[tuple[Revocation, str, dict[str, Any], bool]] = [
    (SUB, "bob", {"iat": 99}, True),
    (SUB, "bob", {"iat": 100}, True),
    (SUB, "bob", {"iat": 100.5}, False),
    (SUB, "bob", {"iat": 101}, False),
    (SUB, "ann", {"iat": 99}, False),
    (SUB, "Bob", {"iat": 99}, False),
    (SUB, "bob", {}, True),
    (SUB, "bob", {"iat": "999"}, True),
    (SUB, "bob", {"iat": True}, True),
    (SUB, "bob", {"iat": float("nan")}, True),
    (SUB, "ann", {}, False),
    (SESSION, "bob", {"iat": 99, "origin_jti": "s1"}, True),
    (SESSION, "bob", {"iat": 99, "sid": "s1"}, True),
    (SESSION, "bob", {"iat": 101, "sid": "s1"}, False),
    (SESSION, "bob", {"iat": 99, "sid": "s2", "origin_jti": "s2"}, False),
    (SESSION, "bob", {"iat": 99, "sid": 5}, False),
    (SESSION, "s1", {"iat": 99}, False),
    (CLIENT, "bob", {"iat": 99, "aud": "app"}, True),
    (CLIENT, "bob", {"iat": 99, "aud": ["other", "app", 7]}, True),
    (CLIENT, "bob", {"iat": 99, "azp": "app", "aud": "other"}, True),
    (CLIENT, "bob", {"iat": 99, "client_id": "app"}, True),
    (CLIENT, "bob", {"iat": 101, "client_id": "app"}, False),
    (CLIENT, "bob", {"iat": 99, "aud": "other"}, False),
    (CLIENT, "app", {"iat": 99}, False),
    (EVERYONE, "bob", {"iat": 100}, True),
    (EVERYONE, "bob", {"iat": 101}, False),
    (EVERYONE, "bob", {}, True),
]


@pytest.mark.parametrize(("row", "sub", "claims", "met"), CASES)
def test_a_row_meets_whom_it_says(row: Revocation, sub: str, claims: dict[str, Any], met: bool) -> None:
    assert SentAway.of([row]).meets(sub, claims) is met


def test_nobody_is_sent_away_by_no_row() -> None:
    assert not NOBODY.meets("bob", {})
    assert NOBODY.rows == 0


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_of_several_rows_counts(order: int) -> None:
    rows = [SUB, Revocation("sub", "bob", 200, "again"), Revocation("everyone", "*", 150, "keys")][::order]
    table = SentAway.of(rows)
    assert table.meets("bob", {"iat": 200})
    assert not table.meets("bob", {"iat": 201})
    assert table.meets("ann", {"iat": 150})
    assert not table.meets("ann", {"iat": 151})


NAMES = st.sampled_from(["a", "b", "c"])
ROWS = st.lists(
    st.one_of(
        st.builds(
            Revocation, st.sampled_from(["sub", "session", "client"]), NAMES, st.integers(0, 5), st.just("x")
        ),
        st.builds(Revocation, st.just("everyone"), st.just("*"), st.integers(0, 5), st.just("x")),
    ),
    max_size=6,
)
CLAIMS = st.fixed_dictionaries(
    {"iat": st.integers(0, 6)},
    optional={
        "origin_jti": NAMES,
        "sid": NAMES,
        "client_id": NAMES,
        "azp": NAMES,
        "aud": NAMES | st.lists(NAMES, max_size=2),
    },
)


def _by_hand(rows: list[Revocation], sub: str, claims: dict[str, Any]) -> bool:
    audience = claims.get("aud", [])
    named: dict[str, set[Any]] = {
        "sub": {sub},
        "session": {claims.get("origin_jti"), claims.get("sid")},
        "client": {
            claims.get("client_id"),
            claims.get("azp"),
            *([audience] if isinstance(audience, str) else audience),
        },
        "everyone": {"*"},
    }
    return any(row.value in named[row.kind] and not claims["iat"] > row.before for row in rows)


@given(ROWS, NAMES, CLAIMS)
def test_the_table_says_what_reading_every_row_would(
    rows: list[Revocation], sub: str, claims: dict[str, Any]
) -> None:
    assert SentAway.of(rows).meets(sub, claims) == _by_hand(rows, sub, claims)
