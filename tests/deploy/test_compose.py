"""deploy/compose: two replicas, one policy, nginx before them; every part that can run here runs as it is written there."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from jsonschema import Draft7Validator
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.support.command import rbac_process
from tests.support.deploy_tools import DEPLOY, schema
from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.postgres import BIN, Cluster, cluster
from tests.support.proxies import installed, listening
from tests.support.raw_http import ask
from tests.support.service import ROOT, Service, clean_environment, serving
from tests.support.waiting import LIMIT_S, comes_true

FOLDER = DEPLOY / "compose"
FILE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
REPLICAS = ("sekisho-1", "sekisho-2")


def test_it_is_a_compose_file() -> None:
    assert [error.message for error in Draft7Validator(schema("compose-spec")).iter_errors(FILE)] == []


def test_every_part_is_locked_up() -> None:
    """A root that is read-only, no rights of the kernel, no new ones; but the database, whose image needs some to begin."""
    for name, service in SERVICES.items():
        locked = (service.get("read_only"), service.get("cap_drop"), service.get("security_opt"))
        assert name == "postgres" or locked == (True, ["ALL"], ["no-new-privileges:true"]), name


def test_no_secret_stands_in_it_and_each_is_given_to_who_needs_it() -> None:
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"postgresql://|PGPASSWORD|POSTGRES_PASSWORD:", text)
    given = {name: set(service.get("secrets", ())) for name, service in SERVICES.items()}
    assert given == {
        "sekisho-1": {"store_service"},
        "sekisho-2": {"store_service"},
        "migrate": {"store_owner"},
        "first-version": {"store_publisher"},
        "revoke": {"store_revoker"},
        "postgres": {"postgres", "role_owner", "role_service", "role_publisher", "role_revoker"},
        "nginx": set(),
    }
    assert {"secrets/" + name for name in FILE["secrets"]} == {
        each["file"] for each in FILE["secrets"].values()
    }
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if str(value).startswith("/run/secrets/"):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_bytes((FOLDER / "secrets.sh").read_bytes())
    held = []
    for _ in range(2):
        done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True)
        assert done.stdout + done.stderr == ""
        held.append({file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()})
    assert held[0] == held[1]
    assert set(held[0]) == set(FILE["secrets"])
    assert len(set(held[0].values())) == len(held[0])
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    ignored = subprocess.run(
        ["git", "check-ignore", "-q", str(FOLDER / "secrets" / "postgres")], cwd=ROOT, check=False
    )
    assert ignored.returncode == 0


def test_a_platform_waits_for_a_stop_longer_than_it_takes() -> None:
    """docs/settings.md: the delay, 10 s for what is under way, and 10 s for the decision log."""
    for name in REPLICAS:
        seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert seconds >= int(SERVICES[name]["environment"]["SHUTDOWN_DELAY"]) + 20


@dataclass(frozen=True)
class Composed:
    """What `docker compose up` starts, without Docker: nginx on ``port``, and the replicas behind it."""

    port: int
    replicas: tuple[Service, ...]
    log: Path

    def served(self) -> list[int]:
        """How many requests each replica has had, by nginx's own log."""
        text = self.log.read_text(encoding="utf-8")
        return [text.count(f" {replica.base_url.removeprefix('http://')} ") for replica in self.replicas]


def _secrets(directory: Path, database: Cluster) -> Path:
    """What secrets.sh makes, about the database of the test."""
    script = directory / "secrets.sh"
    script.write_bytes((FOLDER / "secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True)
    for file in (directory / "secrets").glob("store_*"):
        file.chmod(0o644)
        file.write_text(file.read_text().replace("@postgres/sekisho", f"@127.0.0.1:{database.port}/sekisho"))
    return directory / "secrets"


def _one_off(name: str, secrets: Path) -> None:
    """Runs a service that ends, as compose.yaml has it: its command, with its settings alone."""
    settings = {
        key: value.replace("/run/secrets", str(secrets))
        for key, value in SERVICES[name]["environment"].items()
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        SERVICES[name]["command"],
        cwd=ROOT,
        env=clean_environment(**settings, PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    """A PostgreSQL as its image makes it: with the database, and without the roles."""
    with cluster() as made:
        with psycopg.connect(made.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE sekisho")
        yield made


@pytest.fixture(scope="module")
def composed(
    database: Cluster, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composed]:
    directory = tmp_path_factory.mktemp("compose")
    secrets = _secrets(directory, database)
    script = (FOLDER / "roles.sh").read_text().replace("/run/secrets", str(secrets))
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(database.port),
    }
    subprocess.run(["sh", "-c", script], env=environment, check=True, capture_output=True)
    for _ in range(2):  # `up` again changes nothing
        _one_off("migrate", secrets)
        _one_off("first-version", secrets)
    with ExitStack() as stack:
        replicas = []
        for name in REPLICAS:
            place = directory / name
            place.mkdir()
            own = {
                key: value.replace("/run/secrets", str(secrets)).replace(
                    "/var/cache/sekisho", str(place / "cache")
                )
                for key, value in SERVICES[name]["environment"].items()
                if not key.startswith("COGNITO_")
            }
            own |= {
                "ENVIRONMENT": "development",
                "FORWARDED_ALLOW_IPS": "127.0.0.1",
                "SHUTDOWN_DELAY": "0",
                "WORKERS": "1",
            }
            replicas.append(stack.enter_context(serving(issuer, place, **own)))
        port, log = stack.enter_context(
            _nginx(directory, [int(each.base_url.rpartition(":")[2]) for each in replicas])
        )
        yield Composed(port, tuple(replicas), log)


@contextmanager
def _nginx(directory: Path, replicas: list[int]) -> Iterator[tuple[int, Path]]:
    """nginx with the shipped configuration, but for where the replicas and its own files are."""
    port = free_port()
    log = directory / "nginx.log"
    text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    for name, at in zip(REPLICAS, replicas, strict=True):
        text, times = re.subn(rf"\b{name}:8000\b", f"127.0.0.1:{at}", text)
        assert times == 1
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    text = text.replace("/tmp/", f"{directory}/").replace("/dev/stdout", str(log))
    (directory / "nginx.conf").write_text(text)
    log.touch()
    command = [
        installed("nginx", "nginx-light"),
        "-e",
        str(directory / "error.log"),
        "-c",
        str(directory / "nginx.conf"),
        "-g",
        "daemon off;" + (" user root;" if os.geteuid() == 0 else ""),  # the folder is this user's alone
    ]
    with listening(command, port, directory):
        yield port, log


def test_both_replicas_answer_by_the_policy_that_was_published(composed: Composed, issuer: Issuer) -> None:
    token = issuer.token(**{"custom:role": "user"})
    for path, nobody, user in (
        ("/public", 200, 200),
        ("/user", 401, 200),
        ("/admin", 401, 403),
        ("/nowhere", 401, 403),
    ):
        for _ in range(4):
            assert (ask(composed.port, path)[0], ask(composed.port, path, token)[0]) == (nobody, user)
    assert comes_true(lambda: all(composed.served())), composed.served()
    for replica in composed.replicas:
        assert replica.get("/readyz").json()["store"]["version"] >= 1


def _refuses(replica: Service, token: str) -> bool:
    return replica.get("/user", token).status_code == 401


def _runs(replica: Service, version: int) -> bool:
    return bool(replica.get("/readyz").json()["store"]["version"] == version)


def test_a_publication_is_decided_by_behind_nginx(composed: Composed, issuer: Issuer, tmp_path: Path) -> None:
    secrets = composed.replicas[0].directory.parent / "secrets"
    environment = clean_environment(POLICY_STORE_FILE=str(secrets / "store_publisher"))
    assert rbac_process("show", "--into", str(tmp_path), env=environment).code == 0
    policy = tmp_path / "policy.csv"
    policy.write_text(policy.read_text() + "p, everyone, /published, GET, allow\n")
    document = ("--policy", policy, "--model", tmp_path / "model.conf", "--routes", "none")
    newest = composed.replicas[0].get("/readyz").json()["store"]["newest"]
    told = rbac_process("publish", "--based-on", newest, "--reason", "a test", *document, env=environment)
    assert told.code == 0, told.out + told.err
    for replica in composed.replicas:
        assert comes_true(partial(_runs, replica, newest + 1))
    assert {ask(composed.port, "/published")[0] for _ in range(6)} == {404}  # allowed, and no such page


def test_a_caller_cannot_say_which_address_is_theirs(composed: Composed) -> None:
    for header in ("X-Forwarded-For", "X_Forwarded_For", "Forwarded"):
        ask(
            composed.port,
            f"/public?{header}",
            None,
            "GET",
            (header, "203.0.113.9"),
            ("X-Request-ID", f"forged {header}"),
        )
    assert comes_true(lambda: len(_decided(composed, "forged ")) == 3)
    assert {line["client"] for line in _decided(composed, "forged ")} == {"127.0.0.1"}


def _decided(composed: Composed, request_id: str) -> list[dict[str, Any]]:
    """The lines of both decision logs about requests whose ids begin so."""
    lines = [line for replica in composed.replicas for line in replica.log().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{") and f'"{request_id}' in line]


@pytest.mark.parametrize(
    "target", ["/public/%2e%2e/user", "/public/..;/user", "//user", "/us%65r", "/public%2Fx", "/%E9%96%A2"]
)
def test_a_target_goes_on_as_it_was_sent(composed: Composed, target: str) -> None:
    """The answer is the replica's own, whatever nginx would make of the path."""
    alone = ask(int(composed.replicas[0].base_url.rpartition(":")[2]), target)
    through = ask(composed.port, target)
    assert (through[0], json.loads(through[2])["instance"]) == (alone[0], json.loads(alone[2])["instance"])


def test_a_body_that_is_too_large_is_refused_and_one_as_large_as_the_limit_is_not(composed: Composed) -> None:
    body = b"x" * (2 * 1024 * 1024 + 1)
    for size, refused in ((len(body), True), (len(body) - 1, False)):
        with socket.create_connection(("127.0.0.1", composed.port), timeout=LIMIT_S) as wire:
            wire.sendall(
                b"POST /user HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size
            )
            wire.sendall(body[:size])
            status = int(wire.recv(64).split()[1])
        assert (status == 413) is refused


def test_a_websocket_is_decided_by_the_replica(composed: Composed) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{composed.port}/nowhere", open_timeout=LIMIT_S),
    ):
        pass
    assert refused.value.response.status_code == 401


def test_somebody_is_sent_away_on_both_replicas(composed: Composed, issuer: Issuer) -> None:
    """By the one-off for people, whose role may do nothing else."""
    sub = "7f3c1e52-0000-4000-8000-000000000077"
    token = issuer.token(sub=sub, **{"custom:role": "user"})
    assert ask(composed.port, "/user", token)[0] == 200
    secrets = composed.replicas[0].directory.parent / "secrets"
    settings = {
        k: v.replace("/run/secrets", str(secrets)) for k, v in SERVICES["revoke"]["environment"].items()
    }
    told = rbac_process("revoke", "--sub", sub, "--reason", "a test", env=clean_environment(**settings))
    assert told.code == 0, told.out + told.err
    for replica in composed.replicas:
        assert comes_true(partial(_refuses, replica, token))
    assert {ask(composed.port, "/user", token)[0] for _ in range(6)} == {401}
    refused = rbac_process("publish", "--reason", "x", "--routes", "none", env=clean_environment(**settings))
    assert refused.code == 2, refused.out


def test_a_replica_that_cannot_be_reached_costs_no_caller_an_answer(
    composed: Composed, tmp_path: Path
) -> None:
    alive = int(composed.replicas[1].base_url.rpartition(":")[2])
    with _nginx(tmp_path, [free_port(), alive]) as (port, _):
        assert {ask(port, "/public")[0] for _ in range(20)} == {200}
