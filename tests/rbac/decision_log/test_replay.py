"""Recorded questions are asked again as they were, of any document; what nobody needs can go unnoticed."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from rbac import Policy
from rbac.decision_log.lines import DecisionLines
from rbac.decision_log.record import entry, line
from rbac.decision_log.replay import Replay, replay
from rbac.decision_log.ruling import Asked, Ruling, Subject
from rbac.decision_log.unused import unused
from rbac.guard.identity.principal import Principal
from tests.support.decisions import SHIPPED, decided
from tests.support.documents import MODEL

Log = Callable[..., DecisionLines]

PRIORITY = MODEL.replace(
    b"some(where (p.eft == allow)) && !some(where (p.eft == deny))", b"priority(p.eft) || deny"
)
OTHER_WORDS = MODEL.replace(b"r = sub, role, obj, act", b"r = sub, role, dom, obj, act")
SEVERAL = Principal("7f3c", ("user", "security"), "sam", None)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Writes lines of records, or members, to a file, and reads it."""

    def lines(*records: Any) -> DecisionLines:
        path = tmp_path / "decisions.jsonl"
        members = (each if isinstance(each, dict) else entry(each) for each in records)
        path.write_bytes(b"".join(line(each) for each in members))
        return DecisionLines([path])

    return lines


def flips(found: Replay) -> list[tuple[str, bool, bool]]:
    return [(flip.obj, flip.was, flip.now) for flip in found.flips]


def test_words_are_found_by_name_in_whatever_order_they_stand(log: Log) -> None:
    members = entry(decided("/user"))
    members["request"] = dict(sorted(members["request"].items()))
    assert tuple(members["request"]) != SHIPPED.words
    found = replay(SHIPPED, log(members))
    assert (found.reading.asked, flips(found)) == (1, [])


def test_several_roles_are_asked_one_by_one(log: Log) -> None:
    policy = Policy.parse(MODEL, b"p, user, /user, GET, allow\np, security, /user, GET, deny\n")
    found = replay(policy, log(decided("/user", who=SEVERAL), decided("/user")))
    assert flips(found) == [("/user", True, False)]
    assert found.flips[0].rule == policy.document_rule(1)
    assert found.flips[0].roles == ("user", "security")


def test_a_list_of_one_or_none_is_one_role_or_none(log: Log) -> None:
    one, none = (entry(decided("/user")) for _ in range(2))
    one["request"]["role"], none["request"]["role"] = ["user"], []
    assert flips(replay(SHIPPED, log(one, none))) == [("/user", True, False)]


NOT_ASKED = {
    "a model with another word": (OTHER_WORDS, {}, "dom"),
    "a question with another word": (MODEL, {"request": entry(decided())["request"] | {"dom": "x"}}, "dom"),
    "a question that lacks one": (MODEL, {"request": {"sub": "x"}}, "sub"),
    "two words with several values": (
        MODEL,
        {"request": {"sub": ["a", "b"], "role": ["c", "d"], "obj": "/", "act": "GET"}},
        "two",
    ),
    "several roles under a priority effect": (
        PRIORITY,
        {"request": {"sub": "a", "role": ["c", "d"], "obj": "/", "act": "GET"}},
        "priority",
    ),
    "a question that was altered": (MODEL, {"altered": True}, "altered"),
}


@pytest.mark.parametrize("case", NOT_ASKED)
def test_what_cannot_be_asked_is_named_and_not_guessed(log: Log, case: str) -> None:
    model, changes, why = NOT_ASKED[case]
    policy = Policy.parse(model, b"p, user, /user, GET, allow\n")
    for found in (replay, unused):
        reading = found(policy, log(entry(decided()) | changes | {"decision_id": "d-1"})).reading
        (one,) = reading.not_asked
        assert (reading.asked, one.line, one.decision_id) == (0, 1, "d-1")
        assert why in one.why
        assert one.altered is (case == "a question that was altered")
        assert bool(reading.unfit) is not one.altered


def test_what_the_matcher_fails_over_is_denied_as_in_the_service(log: Log) -> None:
    addresses = Policy.parse(
        b"[request_definition]\nr = ip\n[policy_definition]\np = ip\n"
        b"[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = ipMatch(r.ip, p.ip)\n",
        b"p, 10.0.0.0/8\n",
    )
    allowed = Ruling.of(addresses, ("10.0.0.1",))
    failing = Ruling.of(addresses, ("nonsense",))
    records = [decided()._replace(ruling=ruling) for ruling in (allowed, failing)]
    found = replay(addresses, log(*records))
    assert (found.reading.asked, flips(found)) == (2, [])


def test_lines_can_be_chosen_by_the_way_they_came_and_their_time(log: Log) -> None:
    records = [decided(via="http"), decided(via="authzen"), decided(via="forward-auth")]
    old = entry(decided()) | {"timestamp": "2020-01-01T00:00:00.000000Z"}
    reading = replay(SHIPPED, log(*records, old), via=("http",), since="2026-01-01T00:00:00.000000Z").reading
    assert (reading.asked, reading.left_out, reading.lines) == (1, 3, 4)
    assert unused(SHIPPED, log(*records, old), via=("http",)).reading.left_out == 2


def test_a_flip_under_the_very_policy_that_decided_says_that_the_log_was_changed(log: Log) -> None:
    changed = entry(decided("/admin")) | {"allowed": True}
    assert replay(SHIPPED, log(changed)).impossible == 1
    other = Policy.parse(MODEL, b"p, user, /admin, GET, allow\n")
    assert replay(other, log(decided("/admin"))).impossible == 0


def test_a_link_is_used_when_a_decision_goes_through_it_and_not_when_it_goes_beside(log: Log) -> None:
    policy = Policy.parse(MODEL, b"p, user, /user, GET, allow\ng, admin, user\n")
    admin = Asked("a", ("admin",))
    assert [one.rule.line for one in unused(policy, log(decided("/user"))).rules] == [2]
    assert unused(policy, log(decided("/user", who=admin))).rules == ()


def test_last_use_is_the_latest_whatever_the_order_of_the_lines(log: Log) -> None:
    times = ["2026-03-01T00:00:00.000000Z", "2026-05-01T00:00:00.000000Z", "2026-04-01T00:00:00.000000Z"]
    policy = Policy.parse(MODEL, b"p, user, /user, GET, allow\n")
    lines = [entry(decided("/user")) | {"timestamp": time} for time in times]
    assert unused(policy, log(*lines), since=times[1]).rules == ()
    (one,) = unused(policy, log(*lines), since="2026-05-01T00:00:00.000001Z").rules
    assert one.last_used == times[1]


ROLES = ["user", "admin", "chief", "security", "bob", "ann"]
PATHS = ["/", "/a", "/a/1", "/b", "/b/1/2"]
PATTERNS = [*PATHS, "/a/{id}", "/b/*", "/*"]


def a_policy(pick: random.Random) -> list[str]:
    names = [*ROLES[:4], "everyone", "authenticated", "bob"]
    rules = [
        f"p, {pick.choice(names)}, {pick.choice(PATTERNS)}, {pick.choice(['GET', '*'])}, "
        f"{pick.choice(['allow'] * 5 + ['deny'])}"
        for _ in range(pick.randint(2, 12))
    ]
    order = ["bob", "ann", "chief", "admin", "security", "user"]
    links = []
    for _ in range(pick.randint(0, 7)):
        low, high = sorted(pick.sample(range(len(order)), 2))
        links.append(f"g, {order[low]}, {order[high]}")
    return [*rules, *links]


def records_under(policy: Policy, pick: random.Random) -> Iterable[Any]:
    for _ in range(pick.randint(1, 25)):
        roles = tuple(pick.sample(ROLES, pick.choice([0, 1, 1, 2])))
        who: Subject | None = pick.choice([None, Asked("bob", roles), Asked("x", roles)])
        yield decided(pick.choice(PATHS), pick.choice(["GET", "POST"]), who, policy=policy)


def test_without_what_is_unused_every_recorded_decision_comes_out_the_same(log: Log) -> None:
    removed = 0
    for seed in range(200):
        pick = random.Random(seed)
        rules = a_policy(pick)
        policy = Policy.parse(MODEL, "\n".join(rules).encode())
        records = list(records_under(policy, pick))
        idle = {one.rule.line for one in unused(policy, log(*records)).rules}
        kept = [rule for number, rule in enumerate(rules, 1) if number not in idle]
        found = replay(Policy.parse(MODEL, "\n".join(kept).encode()), log(*records))
        assert (found.reading.asked, flips(found)) == (len(records), []), f"seed {seed}"
        removed += len(idle)
    assert removed > 500


def test_every_rule_that_is_kept_matters_to_a_decision(log: Log) -> None:
    """Taking one more rule away changes which rule decides, or what is decided."""
    for seed in range(50):
        pick = random.Random(seed)
        rules = a_policy(pick)
        policy = Policy.parse(MODEL, "\n".join(rules).encode())
        records = list(records_under(policy, pick))
        idle = {one.rule.line for one in unused(policy, log(*records)).rules}
        kept = [rule for number, rule in enumerate(rules, 1) if number not in idle]
        whole = Policy.parse(MODEL, "\n".join(kept).encode())
        for left_out in [rule for rule in kept if rule.startswith("p")]:
            less = Policy.parse(MODEL, "\n".join(rule for rule in kept if rule != left_out).encode())
            assert any(_deciding(whole, record) != _deciding(less, record) for record in records), (
                f"seed {seed}: {left_out}"
            )


def _deciding(policy: Policy, record: Any) -> tuple[bool, tuple[str, ...]]:
    words, place = record.ruling.words, record.ruling.role_index
    roles = record.who.roles if record.who is not None and place is not None else (words[1],)
    decision = policy.decide_roles(words, 1, roles)
    return decision.allowed, decision.rule.fields if decision.rule else ()
