"""Behind a proxy that is believed, a stranger's text is neither an address in the log nor one that rules decide by."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import ROOT, Service, serving


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that decides by the address alone: whoever has one of `10.0.0.0/8` may."""
    directory: Path = tmp_path_factory.mktemp("service")
    (directory / "model.conf").write_text(
        "[request_definition]\nr = sub, ip, obj, act\n[policy_definition]\np = sub, ip, obj, act\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        '[matchers]\nm = (p.sub == "*" || p.sub == r.sub) && (p.ip == "*" || p.ip == r.ip) '
        "&& r.obj == p.obj && r.act == p.act\n"
    )
    rules = ["p, *, 10.0.0.7, /public, GET", "p, *, intruder, /public, GET", "p, *, *, /readyz, GET"]
    (directory / "policy.csv").write_text("\n".join(rules) + "\n")
    settings = {
        "POLICY_REQUEST": "sub=claims.sub, ip=client_ip, obj=path, act=method",
        "POLICY_GATE": "lint",
        "DECISION_LOG": str(directory / "decisions.jsonl"),
        "PDP_MODEL": str(ROOT / "model.conf"),
        "PDP_POLICY": str(ROOT / "policy.csv"),
    }
    with serving(issuer, directory, **settings) as started:
        yield started


def asked_from(service: Service, forwarded_for: str) -> tuple[int, str]:
    """Status, and the client that the decision log names."""
    port = int(service.base_url.rsplit(":", 1)[1])
    name = f"test-{forwarded_for.encode().hex()}-end"  # no name is the beginning of another
    status, _, _ = ask(port, "/public", X_Forwarded_For=forwarded_for, X_Request_ID=name)
    log = service.directory / "decisions.jsonl"
    assert service.eventually_records(log, name)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return status, next(line["client"] for line in lines if line["request_id"] == name)


def test_an_address_that_a_proxy_passes_on_is_decided_by(service: Service) -> None:
    assert asked_from(service, "10.0.0.7") == (200, "10.0.0.7")
    assert asked_from(service, "::ffff:10.0.0.7") == (200, "10.0.0.7")
    assert asked_from(service, "10.0.0.8") == (401, "10.0.0.8")


@pytest.mark.parametrize("text", ["intruder", "10.0.0.7, intruder", "10.0.0.7/32", "unknown", "<b>x</b>"])
def test_what_is_no_address_is_dropped(service: Service, text: str) -> None:
    assert asked_from(service, text) == (401, "")
