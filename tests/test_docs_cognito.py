"""docs/cognito.md builds the pool that it says: each of its commands is one that AWS knows, run on the local Cognito."""

import json
import re
import shlex
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError

from app.config import load_settings
from app.dev import cognito
from rbac.doctor.aws import PoolReader
from rbac.doctor.clients import check_writable
from rbac.doctor.issuer_setup import of_pool
from tests.support.service import ROOT

PAGE = (ROOT / "docs/cognito.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
dashed: Any = botocore.xform_name  # botocore has no annotations
_COMMAND = re.compile(
    r"(?:(?P<name>[A-Z]+)=\$\()?aws cognito-idp (?P<call>[a-z-]+) (?P<arguments>.*?)\)?(?: > (?P<file>\S+))?$"
)


class Shell:
    """The AWS CLI, as far as the page uses it: its commands as boto3's calls."""

    def __init__(self, client: Any) -> None:
        self.client, self.variables, self.files = client, dict[str, str](), dict[str, str]()

    def run(self, line: str) -> None:
        """Does one line. boto3 refuses a call or a parameter that AWS does not know, and a value of another shape."""
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            self.variables[name] = self._filled(value)
            return
        if line.startswith("rm "):
            assert line.removeprefix("rm ") in self.files
            return
        found = _COMMAND.fullmatch(line)
        assert found is not None, line
        shape = self.client.meta.service_model.operation_model(self._operation(found["call"])).input_shape
        parameters, query = self._parameters(found["arguments"], shape)
        answer = getattr(self.client, found["call"].replace("-", "_"))(**parameters)
        for name, kept in ((found["name"], self.variables), (found["file"], self.files)):
            if name:
                first, second = query.split(".")
                kept[name] = answer[first][second]

    def _operation(self, call: str) -> str:
        names = self.client.meta.service_model.operation_names
        return str(next(name for name in names if dashed(name, "-") == call))

    def _parameters(self, arguments: str, shape: Any) -> tuple[dict[str, Any], str]:
        members = {dashed(name, "-"): (name, member) for name, member in shape.members.items()}
        parameters: dict[str, Any] = {}
        query = ""
        for option, values in _options(shlex.split(arguments)):
            if option in {"output", "query"}:
                query = values[0] if option == "query" else query
                continue
            assert option in members, f"{option}: AWS knows {sorted(members)}"
            name, member = members[option]
            parameters[name] = _value(member, [self._filled(value) for value in values])
        return parameters, query

    def _filled(self, text: str) -> str:
        return re.sub(r"\$([A-Z_]+)", lambda match: self.variables[match[1]], text)


def _lines(block: str) -> Iterator[str]:
    """Each command of a block on one line: what a backslash or an open quotation mark continues is joined."""
    said = ""
    for line in re.sub(r"\\\n *", "", block).splitlines():
        said += line
        if said.count("'") % 2 == 0:
            yield said
            said = ""


def _options(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    at = 0
    while at < len(words):
        end = next((n for n in range(at + 1, len(words)) if words[n].startswith("--")), len(words))
        yield words[at].removeprefix("--"), words[at + 1 : end]
        at = end


def _value(shape: Any, values: list[str]) -> Any:
    """Values as the CLI reads them: JSON, ``Key=value,Key=value``, or plain."""
    if shape.type_name == "list":
        if values[0].startswith("["):
            return json.loads(values[0])
        return [_value(shape.member, [value]) for value in values]
    if shape.type_name in {"structure", "map"}:
        parts = dict(part.split("=", 1) for part in values[0].split(","))
        members = shape.members if shape.type_name == "structure" else dict.fromkeys(parts, shape.value)
        return {key: _value(members[key], [value]) for key, value in parts.items()}
    if shape.type_name == "boolean":
        return not values or values[0] == "true"
    return int(values[0]) if shape.type_name == "integer" else values[0]


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    with cognito.served(0) as url:
        shell = Shell(cognito.client(url))
        for block in BLOCKS:
            for line in _lines(block):
                shell.run(line)
        yield shell


def test_every_command_of_the_page_runs(shell: Shell) -> None:
    assert {"POOL", "CLIENT", "MACHINE", "TRIAL"} <= shell.variables.keys()


def test_the_role_is_readable_and_not_writable(shell: Shell) -> None:
    pool, client = shell.variables["POOL"], shell.variables["CLIENT"]
    made = shell.client.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
    assert "custom:role" in made["ReadAttributes"]
    assert "custom:role" not in made["WriteAttributes"]
    assert "ClientSecret" not in made


def test_the_doctor_finds_no_client_of_the_page_through_which_anybody_writes_a_role(shell: Shell) -> None:
    accepted = [shell.variables["CLIENT"], shell.variables["MACHINE"]]
    setup = of_pool(shell.variables["POOL"], accepted, endpoint=shell.client.meta.endpoint_url)
    reader = PoolReader(setup, shell.client)
    assert {each["ClientId"] for each in reader.clients} == set(accepted)
    assert list(check_writable(reader)) == []


def test_a_user_has_the_role_that_was_given_last(shell: Shell) -> None:
    user = shell.client.admin_get_user(UserPoolId=shell.variables["POOL"], Username="alice@example.com")
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    assert attributes["custom:role"] == "user"
    assert re.fullmatch(r"[0-9a-f-]{36}", attributes["sub"])


def test_the_settings_of_the_page_start_a_service(shell: Shell) -> None:
    given = {
        name: value
        for name, value in shell.variables.items()
        if name not in {"POOL", "CLIENT", "MACHINE", "TRIAL"}
    }
    settings = load_settings(ROOT, given | {"ENVIRONMENT": "production"}, documents=False)
    assert settings.cognito_user_pool_id == shell.variables["POOL"]
    assert len(settings.cognito_app_client_id) == 3


def test_the_token_of_the_trial_has_the_role_and_is_one_that_the_service_accepts(shell: Shell) -> None:
    claims = json.loads(urlsafe_b64decode(shell.files["id-token"].split(".")[1] + "=="))
    assert claims["custom:role"] == "user"
    assert claims["aud"] in shell.variables["COGNITO_APP_CLIENT_ID"].split(",")
    listed = shell.client.list_user_pool_clients(UserPoolId=shell.variables["POOL"])["UserPoolClients"]
    assert {each["ClientName"] for each in listed} == {"web", "reports"}


@pytest.mark.parametrize(
    "line", ["aws cognito-idp create-user-pool --pool-nam shop", "aws cognito-idp no-such-call --a b"]
)
def test_a_command_that_aws_does_not_know_is_noticed(shell: Shell, line: str) -> None:
    with pytest.raises((AssertionError, StopIteration, ClientError)):
        shell.run(line)
