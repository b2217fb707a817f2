"""Every section of the benchmarks runs and every application that is compared answers right, so that none can rot."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks import authzen, goals, peers, report, workload
from benchmarks.sections import SECTIONS, Place
from benchmarks.served import SERVICE_NAMES
from benchmarks.service.apps import APPS
from benchmarks.service.issuer import Issuer
from benchmarks.service.servers import check, served
from benchmarks.service.variants import SMALLEST, VARIANTS
from rbac import Policy

# What is compared with and is no dependency of ours; `python -m benchmarks` installs it.
_PEERS = {"fastapi-authz": "fastapi_authz"}


@pytest.fixture(autouse=True)
def _with_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PYTHON", Path(sys.executable))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_runs_and_is_shown(name: str, tmp_path: Path) -> None:
    said = list[str]()
    absent = dict.fromkeys(("cedarpy", "oso", "regopy", "node-casbin"), "not installed")
    place = Place(tmp_path, tmp_path, absent, said.append)
    measured = SECTIONS[name].measure(place, "tiny")
    if "unable" in measured:
        assert not (shutil.which("wrk") and _cerbos_is_there()), measured
        assert "not installed" in measured["unable"]
    results = {name: measured, "machine": {}}
    assert name == "replicas" or "unable" in measured or list(goals.verdicts(results))
    assert report.page(results).count("\n## ") >= 2


def _cerbos_is_there() -> bool:
    return (peers.NODE / "node_modules" / "@cerbos").exists()


@pytest.mark.parametrize("name", [name for name in APPS if find_spec(_PEERS.get(name, "fastapi"))])
def test_an_application_answers_right(name: str, tmp_path: Path) -> None:
    """The right caller gets the invoice, and where somebody guards it nobody and a stranger do not."""
    variant = SMALLEST[name]
    with Issuer(tmp_path) as issuer, served(name, 20, issuer, tmp_path, "file") as server:
        if name == "decision-point":
            policy = Policy.load(workload.MODEL, tmp_path / "policy-20.csv")
            for size in authzen.Effort().batches:
                urls = {"sekisho": server.url}
                authzen.agree(urls, authzen.questions(20, size), policy, issuer.token("pep"))
        else:
            check(server, variant, issuer)


def test_every_row_is_of_an_application_and_has_one_beside_it() -> None:
    keys = {variant.key for variant in VARIANTS}
    assert len(keys) == len(VARIANTS)
    assert {variant.app for variant in VARIANTS} | {"decision-point"} == set(APPS)
    assert {variant.beside for variant in VARIANTS} <= keys
    names = {key.partition(",")[0].partition(" ")[0] for key in keys}
    assert names <= set(SERVICE_NAMES)


def test_two_workers_answer_as_one_does(tmp_path: Path) -> None:
    with Issuer(tmp_path) as issuer, served("sekisho", 20, issuer, tmp_path, "file", workers=2) as server:
        check(server, SMALLEST["sekisho"], issuer)
        assert server.processor_seconds() > 0
