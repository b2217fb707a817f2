"""The document that proxies' questions are about: about other servers, and never by accident the service's own."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.documents import documents
from app.lifespan import judged_by
from app.main import create_app
from app.policy_gate import proxy_policy
from app.start_error import StartError
from rbac import Policy
from tests.support.application import bearer, served, settings_for
from tests.support.authzen import Asking, enforcement_point, question
from tests.support.issuer import Issuer
from tests.support.service import ROOT
from tests.support.waiting import comes_true

RULE = "p, everyone, /orders, GET, allow\n"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def shipped(directory: Path) -> Path:
    """A copy of the shipped document in ``directory``."""
    return Path(shutil.copytree(ROOT / "forward_auth", directory / "forward_auth"))


def verdict(client: TestClient, path: str, method: str = "GET", token: str | None = None) -> int:
    headers = {"X-Original-URI": path, "X-Original-Method": method} | (bearer(token) if token else {})
    return client.get("/forward-auth", headers=headers).status_code


def test_what_sekisho_shows_of_itself_opens_nothing_behind_a_proxy(issuer: Issuer, tmp_path: Path) -> None:
    """Every rule of the service's own policy that strangers or administrators meet, asked about another server."""
    shipped(tmp_path)
    own = Policy.load(str(ROOT / "model.conf"), str(ROOT / "policy.csv"))
    with served(settings_for(issuer, tmp_path)) as client:
        for token in (None, issuer.token()):
            for path in ("/", "/docs", "/docs/assets/x", "/openapi.json", "/healthz", "/readyz", "/metrics"):
                assert verdict(client, path, token=token) in {401, 403}
            for method in ("GET", "DELETE", "POST"):
                assert verdict(client, "/forward-auth/orders/7", method, token) in {401, 403}
                assert verdict(client, "/access/v1/evaluation", method, token) in {401, 403}
        assert own.decide(sub="", role="", obj="/docs", act="GET").allowed
        assert client.get("/docs").status_code == 200


def test_the_shipped_document_decides_by_its_own_rules(issuer: Issuer, tmp_path: Path) -> None:
    shipped(tmp_path)
    tokens = [None, *(issuer.token(**{"custom:role": role}) for role in ("", "user", "admin"))]
    with served(settings_for(issuer, tmp_path)) as client:
        table = {
            path: tuple(verdict(client, path, token=token) for token in tokens)
            for path in ("/public", "/protected", "/user", "/admin", "/nowhere")
        }
    assert table == {
        "/public": (200, 200, 200, 200),
        "/protected": (401, 200, 200, 200),
        "/user": (401, 403, 200, 200),
        "/admin": (401, 403, 403, 200),
        "/nowhere": (401, 403, 403, 403),
    }


def test_the_shipped_document_is_the_services_model_and_passes_the_strictest_gate(
    issuer: Issuer, tmp_path: Path
) -> None:
    folder = ROOT / "forward_auth"
    assert (folder / "model.conf").read_bytes() == (ROOT / "model.conf").read_bytes()
    settings = settings_for(issuer, tmp_path, POLICY_GATE="tests", POLICY_TESTS=str(ROOT / "policy_tests"))
    live = proxy_policy(settings, folder / "model.conf", folder / "policy.csv", folder / "policy_tests")
    live.load()
    assert not live.warnings


def test_an_edit_of_it_is_in_force_and_one_of_the_services_is_not(issuer: Issuer, tmp_path: Path) -> None:
    folder = shipped(tmp_path)
    with served(settings_for(issuer, tmp_path)) as client:
        live = client.app.state.checkpoint.live  # type: ignore[attr-defined]  # it is a FastAPI
        with (tmp_path / "policy.csv").open("a") as policy:
            policy.write(RULE)
        assert comes_true(lambda: live.reloads == 1)
        assert verdict(client, "/orders") == 401
        with (folder / "policy.csv").open("a") as policy:
            policy.write(RULE)
        assert comes_true(lambda: verdict(client, "/orders") == 200)


def test_a_subject_that_is_spelled_like_one_of_its_roles_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    """Casbin would take the one for the other, and the service's own document knows nothing of this role."""
    folder = shipped(tmp_path)
    with (folder / "policy.csv").open("a") as policy:
        policy.write("p, courier, /parcels, GET, allow\ng, driver, courier\n")
    with served(settings_for(issuer, tmp_path)) as client:
        assert verdict(client, "/parcels", token=issuer.token(**{"custom:role": "driver"})) == 200
        for role in ("", "user"):
            assert (
                verdict(client, "/parcels", token=issuer.token(sub="courier", **{"custom:role": role})) == 401
            )


def test_authzen_goes_on_asking_the_services_own_document(issuer: Issuer, tmp_path: Path) -> None:
    shipped(tmp_path)
    with served(settings_for(issuer, tmp_path)) as client:
        assert Asking(client, enforcement_point(issuer)).decision(question("ann", "GET", "/docs"))


def test_a_document_that_the_decision_point_has_is_asked_by_proxies_too(
    issuer: Issuer, tmp_path: Path
) -> None:
    shipped(tmp_path)
    (tmp_path / "pdp.csv").write_text(RULE)
    with served(settings_for(issuer, tmp_path, PDP_POLICY=str(tmp_path / "pdp.csv"))) as client:
        assert (verdict(client, "/orders"), verdict(client, "/public")) == (200, 401)


def test_one_that_is_named_for_proxies_wins(issuer: Issuer, tmp_path: Path) -> None:
    shipped(tmp_path)
    (tmp_path / "pdp.csv").write_text("p, everyone, /pdp, GET, allow\n")
    (tmp_path / "servers.csv").write_text(RULE)
    changes = {
        "PDP_POLICY": str(tmp_path / "pdp.csv"),
        "FORWARD_AUTH_POLICY": str(tmp_path / "servers.csv"),
    }
    with served(settings_for(issuer, tmp_path, **changes)) as client:
        assert (verdict(client, "/orders"), verdict(client, "/pdp")) == (200, 401)
        assert Asking(client, enforcement_point(issuer)).decision(question("ann", "GET", "/pdp"))


def test_the_services_own_document_is_asked_where_it_is_named(issuer: Issuer, tmp_path: Path) -> None:
    changes = {"FORWARD_AUTH_MODEL": "model.conf", "FORWARD_AUTH_POLICY": "policy.csv"}
    with served(settings_for(issuer, tmp_path, **changes)) as client:
        assert (verdict(client, "/docs"), verdict(client, "/nowhere")) == (200, 401)


def test_without_a_document_every_answer_is_403_and_the_start_says_so(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), served(settings_for(issuer, tmp_path)) as client:
        for path in ("/", "/public", "/docs", "/admin"):
            assert verdict(client, path) == verdict(client, path, token=issuer.token()) == 403
    said = [record.getMessage() for record in caplog.records if "/forward-auth" in record.getMessage()]
    assert len(said) == 1
    assert "FORWARD_AUTH_POLICY" in said[0]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("p, everyone, /orders, GET\n", "policy.csv:1"),
        ("p, everyone, /nowhere, GET, allow\n", "[test-"),
    ],
    ids=["misread", "untested"],
)
def test_a_document_that_fails_the_gate_stops_the_start(
    issuer: Issuer, tmp_path: Path, rules: str, said: str
) -> None:
    folder = shipped(tmp_path)
    (folder / "policy.csv").write_text(rules)
    settings = settings_for(issuer, tmp_path, POLICY_GATE="tests", POLICY_TESTS=str(ROOT / "policy_tests"))
    app = create_app(settings)
    with pytest.raises(StartError) as refused:
        documents(settings, judged_by(app))
    assert "servers behind a proxy" in str(refused.value)
    assert said in str(refused.value)


def test_a_document_that_allows_by_default_stops_the_start(issuer: Issuer, tmp_path: Path) -> None:
    folder = shipped(tmp_path)
    model = (folder / "model.conf").read_text()
    kept = "some(where (p.eft == allow)) && "
    assert kept in model
    (folder / "model.conf").write_text(model.replace(kept, ""))
    settings = settings_for(issuer, tmp_path)
    with pytest.raises(StartError, match="servers behind a proxy"):
        documents(settings, judged_by(create_app(settings)))
