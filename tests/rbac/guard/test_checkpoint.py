"""A checkpoint begins and ends its parts as one, decides for each role and each half, and keeps what was decided."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from rbac import Policy, RequestError
from rbac.decision_log.record import NO_TOKEN, Decided, Record, Rejected
from rbac.guard import checkpoint as checkpoint_module
from rbac.guard.checkpoint import Checkpoint, Terms, Unrecorded, asked_of
from rbac.guard.http import BEARER
from rbac.guard.http.asgi import Scope
from rbac.guard.http.request_id import request_id_var
from rbac.guard.http.trace_context import trace_var
from rbac.guard.identity.principal import Principal
from rbac.guard.request_words import USUAL, RequestWords
from tests.support.documents import MODEL


class Part:
    """Tells when it begins and ends; ``fails`` instead of beginning."""

    revocations = None

    def __init__(self, name: str, told: list[str], *, fails: bool = False) -> None:
        self.name, self.told, self.fails = name, told, fails

    async def __aenter__(self) -> None:
        if self.fails:
            raise OSError(self.name)
        self.told.append(f"{self.name} begins")

    async def __aexit__(self, *_: object) -> None:
        self.told.append(f"{self.name} ends")


def made_of(told: list[str], *, broken: str = "") -> Checkpoint:
    live, recognition, log = (
        Part(name, told, fails=name == broken) for name in ("policy", "recognition", "log")
    )
    checkpoint: Any = Checkpoint()
    checkpoint.take_up(live, recognition, None, log=log)
    return checkpoint  # type: ignore[no-any-return]  # its parts are not the real ones


async def test_records_are_kept_before_anybody_is_let_in_and_until_after_the_last() -> None:
    told: list[str] = []
    checkpoint = made_of(told)
    for _ in range(2):  # it may be opened again
        async with checkpoint as opened:
            assert opened is checkpoint
            told.append("open")
    once = [
        "log begins",
        "recognition begins",
        "policy begins",
        "open",
        "policy ends",
        "recognition ends",
        "log ends",
    ]
    assert told == once * 2


@pytest.mark.parametrize(
    ("broken", "begun"),
    [("log", []), ("recognition", ["log"]), ("policy", ["log", "recognition"])],
)
async def test_what_has_begun_ends_where_a_later_part_cannot_begin(broken: str, begun: list[str]) -> None:
    told: list[str] = []
    with pytest.raises(OSError, match=broken):
        await made_of(told, broken=broken).open()
    assert told == [f"{each} begins" for each in begun] + [f"{each} ends" for each in reversed(begun)]


# --- what is decided


PEOPLE_AND_PROGRAMS = b"""p, user, /things, GET, allow
p, user, /both, GET, allow
p, auditor, /audit, GET, allow
p, scope:read, /both, GET, allow
p, scope:read, /program, GET, allow
p, blocked, /things, GET, deny
"""
ROLE_OF = MODEL.replace(b"keyMatch3(r.obj, p.obj)", b"ipMatch(r.obj, p.obj)")


def terms_of(policy: bytes = PEOPLE_AND_PROGRAMS, mapping: str = USUAL, model: bytes = MODEL) -> Terms:
    read = Policy.parse(model, policy)
    return Terms.of(read, RequestWords.parse(mapping, read.words, partly=True))


def somebody(*roles: str, sub: str = "7f3c", through: Principal | None = None) -> Principal:
    return Principal(sub, roles, through=through)


PROGRAM = Principal("client:batch", ("client:batch", "scope:read"))
ASKED: Scope = {"type": "http", "path": "/things", "method": "GET", "headers": [], "client": ["10.0.0.7", 1]}

# Who asks for what: the line that decides, the place that several roles fill, and the two halves where there are two.
DECIDED: list[tuple[Principal | None, str, bool, int | None, int | None]] = [
    (None, "/things", False, None, None),
    (somebody("user"), "/things", True, 1, None),
    (somebody("user"), "/nowhere", False, None, None),
    (somebody("user", "auditor"), "/things", True, 1, 1),
    (somebody("user", "auditor"), "/audit", True, 3, 1),
    (somebody("user", "blocked"), "/things", False, 6, 1),
    (somebody("user", through=PROGRAM), "/both", True, 2, None),
    (somebody("user", through=PROGRAM), "/things", False, None, None),
    (somebody("user", through=PROGRAM), "/program", False, None, None),
    (somebody("user", "auditor", through=PROGRAM), "/both", True, 2, 1),
]


@pytest.mark.parametrize("asked_by_an_endpoint", [True, False])
@pytest.mark.parametrize(("who", "path", "allowed", "line", "place"), DECIDED)
def test_a_caller_is_decided_about_for_each_role_and_each_half(
    who: Principal | None,
    path: str,
    allowed: bool,
    line: int | None,
    place: int | None,
    asked_by_an_endpoint: bool,
) -> None:
    terms = terms_of()
    if asked_by_an_endpoint:
        ruling = asked_of(terms, {"obj": path, "act": "GET"}, None, who)
    else:
        ruling = terms.rule(path, "GET", ASKED, who)
    roles = () if who is None else who.roles
    sub = "" if who is None else who.sub
    assert ruling.words == (sub, roles[0] if len(roles) == 1 else "", path, "GET")
    assert (ruling.decision.allowed, ruling.decision.line, ruling.role_index) == (allowed, line, place)
    assert ruling.policy is terms.policy
    if who is None or who.through is None:
        assert ruling.halves is None
    else:
        assert ruling.halves is not None
        person, client, program = ruling.halves
        alone = terms.rule(path, "GET", ASKED, replace(who, through=None))
        assert (person, program) == (alone.decision, PROGRAM)
        assert client == terms.rule(path, "GET", ASKED, PROGRAM)
        assert allowed is (person.allowed and client.decision.allowed)


@pytest.mark.parametrize("roles", [("user",), ("user", "auditor")])
def test_what_the_matcher_fails_over_is_denied(
    roles: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    terms = terms_of(b"p, user, 10.0.0.0/8, GET, allow\n", model=ROLE_OF)
    ruling = terms.rule("/things", "GET", ASKED, somebody(*roles))
    assert (ruling.decision.allowed, ruling.decision.rule, ruling.halves) == (False, None, None)
    assert (ruling.policy, ruling.role_index) == (terms.policy, 1)
    assert "denied what could not be decided: the matcher " in caplog.text
    assert ruling.words == ("7f3c", roles[0] if len(roles) == 1 else "", "/things", "GET")


@pytest.mark.parametrize(
    "who", [None, somebody("user"), somebody("user", "auditor"), somebody("user", through=PROGRAM)]
)
def test_both_halves_are_asked_by_what_their_request_says(who: Principal | None) -> None:
    mapping = "sub=claims.sub, role=roles, obj=client_ip, act=method"
    rules = b"p, everyone, 10.0.0.7, GET, allow\np, user, /x, GET, allow\np, scope:read, /x, GET, allow\n"
    terms = terms_of(rules, mapping)
    assert terms.decides
    for ruling in (terms.rule("/x", "GET", ASKED, who), asked_of(terms, {}, ASKED, who)):
        assert (ruling.decision.allowed, ruling.words[2]) == (True, "10.0.0.7")
        assert ruling.halves is None or ruling.halves.client.words[2] == "10.0.0.7"
    assert not terms_of(mapping="sub=claims.sub, role=roles").decides


# --- what an endpoint asks


def test_a_subject_that_is_the_name_of_a_role_is_denied_whatever_it_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    terms = terms_of()
    for who in (
        somebody("user", sub="user"),
        somebody("user", sub="auditor", through=PROGRAM),
        somebody("user", through=Principal("user", ("scope:read",))),
    ):
        ruling = asked_of(terms, {"obj": "/both", "act": "GET"}, None, who)
        assert (ruling.decision.allowed, ruling.decision.rule) == (False, None)
        assert (ruling.words, ruling.policy) == ((who.sub, "user", "/both", "GET"), terms.policy)
        assert ruling.role_index == (1 if who.sub != "7f3c" else None)
    assert "the policy names the subject `auditor` as a role" in caplog.text


def test_a_word_that_is_given_takes_the_place_of_the_callers_roles() -> None:
    ruling = asked_of(
        terms_of(), {"role": "auditor", "obj": "/audit", "act": "GET"}, None, somebody("user", "blocked")
    )
    assert (ruling.decision.allowed, ruling.role_index) == (True, None)


def test_a_request_fills_what_an_endpoint_does_not_give() -> None:
    terms = terms_of()
    who = somebody("user")
    assert asked_of(terms, {}, ASKED, who).words == ("7f3c", "user", "/things", "GET")
    assert asked_of(terms, {"obj": "/both"}, ASKED, who).words == ("7f3c", "user", "/both", "GET")
    with pytest.raises(RequestError, match="nothing fills `act`"):
        asked_of(terms, {"obj": "/both"}, None, who)


# --- what is kept of it


class Keeping(Unrecorded):
    """Keeps what it is given, and tells when it is waited for."""

    def __init__(self, *, waits: bool = False) -> None:
        super().__init__()
        self.waits = waits
        self.told: list[object] = []

    def record(self, record: Record) -> None:
        self.told.append(record)

    async def settle(self) -> None:
        self.told.append("settled")


def keeping(log: Keeping | None = None, **options: Any) -> tuple[Checkpoint, Keeping]:
    log = log or Keeping()
    checkpoint: Any = Checkpoint()
    terms = terms_of(**options)
    checkpoint.take_up(
        SimpleNamespace(policy=terms.policy),
        SimpleNamespace(revocations=None),
        lambda policy: RequestWords.parse(options.get("mapping", USUAL), policy.words, partly=True),
        log=log,
    )
    return checkpoint, log


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """12:00, 700 ns after something started, in a request of a trace."""
    monkeypatch.setattr(checkpoint_module, "time_ns", lambda: 12_000)
    monkeypatch.setattr(checkpoint_module, "perf_counter_ns", lambda: 1_700)
    ids, traces = request_id_var.set("r-1"), trace_var.set("t-1")
    yield
    request_id_var.reset(ids)
    trace_var.reset(traces)


@pytest.mark.usefixtures("at_noon")
def test_a_record_holds_the_question_and_the_answer() -> None:
    checkpoint, log = keeping()
    who = somebody("user")
    ruling = checkpoint.terms.rule("/things", "GET", ASKED, who)
    first = checkpoint.record(ASKED, ruling, who, "GET", "/things", started=1_000)
    second = checkpoint.record({}, ruling, None, "", "", started=1_700, via="authzen", verification_ns=9)
    assert first != second
    assert log.told == [
        Decided(
            12_000, first, "r-1", who, ruling, "GET", "/things", "10.0.0.7", "http", 700, NO_TOKEN, "t-1"
        ),
        Decided(12_000, second, "r-1", None, ruling, "", "", "", "authzen", 0, 9, "t-1"),
    ]
    assert {type(record) for record in log.told} == {Decided}


@pytest.mark.usefixtures("at_noon")
def test_a_rejection_is_recorded_with_its_reason_and_status() -> None:
    checkpoint, log = keeping()
    checkpoint.reject(ASKED, "expired", 401, "GET", "/things", started=1_000)
    checkpoint.reject({}, "invalid_host", 400, "", "", started=1_700, via="forward-auth", verification_ns=9)
    assert log.told == [
        Rejected(12_000, "r-1", "expired", 401, "GET", "/things", "10.0.0.7", "http", 700, NO_TOKEN, "t-1"),
        Rejected(12_000, "r-1", "invalid_host", 400, "", "", "", "forward-auth", 0, 9, "t-1"),
    ]


OTHER_WORDS = (
    MODEL.replace(b"sub, role, obj, act\n", b"sub, role, resource, verb\n")
    .replace(b"r.obj", b"r.resource")
    .replace(b"r.act", b"r.verb")
)
WITHOUT_ACTION = b"""[request_definition]
r = sub, role
[policy_definition]
p = role
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.role == p.role
"""


@pytest.mark.usefixtures("at_noon")
@pytest.mark.parametrize(
    ("options", "given", "act", "obj"),
    [
        ({}, {"obj": "/both", "act": "GET"}, "GET", "/both"),
        (
            {"model": OTHER_WORDS, "mapping": "sub=claims.sub, role=roles"},
            {"resource": "/both", "verb": "GET"},
            "GET",
            "/both",
        ),
        (
            {"model": WITHOUT_ACTION, "policy": b"p, user\n", "mapping": "sub=claims.sub, role=roles"},
            {},
            "",
            "",
        ),
    ],
)
def test_a_question_of_an_endpoints_own_is_recorded_in_the_models_words(
    options: dict[str, Any], given: dict[str, str], act: str, obj: str
) -> None:
    checkpoint, log = keeping(**options)
    who = somebody("user")
    without, first = checkpoint.ask(given, who)
    within, second = checkpoint.ask(given, who, ASKED)
    assert without == within == asked_of(checkpoint.terms, given, None, who)
    assert without.decision.allowed
    assert log.told == [
        Decided(12_000, decision_id, "r-1", who, without, act, obj, client, "http", 0, NO_TOKEN, "t-1")
        for decision_id, client in ((first, ""), (second, "10.0.0.7"))
    ]


@pytest.mark.parametrize("waits", [True, False])
async def test_an_answer_waits_for_its_record_where_the_log_says_so(waits: bool) -> None:
    checkpoint, log = keeping(Keeping(waits=waits))
    await checkpoint.recorded()
    assert log.told == ["settled"] * waits


def test_a_question_is_filled_by_the_request_that_it_belongs_to() -> None:
    checkpoint, _ = keeping()
    assert checkpoint.ask({}, somebody("user"), ASKED)[0].words == ("7f3c", "user", "/things", "GET")


async def test_nothing_is_kept_where_nobody_asked_for_a_log() -> None:
    checkpoint: Any = Checkpoint()
    checkpoint.take_up(SimpleNamespace(), SimpleNamespace(revocations=None), None)
    assert (checkpoint.explain_denials, checkpoint.watched, checkpoint.challenge) == (
        False,
        frozenset(),
        BEARER,
    )
    assert checkpoint.connections is None
    log = checkpoint.log
    assert (log.required, log.waits, log.refusing) == (False, False, False)
    async with log:
        checkpoint.reject({}, "expired", 401, "GET", "/", started=0)
        await checkpoint.recorded()
        await log.settle()


def test_the_terms_are_worked_out_once_for_each_document() -> None:
    checkpoint, _ = keeping(mapping="sub=claims.sub, role=roles")
    live: Any = checkpoint.live
    first = checkpoint.terms
    assert checkpoint.terms is first
    live.policy = Policy.parse(OTHER_WORDS, PEOPLE_AND_PROGRAMS)
    second = checkpoint.terms
    assert (second.policy, second.shape.obj) == (live.policy, "resource")
    assert checkpoint.terms is second
    live.policy = first.policy  # as it was, and worked out anew: only the last is kept
    assert checkpoint.terms.policy is first.policy
    assert checkpoint.terms is not first
    assert first.roles_by_sub == {"user", "auditor", "blocked", "scope:read"}


def test_sockets_are_held_to_the_revocations_that_are_in_force() -> None:
    swapped: list[object] = []
    revocations = SimpleNamespace(table="first", on_swap=swapped)
    checkpoint: Any = Checkpoint()
    checkpoint.take_up(
        SimpleNamespace(),
        SimpleNamespace(revocations=revocations),
        None,
        explain_denials=True,
        watched=frozenset({"/healthz"}),
        challenge=BEARER,
    )
    assert (checkpoint.explain_denials, checkpoint.watched) == (True, {"/healthz"})
    assert revocations.on_swap == checkpoint.connections.revoke
    assert checkpoint.connections._table() == "first"
    revocations.table = "second"
    assert checkpoint.connections._table() == "second"
