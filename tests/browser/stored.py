"""What `make run` starts, with its policy in PostgreSQL: three versions, and a role that may publish the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.dev import cognito
from rbac.stores.file import FileStore
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import Version, Versions
from tests.e2e.conftest import Demo
from tests.support.ports import free_port
from tests.support.postgres import CONSOLE, PUBLISHER, SERVICE, Database
from tests.support.service import ROOT, running

DANA = "7f3c1e52-6f0b-4c8e-9a51-0d2f5b7c9e11"
ERIN = "c0ffee52-1b7d-4f7e-8a90-2f6d1e4b8a77"
SHIPPED = (ROOT / "policy.csv").read_text(encoding="utf-8")
LOCKED_OUT = f"{SHIPPED}\n# Left in a hurry, with a token.\np, {DANA}, /*, *, deny\n"
ON_LEAVE = f"{LOCKED_OUT}\n# On leave until spring.\np, {ERIN}, /policy/publish, POST, deny\n"


@dataclass(frozen=True, slots=True)
class StoredDemo:
    """The demo, and the database that its policy is in."""

    demo: Demo
    database: Database

    def publish(self, policy: str, reason: str) -> Version:
        """The next version, by somebody with a role of their own."""
        return published(self.database, policy, reason)


def published(database: Database, policy: str, reason: str) -> Version:
    """``policy`` as the next version in ``database``, with the shipped model and tests."""
    read = FileStore(ROOT / "model.conf", ROOT / "policy.csv", ROOT / "policy_tests").read()
    suites = {f"policy_tests/{Path(name).name}": text for name, text in read.tests.items()}
    content = replace(
        read, policy=policy.encode(), model_name="model.conf", policy_name="policy.csv", tests=suites
    )
    session = Session(database.address(PUBLISHER))
    versions = Versions(session, "policy")
    head = versions.head()
    made = versions.publish(content, based_on=head.number if head else 0, reason=reason)
    session.close()
    return made


@contextmanager
def stored_demo(database: Database, directory: Path) -> Iterator[StoredDemo]:
    """The service with the local Cognito, deciding by the newest of three versions."""
    published(database, SHIPPED, "What is shipped")
    published(database, LOCKED_OUT, "Dana left in a hurry")
    published(database, ON_LEAVE, "Erin is on leave until spring")
    cognito_port = free_port()
    settings = {
        "DEV_COGNITO_PORT": str(cognito_port),
        "POLICY_STORE": database.secret_url(SERVICE),
        "POLICY_PUBLISH_STORE": database.secret_url(CONSOLE),
        "POLICY_GATE": "lint",
    }
    with running(directory, settings, ("-m", "app.dev")) as service:
        started = Demo(service, cognito.endpoint(cognito_port))
        assert service.eventually("/readyz", None, 200), service.log()
        yield StoredDemo(started, database)
