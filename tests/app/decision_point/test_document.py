"""The decision point's own document: gated at the start, kept live, and asked instead of the service's."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.documents import documents
from app.lifespan import judged_by
from app.main import create_app
from app.start_error import StartError
from tests.support.application import served, settings_for
from tests.support.authzen import Asking, decision_point, enforcement_point, question
from tests.support.issuer import Issuer
from tests.support.service import ROOT
from tests.support.waiting import comes_true

MODEL = (
    "[request_definition]\nr = {words}\n[policy_definition]\np = sub, obj, act\n"
    "[policy_effect]\ne = some(where (p.eft == allow))\n"
    "[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.act == p.act\n"
)
THREE = "sub=subject.id, obj=resource.id, act=action.name"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def own(directory: Path, words: str = "sub, obj, act", rules: str = "p, ann, a, read\n") -> dict[str, str]:
    """Settings for a decision point with a small document of its own in ``directory``."""
    (directory / "pdp.conf").write_text(MODEL.format(words=words))
    (directory / "pdp.csv").write_text(rules)
    return {
        "PDP_MODEL": str(directory / "pdp.conf"),
        "PDP_POLICY": str(directory / "pdp.csv"),
        "PDP_REQUEST": THREE,
    }


def refusal(issuer: Issuer, directory: Path, changes: dict[str, str]) -> str:
    settings = settings_for(issuer, directory, **changes)
    app = create_app(settings)
    with pytest.raises(StartError) as refused:
        documents(settings, judged_by(app))
    return str(refused.value)


def test_a_word_that_is_not_mapped_stops_the_start(issuer: Issuer, tmp_path: Path) -> None:
    text = refusal(issuer, tmp_path, own(tmp_path, words="sub, obj, act, dom"))
    assert "`dom` of the model is not mapped" in text
    assert "PDP_REQUEST" in text


def test_a_mapped_word_that_the_model_lacks_stops_the_start(issuer: Issuer, tmp_path: Path) -> None:
    changes = own(tmp_path) | {"PDP_REQUEST": THREE + ", ip=context.ip"}
    assert "`ip` is mapped, but the model has no such word" in refusal(issuer, tmp_path, changes)
    only_request = {"PDP_REQUEST": THREE}
    assert "`role` of the model is not mapped" in refusal(issuer, tmp_path, only_request)


def test_a_document_that_is_refused_stops_the_start(issuer: Issuer, tmp_path: Path) -> None:
    text = refusal(issuer, tmp_path, own(tmp_path, rules="p, ann, a\nq, x\n"))
    assert "pdp.csv:1" in text
    assert "pdp.csv:2" in text


def test_bad_entities_stop_the_start_with_all_that_is_wrong(issuer: Issuer, tmp_path: Path) -> None:
    (tmp_path / "entities.json").write_text('{"subjects": [{"type": "user"}, 7]}')
    text = refusal(issuer, tmp_path, {"PDP_ENTITIES": str(tmp_path / "entities.json")})
    assert "entry 1: `id` is missing" in text
    assert "entry 2: must be an object" in text


def test_the_own_document_decides_and_not_the_services(issuer: Issuer, tmp_path: Path) -> None:
    with served(settings_for(issuer, tmp_path, **own(tmp_path))) as client:
        asking = Asking(client, enforcement_point(issuer))
        assert asking.decision(question("ann", "read", "a"))
        assert not asking.decision(question("ann", "GET", "/public"))
        services = client.get("/readyz").json()["policy"]["revision"]
        answer = asking.post("evaluation", question("ann", "read", "a")).json()
        assert answer["context"]["policy_revision"] != services


def test_a_change_of_the_own_document_is_seen(issuer: Issuer, tmp_path: Path) -> None:
    """One that is refused changes nothing; the next good one is in force."""
    with served(settings_for(issuer, tmp_path, **own(tmp_path))) as client:
        asking = Asking(client, enforcement_point(issuer))
        live = client.app.state.checkpoint.service.documents.point.live  # type: ignore[attr-defined]  # it is a FastAPI
        assert live is not client.app.state.checkpoint.live  # type: ignore[attr-defined]  # it is a FastAPI

        (tmp_path / "pdp.csv").write_text("p, ann, a\n")
        assert comes_true(lambda: live.refused == 1)
        assert asking.decision(question("ann", "read", "a"))
        (tmp_path / "pdp.csv").write_text("p, bob, a, read\n")
        assert comes_true(lambda: live.reloads == 1)
        assert not asking.decision(question("ann", "read", "a"))
        assert asking.decision(question("bob", "read", "a"))


def test_a_model_that_no_proxy_can_ask_is_told_at_the_start(
    issuer: Issuer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), served(settings_for(issuer, tmp_path, **decision_point("suite"))):
        pass
    said = [record.getMessage() for record in caplog.records if "/forward-auth" in record.getMessage()]
    assert len(said) == 1
    assert "soft, status, type" in said[0]
    caplog.clear()
    shutil.copytree(ROOT / "forward_auth", tmp_path / "forward_auth")
    with caplog.at_level(logging.WARNING), served(settings_for(issuer, tmp_path)):
        pass
    assert not [record for record in caplog.records if "/forward-auth" in record.getMessage()]


def test_what_the_matcher_fails_over_is_denied(issuer: Issuer, tmp_path: Path) -> None:
    changes = own(tmp_path, rules="p, ann, 10.0.0.0/8, read\n")
    model = MODEL.format(words="sub, obj, act").replace("r.obj == p.obj", "ipMatch(r.obj, p.obj)")
    (tmp_path / "pdp.conf").write_text(model)
    with served(settings_for(issuer, tmp_path, **changes)) as client:
        asking = Asking(client, enforcement_point(issuer))
        assert asking.decision(question("ann", "read", "10.1.2.3"))
        answer = asking.post("evaluation", question("ann", "read", "no address"))
        assert answer.status_code == 200
        assert answer.json()["decision"] is False


def test_several_roles_under_a_priority_effect_are_refused(issuer: Issuer, tmp_path: Path) -> None:
    """Such answers cannot be combined: a single question is a 400, an item of a batch a deny."""
    changes = own(tmp_path)
    (tmp_path / "pdp.conf").write_text(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act, eft\n"
        "[policy_effect]\ne = priority(p.eft) || deny\n"
        "[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.act == p.act\n"
    )
    (tmp_path / "pdp.csv").write_text("p, admin, a, read, allow\n")
    changes["PDP_REQUEST"] = "sub=subject.properties.role, obj=resource.id, act=action.name"
    with served(settings_for(issuer, tmp_path, **changes)) as client:
        asking = Asking(client, enforcement_point(issuer))

        def about(*roles: str) -> dict[str, object]:
            return question({"type": "user", "id": "u", "properties": {"role": list(roles)}}, "read", "a")

        assert asking.decision(about("admin"))
        assert asking.post("evaluation", about("admin", "clerk")).status_code == 400
        answers = asking.post(
            "evaluations", {"evaluations": [about("admin", "clerk"), about("admin")]}
        ).json()
        assert [answer["decision"] for answer in answers["evaluations"]] == [False, True]
