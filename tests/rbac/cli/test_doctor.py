"""`rbac doctor`: whom it examines, what it says of it, and how it ends."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev import cognito
from tests.support.command import ROOT, Outcome, rbac, rbac_process
from tests.support.example_pools import POLICY, ExamplePool
from tests.support.issuer import Issuer
from tests.support.issuer_forms import PLAIN
from tests.support.ports import free_port

PAGE = (ROOT / "docs/doctor.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with cognito.served(0) as url:
        yield url


@pytest.fixture
def ward(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ExamplePool:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "development")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "development")
    monkeypatch.chdir(tmp_path)
    for name in ("model.conf", "policy.csv"):
        text = POLICY if name == "policy.csv" else (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return ExamplePool.of(endpoint, cognito.client(endpoint))


def examined(ward: ExamplePool, *more: str) -> Outcome:
    where = ("--pool", ward.pool, "--client", ward.client_id, "--endpoint", ward.setup.endpoint)
    return rbac("doctor", *where, *more)


def test_a_good_pool_is_a_0(ward: ExamplePool) -> None:
    done = examined(ward)
    assert (done.code, done.err) == (0, ""), done.out
    assert done.out.endswith(": no finding  (19 checks made)\n")


def test_a_finding_is_a_1_with_its_fix_and_the_policy_beside_is_asked(ward: ExamplePool) -> None:
    ward.client(WriteAttributes=["custom:role"])
    Path("policy.csv").write_text(POLICY + "p, auditor, /a, GET, allow\n")
    done = examined(ward)
    assert done.code == 1
    assert done.out.splitlines()[0].startswith(f"client {ward.client_id} (web): error: ")
    assert "[attribute_writable]" in done.out
    assert "  = fix: aws cognito-idp describe-user-pool-client" in done.out
    assert "`auditor`" in done.out
    assert ": 2 findings  (19 checks made)" in done.out
    silenced = examined(ward, "--ignore", "attribute_writable", "--ignore", "role_of_nobody")
    assert silenced.code == 0


def test_json_holds_the_same(ward: ExamplePool) -> None:
    ward.client(RefreshTokenValidity=365)
    done = examined(ward, "--format", "json")
    assert done.code == 1
    answer = done.json
    assert answer["issuer"] == ward.setup.issuer
    assert answer["complete"] is True
    (finding,) = answer["findings"]
    assert set(finding) == {"code", "weight", "about", "message", "fix"}
    assert finding["code"] == "session_lives_long"
    assert len(answer["seen"]) == 19
    assert answer["unseen"] == []


def test_without_a_network_it_is_a_2_that_says_so(ward: ExamplePool) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = rbac("doctor", "--pool", ward.pool, "--client", ward.client_id, "--endpoint", nowhere)
    assert done.code == 2
    assert "not checked: pool, deletion" in done.out
    assert "AWS cannot be reached from here" in done.out
    assert "no finding  (3 checks made, 16 could not be)" in done.out
    assert "Traceback" not in done.out + done.err
    answer = rbac("doctor", "--pool", ward.pool, "--endpoint", nowhere, "--format", "json").json
    assert answer["complete"] is False
    assert {"check", "reason", "fix"} == set(answer["unseen"][0])


def test_any_openid_provider_is_examined_by_its_address(tmp_path: Path) -> None:
    with Issuer(form=PLAIN) as issuer:
        assert rbac("doctor", "--issuer", issuer.issuer, "--development").code == 0
        done = rbac("doctor", "--issuer", issuer.issuer)
        assert (done.code, "[issuer_insecure]" in done.out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--pool", "nonsense"), "not the id of a user pool"),
        (("--issuer", "nonsense"), "not an issuer"),
        (("--pool", "eu-west-1_A", "--issuer", "https://id.example.com"), "one of --pool"),
        (("--issuer", "https://id.example.com", "--client", "a"), "of a user pool"),
        (("--setup", "nonsense"), "is not `module:name`"),
        (("--setup", "no_such_module:setup"), "no_such_module"),
        (("--setup", "os:getcwd"), "gives no"),
        (("--issuer", "https://127.0.0.1:9", "--ignore", "nonsense"), "no finding `nonsense`"),
        (("--issuer", "https://127.0.0.1:9", "--model", "nowhere.conf"), "nowhere.conf"),
        ((), "say what to examine"),
    ],
)
def test_what_cannot_be_examined_is_bad_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    done = rbac("doctor", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_nobody_elses_app_is_imported(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    for name in ("__init__.py", "provider.py"):
        (tmp_path / "app" / name).write_text("print('imported')\n")
    done = rbac_process("doctor", cwd=tmp_path)
    assert done.code == 2
    assert "imported" not in done.out + done.err


def test_the_services_settings_say_who_is_examined(ward: ExamplePool) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("COGNITO_", "POLICY_"))},
        "ENVIRONMENT": "development",
        "COGNITO_USER_POOL_ID": ward.pool,
        "COGNITO_APP_CLIENT_ID": ward.client_id,
        "COGNITO_ENDPOINT_URL": ward.setup.endpoint,
        "POLICY_REQUEST": "sub=claims.sub, role=roles, obj=path, act=method",
    }
    done = rbac_process("doctor", "--format", "json", env=environment)
    answer = json.loads(done.out)
    assert answer["issuer"] == ward.setup.issuer
    # The shipped policy names what this pool does not have.
    assert {each["code"] for each in answer["findings"]} == {"role_of_nobody", "scope_of_nobody"}
    assert done.code == 1
    broken = rbac_process("doctor", env={**environment, "COGNITO_USER_POOL_ID": "nonsense"})
    assert broken.code == 2
    assert "COGNITO_USER_POOL_ID" in broken.err
    assert "Traceback" not in broken.err


PATIENT = """
from rbac.doctor.issuer_setup import of_pool

def mine():
    return of_pool({pool!r}, [{client!r}], endpoint={endpoint!r})
"""


def test_a_function_of_ones_own_says_who_is_examined(ward: ExamplePool) -> None:
    text = PATIENT.format(pool=ward.pool, client=ward.client_id, endpoint=ward.setup.endpoint)
    Path("own_patient.py").write_text(text)
    done = rbac_process("doctor", "--setup", "own_patient:mine", cwd=Path.cwd())
    assert done.code == 2
    assert "not checked: names, programs: no policy was given" in done.out
    assert (
        rbac_process("doctor", "--setup", "own_patient:mine", "--policy", "policy.csv", cwd=Path.cwd()).code
        == 0
    )


def test_the_page_lists_every_finding_and_the_rights_that_it_takes() -> None:
    import re

    from rbac.doctor.aws import ACTIONS
    from rbac.doctor.finding import CODES

    assert dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", PAGE, re.MULTILINE)) == dict(CODES)
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (statement,) = json.loads(block)["Statement"]
    assert statement["Action"] == list(ACTIONS)
