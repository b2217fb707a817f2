"""A shadow policy is decided beside the live one: differences are logged and counted, and no answer ever changes."""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from app.decision_point.shadow import Shadow
from rbac import LivePolicy
from rbac.decision_log.record import Decided
from rbac.guard.identity.principal import Principal
from tests.support.application import bearer, served, settings_for
from tests.support.decisions import decided, lines
from tests.support.issuer import Issuer
from tests.support.service import ROOT
from tests.support.waiting import until

RULES = (ROOT / "policy.csv").read_text()
# For users /admin is open and /user is closed; for nobody anything else changes.
NEXT = (
    RULES.replace("p, user, /user, GET, allow", "p, user, /user, GET, deny") + "p, user, /admin, GET, allow\n"
)


@asynccontextmanager
async def shadowing(tmp_path: Path, rules: str | None, *, for_others: bool = True) -> AsyncIterator[Shadow]:
    """A shadow with ``rules`` beside a copy of the shipped policy."""
    for name in ("model.conf", "policy.csv"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    if rules is not None:
        (tmp_path / "next.csv").write_text(rules)
    live = LivePolicy.files(tmp_path / "model.conf", tmp_path / "policy.csv")
    async with live, Shadow(tmp_path / "next.csv", live, decides_for_others=for_others) as shadow:
        yield shadow


USER, ADMIN = Principal("u", ("user",)), Principal("a", ("admin",))
BOTH = Principal("b", ("user", "security"))


@pytest.mark.parametrize(
    ("record", "allowed"),
    [
        (decided("/admin", who=USER), True),
        (decided("/user", who=USER), False),
        (decided("/user", who=ADMIN), False),  # who is also a user
        (decided("/admin", who=BOTH), True),
        (decided("/user", who=BOTH), False),
        (decided("/admin", who=ADMIN), None),
        (decided("/metrics", who=BOTH), None),
        (decided("/public", who=None), None),
        (decided("/nowhere", who=USER), None),
    ],
)
async def test_only_what_comes_out_differently_is_told(
    tmp_path: Path, record: Decided, allowed: bool | None
) -> None:
    async with shadowing(tmp_path, NEXT) as shadow:
        other = shadow.compare(record)
        assert (None if other is None else other.allowed) is allowed
        assert (shadow.compared, shadow.granted, shadow.revoked) == (1, allowed is True, allowed is False)
        if other is not None and other.rule is not None:
            assert NEXT.splitlines()[other.rule.line - 1] == other.rule.text


async def test_what_another_document_decided_is_not_compared(tmp_path: Path) -> None:
    async with shadowing(tmp_path, NEXT, for_others=False) as shadow:
        assert shadow.compare(decided("/admin", who=USER, via="authzen")) is None
        assert shadow.compare(decided("/admin", who=USER)) is not None
        assert shadow.compared == 1


BROKEN = {
    "missing": None,
    "damaged": "p, user /admin GET\n",
    "not to be loaded": "g, a, b\ng, b, a\n",
}


@pytest.mark.parametrize("rules", BROKEN.values(), ids=BROKEN)
async def test_a_shadow_that_cannot_be_read_is_a_warning_and_compares_nothing(
    tmp_path: Path, rules: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with shadowing(tmp_path, rules) as shadow:
        assert shadow.policy is None
        assert shadow.compare(decided("/admin")) is None
        mine = [each for each in caplog.records if each.name == "app.shadow"]
        assert {each.levelno for each in mine} == {logging.WARNING}
        assert "nothing is compared" in mine[0].getMessage()
        (tmp_path / "next.csv").write_text(NEXT)
        await until(lambda: shadow.policy)
        assert shadow.problems == ()


async def test_a_saved_shadow_is_compared_and_a_broken_one_leaves_the_last_good_one(tmp_path: Path) -> None:
    async with shadowing(tmp_path, RULES) as shadow:
        assert shadow.compare(decided("/admin", who=USER)) is None
        _save(tmp_path / "next.csv", NEXT)
        await until(lambda: shadow.policy and shadow.policy.document.policy_bytes == NEXT.encode())
        _save(tmp_path / "next.csv", "p, nonsense\n")
        await until(lambda: shadow.problems)
        assert shadow.compare(decided("/admin", who=USER)) is not None


async def test_every_refusal_is_logged_once_also_for_the_same_mistake_and_so_is_the_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.shadow")
    first, second = "p, nonsense\n# 1\n", "p, nonsense\n# 2\n"

    def told(what: str, times: int = 1) -> bool:
        return times == sum(what in each.getMessage() for each in caplog.records if each.name == "app.shadow")

    async with shadowing(tmp_path, RULES) as shadow:
        for number, rules in enumerate((first, second, first), 1):
            _save(tmp_path / "next.csv", rules)
            await until(partial(told, "shadow policy refused", number))
            await shadow._load()
            assert told("shadow policy refused", number), "the same file is refused once"
        _save(tmp_path / "next.csv", RULES)
        await until(partial(told, "is in its place again"))
        assert shadow.problems == ()
        _save(tmp_path / "next.csv", first)
        await until(lambda: told("shadow policy refused", 4))
        (tmp_path / "next.csv").unlink()
        await until(lambda: told("shadow policy refused", 5))


async def test_the_shadow_follows_the_live_policys_model(tmp_path: Path) -> None:
    async with shadowing(tmp_path, NEXT) as shadow:
        assert shadow.policy is not None
        before = shadow.policy.revision
        _save(tmp_path / "model.conf", (ROOT / "model.conf").read_text() + "# another model\n")
        await until(lambda: shadow.policy and shadow.policy.revision != before)
        assert shadow.policy.document.policy_bytes == NEXT.encode()


async def test_a_question_that_the_shadow_cannot_take_is_counted_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shadowing(tmp_path, NEXT) as shadow:
        monkeypatch.setattr(shadow.policy, "_decide", lambda *_: 1 / 0)
        assert shadow.compare(decided("/admin")) is None
        assert shadow.compare(decided("/user")) is None
        assert (shadow.failed, shadow.compared) == (2, 0)
        assert caplog.text.count("cannot decide everything") == 1


def _save(path: Path, text: str) -> None:
    """As an editor does that writes aside and renames."""
    aside = path.with_suffix(".new")
    aside.write_text(text)
    os.replace(aside, path)  # noqa: PTH105 - that it is this very call is the point


# --- in the service ---


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.mark.parametrize("rules", [NEXT, *BROKEN.values()], ids=["different", *BROKEN])
def test_no_shadow_changes_an_answer_and_the_line_says_what_it_would(
    issuer: Issuer, tmp_path: Path, rules: str | None
) -> None:
    if rules is not None:
        (tmp_path / "next.csv").write_text(rules)
    settings = settings_for(
        issuer,
        tmp_path,
        DECISION_LOG=str(tmp_path / "d.jsonl"),
        SHADOW_POLICY_FILE=str(tmp_path / "next.csv"),
    )
    user = bearer(issuer.token(**{"custom:role": "user"}))
    watcher = bearer(issuer.token(**{"custom:role": "security"}))
    with served(settings) as client:
        answers = [client.get(path, headers=user).status_code for path in ("/user", "/admin", "/profile")]
        exposed = client.get("/metrics", headers=watcher).text
    assert answers == [200, 403, 200]
    written = lines(tmp_path / "d.jsonl")
    differing = [
        (line["obj"], line["allowed"], line["shadow_allowed"]) for line in written if "shadow_allowed" in line
    ]
    if rules == NEXT:
        assert differing == [("/user", True, False), ("/admin", False, True)]
        assert [NEXT.splitlines()[line["shadow_rule_line"] - 1] for line in written[:2]] == [
            "p, user, /user, GET, deny",
            "p, user, /admin, GET, allow",
        ]
        assert 'sekisho_shadow_differences_total{change="granted"} 1.0' in exposed
        assert 'sekisho_shadow_differences_total{change="revoked"} 1.0' in exposed
        assert "sekisho_shadow_decisions_total 4.0" in exposed
    else:
        assert differing == []
        assert "sekisho_shadow_loaded 0.0" in exposed
