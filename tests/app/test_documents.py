"""A document is judged once: by whoever starts the service, and again where anything that it hangs on is another."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.config import Settings
from app.documents import Documents, documents
from app.lifespan import judged_by
from app.main import create_app
from app.start_error import StartError
from rbac import Policy
from rbac.reloading import judging
from tests.support.application import settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

WORDS = "[request_definition]\nr = sub, act, obj\n[policy_definition]\np = sub, act, obj\n"
MODEL = f"{WORDS}[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r == p\n".replace(
    "r == p", "r.sub == p.sub && r.act == p.act && r.obj == p.obj"
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of the documents that were judged, in turn."""
    names: list[str] = []
    asked = judging.judged

    def noted(policy: Policy, *rest: object) -> judging.Judgement:
        names.append(Path(policy.document.policy_name).name)
        return asked(policy, *rest)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr("rbac.live.judged", noted)
    return names


def three(issuer: Issuer, directory: Path, **changes: str) -> Settings:
    """A document for the service, one for other programs and one for proxies."""
    for name in ("pdp", "proxied"):
        (directory / f"{name}.conf").write_text(MODEL)
        if not (directory / f"{name}.csv").exists():
            (directory / f"{name}.csv").write_text("p, alice, GET, /orders\n")
    given = {
        "POLICY_GATE": "tests",
        "POLICY_TESTS": str(ROOT / "policy_tests"),
        "PDP_MODEL": str(directory / "pdp.conf"),
        "PDP_POLICY": str(directory / "pdp.csv"),
        "PDP_REQUEST": "sub=subject.id, act=action.name, obj=resource.id",
    }
    return settings_for(issuer, directory, **(given | changes))


def test_what_was_judged_is_not_judged_again_by_whoever_is_told(
    issuer: Issuer, tmp_path: Path, judged: list[str]
) -> None:
    settings = three(issuer, tmp_path)
    app = create_app(settings)
    first = documents(settings, judged_by(app))
    assert sorted(judged) == ["pdp.csv", "policy.csv"]
    told = pickle.loads(pickle.dumps(first.judgements()))
    judged.clear()
    second = documents(settings, judged_by(app), told)
    assert judged == []
    assert second.live is not first.live
    assert second.live.policy.revision == first.live.policy.revision
    assert (second.live.warnings, second.live.tested) == (first.live.warnings, first.live.tested)
    assert second.live.tested is not None
    assert second.live.tested.tests > 30


Change = Callable[[Path], dict[str, str]]


def edited(directory: Path) -> dict[str, str]:
    with (directory / "policy.csv").open("a") as file:
        file.write("p, user, /user, DELETE, deny\n")
    return {}


def of_others(directory: Path) -> dict[str, str]:
    (directory / "pdp.csv").write_text("p, bob, GET, /orders\n")
    return {}


CHANGES: dict[str, tuple[Change, list[str]]] = {
    "the document": (edited, ["policy.csv"]),
    "that of other programs": (of_others, ["pdp.csv"]),
    "what people are called": (
        lambda _: {"POLICY_SUBJECTS": "[a-z]+@example.com"},
        ["pdp.csv", "policy.csv"],
    ),
    "the gate": (lambda _: {"POLICY_GATE": "lint"}, ["pdp.csv", "policy.csv"]),
}


@pytest.mark.parametrize(("change", "again"), CHANGES.values(), ids=CHANGES)
def test_what_is_another_than_was_judged_is_judged(
    issuer: Issuer, tmp_path: Path, judged: list[str], change: Change, again: list[str]
) -> None:
    settings = three(issuer, tmp_path)
    told = documents(settings, judged_by(create_app(settings))).judgements()
    judged.clear()
    changed = three(issuer, tmp_path, **change(tmp_path))
    documents(changed, judged_by(create_app(changed)), told)
    assert sorted(judged) == again


def test_other_endpoints_are_another_judgement(issuer: Issuer, tmp_path: Path, judged: list[str]) -> None:
    settings = three(issuer, tmp_path)
    app = create_app(settings)
    told = documents(settings, judged_by(app)).judgements()
    judged.clear()
    app.get("/one/more")(lambda: None)
    documents(settings, judged_by(app), told)
    assert sorted(judged) == ["pdp.csv", "policy.csv"]


def test_a_document_that_is_broken_meanwhile_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    settings = three(issuer, tmp_path)
    app = create_app(settings)
    told = documents(settings, judged_by(app)).judgements()
    (tmp_path / "policy.csv").write_text("p, user, /user, GET, alow\n")
    with pytest.raises(StartError, match="alow"):
        documents(settings, judged_by(app), told)


def test_what_is_loaded_is_taken_as_it_is_where_nothing_is_another(issuer: Issuer, tmp_path: Path) -> None:
    settings = three(issuer, tmp_path)
    app = create_app(settings)
    first = documents(settings, judged_by(app))
    assert documents(settings, judged_by(app), first) is first
    other = three(issuer, tmp_path, POLICY_GATE="lint")
    assert documents(other, judged_by(app), first) is not first


def many_warnings(settings: Settings, app: FastAPI) -> Documents:
    rules = "".join(f"p, user, /nowhere/{number}, GET, allow\n" for number in range(5_000))
    with settings.policy_file.open("a") as file:
        file.write(rules)
    return documents(settings, judged_by(app))


def test_what_workers_are_sent_fits_into_a_pipe(issuer: Issuer, tmp_path: Path) -> None:
    settings = three(issuer, tmp_path)
    loaded = many_warnings(settings, create_app(settings))
    assert len(loaded.live.warnings) > 1_000
    assert len(pickle.dumps(loaded.judgements())) < 32 * 1024
