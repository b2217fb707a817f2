"""What takes long to answer holds nobody up: others are answered meanwhile, and what it writes is bounded."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.issuer import ABSENT, Issuer
from tests.support.service import Service, serving
from tests.support.wire import Answer, Connection, request

# A search for subjects asks about every one of them.
PEOPLE = 10_000
CONFIGURATION = "/.well-known/authzen-configuration"


def ask(service: Service, data: bytes) -> Answer:
    with Connection(service.base_url) as connection:
        return connection.ask(data)


def post(path: str, token: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    length, kind = f"Content-Length: {len(content)}", "Content-Type: application/json"
    return request(path, token, length, kind, method="POST") + content


def lets_others_through(service: Service, work: Callable[[], object], others: int) -> bool:
    """Whether ``/healthz`` is answered in between while ``others`` threads each do ``work``.

    In a second, or on a slow machine in a quarter of what all the work took: done in one go, it would be nearly all.
    """
    begun = time.monotonic()
    busy = [threading.Thread(target=work) for _ in range(others)]
    for each in busy:
        each.start()
    slowest, asked = 0.0, 0
    while asked < 3 or any(each.is_alive() for each in busy):
        began = time.monotonic()
        assert ask(service, request("/healthz")).status == 200
        slowest, asked = max(slowest, time.monotonic() - began), asked + 1
    for each in busy:
        each.join()
    return slowest < max(1.0, (time.monotonic() - begun) / 4)


def test_twenty_searches_and_lists_of_many_roles_let_others_through(issuer: Issuer, tmp_path: Path) -> None:
    people = [{"type": "user", "id": f"person|{number}"} for number in range(PEOPLE)]
    entities = tmp_path / "entities.json"
    entities.write_text(json.dumps({"subjects": people}))
    settings = {"DECISION_LOG": "off", "LOG_LEVEL": "WARNING", "PDP_ENTITIES": str(entities)}
    settings["ROLE_CLAIMS"] = "cognito:groups,custom:role"
    token = issuer.token()
    search = {
        "subject": {"type": "user"},
        "action": {"name": "GET"},
        "resource": {"type": "route", "id": "/admin"},
    }
    names = [f"g{number}" for number in range(400)]
    with serving(issuer, tmp_path, **settings) as service:
        found: list[int] = []

        def look() -> None:
            answer = ask(service, post("/access/v1/search/subject", token, search))
            found.append(len(json.loads(answer.body)["results"]))

        assert lets_others_through(service, look, 20)
        assert len(found) == 20
        assert len(set(found)) == 1

        def show() -> None:
            many = issuer.token(
                jti=threading.current_thread().name, **{"cognito:groups": names, "custom:role": ABSENT}
            )
            assert ask(service, request("/me/permissions", many)).status == 200

        assert lets_others_through(service, show, 20)


def test_one_batch_writes_no_more_than_the_configuration_says(issuer: Issuer, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    with serving(issuer, tmp_path, DECISION_LOG=str(log)) as service:
        told = json.loads(ask(service, request(CONFIGURATION)).body)["sekisho_limits"]
        assert told["evaluations"] == 1000
        long = "🚉" * 8_000  # twelve bytes each in a line, and each name stands there twice
        batch = {
            "subject": {"type": "user", "id": long, "properties": {"role": "user"}},
            "action": {"name": long},
            "evaluations": [{"resource": {"type": "route", "id": f"/{n}"}} for n in range(1000)],
        }
        answer = ask(service, post("/access/v1/evaluations", issuer.token(), batch))
        assert answer.status == 200, answer.body[:300]
        answers = json.loads(answer.body)["evaluations"]
        refused = [each for each in answers if "error" in each["context"]]
        usual = batch | {
            "subject": {"type": "user", "id": "7f3c", "properties": {"role": "user"}},
            "action": {"name": "GET"},
        }
        after = ask(service, post("/access/v1/evaluations", issuer.token(), usual))
        assert service.stop() == 0
    assert (answer.status, len(answers)) == (200, 1000)
    assert answers[len(answers) - len(refused) :] == refused
    assert {(each["decision"], each["context"]["error"]["status"]) for each in refused} == {(False, 413)}
    assert not any("error" in each["context"] for each in json.loads(after.body)["evaluations"])
    escaped = json.dumps(long)[1:-1].encode()
    lines = [line for line in log.read_bytes().splitlines() if escaped in line]
    most = told["evaluations_recorded_bytes"]
    assert most / 2 < sum(map(len, lines)) < most + 2 * len(lines[0])
    events = [json.loads(line) for line in log.read_bytes().splitlines()]
    assert sum(each["event"] == "rejection" for each in events) == len(refused)
