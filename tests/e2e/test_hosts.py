"""A policy that decides by the host is asked about one host, or about nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import ROOT, serving


@pytest.fixture(scope="module")
def port(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a service that opens one path at one host."""
    directory: Path = tmp_path_factory.mktemp("service")
    (directory / "model.conf").write_text(
        "[request_definition]\nr = sub, host, obj, act\n[policy_definition]\np = sub, host, obj, act\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n"
        '[matchers]\nm = (p.sub == "*" || p.sub == r.sub) && (p.host == "*" || p.host == r.host) '
        "&& r.obj == p.obj && r.act == p.act\n"
    )
    (directory / "policy.csv").write_text(
        "p, *, a.example.com, /public, GET\np, *, *, /readyz, GET\np, *, *, /healthz, GET\n"
    )
    settings = {
        "POLICY_REQUEST": "sub=claims.sub, host=host, obj=path, act=method",
        "POLICY_GATE": "lint",
        "DECISION_LOG": "off",
        "PDP_MODEL": str(ROOT / "model.conf"),
        "PDP_POLICY": str(ROOT / "policy.csv"),
    }
    with serving(issuer, directory, **settings) as started:
        yield int(started.base_url.rsplit(":", 1)[1])


@pytest.mark.parametrize("host", ["a.example.com", "A.Example.com:8443", "a.example.com."])
def test_one_host_is_decided_about_however_it_is_spelled(port: int, host: str) -> None:
    assert ask(port, "/public", None, "GET", ("Host", host))[0] == 200


@pytest.mark.parametrize("host", ["b.example.com", "a.example.com.b", "a.example.com, b.example.com"])
def test_another_host_is_another(port: int, host: str) -> None:
    assert ask(port, "/public", None, "GET", ("Host", host))[0] in {400, 401}


@pytest.mark.parametrize("second", ["b.example.com", "a.example.com"])
def test_two_hosts_are_refused_in_either_order(port: int, second: str) -> None:
    """A proxy or an application may go by the one or the other."""
    for hosts in (("a.example.com", second), (second, "a.example.com")):
        status, _, body = ask(port, "/public", None, "GET", *(("Host", host) for host in hosts))
        assert status == 400
        assert json.loads(body)["error"] == "invalid_host"
