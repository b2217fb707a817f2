"""`POLICY_FUNCTIONS` gives the service what `--functions` gives the command: functions of one's own for every document."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.decision_point.document import own_document
from app.decision_point.shadow import Shadow
from app.policy_gate import proxy_policy
from app.start_error import StartError
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

MODULE = """
def in_office(path, role):
    if path.endswith("/fails"):
        raise ValueError("no clock")
    return path.endswith("/open")

NUMBER = 3
"""
RULES = "p, user, /user/*, GET, allow\n"
OURS = {"POLICY_FUNCTIONS": "office_hours:in_office"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A document whose matcher calls a function, and the module that has it on Python's path."""
    shipped = (ROOT / "model.conf").read_text(encoding="utf-8")
    head, _, matcher = shipped.rpartition("m = ")
    (tmp_path / "model.conf").write_text(f"{head}m = in_office(r.obj, p.role) && {matcher}", encoding="utf-8")
    (tmp_path / "policy.csv").write_text(RULES, encoding="utf-8")
    (tmp_path / "office_hours.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("office_hours", None)


def test_the_service_decides_by_the_function(issuer: Issuer, folder: Path) -> None:
    """One that raises denies; the service goes on."""
    headers = bearer(issuer.token(**{"custom:role": "user"}))
    with served(settings_for(issuer, folder, **OURS)) as client:
        answers = {
            path: client.get(path, headers=headers).status_code
            for path in ("/user/open", "/user/late", "/user/fails")
        }
    assert answers == {"/user/open": 404, "/user/late": 403, "/user/fails": 403}


async def test_every_document_of_the_service_may_call_it(issuer: Issuer, folder: Path) -> None:
    """The decision point's, the proxies' and the shadow's as well as its own."""
    (folder / "next.csv").write_text(RULES, encoding="utf-8")
    document = {"PDP_MODEL": str(folder / "model.conf"), "PDP_POLICY": str(folder / "policy.csv")}
    settings = settings_for(
        issuer,
        folder,
        **OURS,
        **document,
        PDP_REQUEST="sub=subject.id, role=subject.type, obj=resource.id, act=action.name",
    )
    own = own_document(settings)
    assert own is not None
    proxied = proxy_policy(settings, folder / "model.conf", folder / "policy.csv", folder / "none")
    for live in (own, proxied):
        assert live.load().allows("user", "GET", "/user/open")
    async with Shadow(folder / "next.csv", proxied) as shadow:
        assert shadow.policy is not None
        assert shadow.policy.allows("user", "GET", "/user/open")


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (
            "office_hours:NUMBER",
            "POLICY_FUNCTIONS is refused: `office_hours:NUMBER` is neither a function nor",
        ),
        ("office_hours:nothing", "POLICY_FUNCTIONS is refused: `office_hours` has no `nothing`"),
        ("no_such_module:owns", "POLICY_FUNCTIONS is refused: cannot import `no_such_module`"),
        ("", "`in_office` is not known"),
    ],
)
def test_what_cannot_be_called_is_a_refused_start(
    issuer: Issuer, folder: Path, named: str, says: str
) -> None:
    settings = settings_for(issuer, folder, POLICY_FUNCTIONS=named)
    with pytest.raises(StartError, match=says), served(settings):
        pass
