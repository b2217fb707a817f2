"""The shipped document, published to PostgreSQL again and again, and a replica that follows it."""

from pathlib import Path

from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import Versions
from tests.support.forwarding import Forwarder
from tests.support.postgres import PUBLISHER, SERVICE, Database
from tests.support.service import ROOT, Service
from tests.support.waiting import comes_true

OPEN = b"p, everyone, /metrics, GET, allow\n"


def shipped() -> Snapshot:
    """The shipped model, rules and tests."""
    return FileStore(ROOT / "model.conf", ROOT / "policy.csv", ROOT / "policy_tests").read()


class Press:
    """Publishes the shipped document: an even version opens `/metrics` to everyone, an odd one does not."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._base = shipped()

    def publish(self) -> int:
        """The number of the next version, which is there now."""
        session = Session(self.database.address(PUBLISHER))
        versions = Versions(session, "policy")
        head = versions.head()
        number = head.number + 1 if head else 1
        policy = self._base.policy + (OPEN if number % 2 == 0 else b"# version %d\n" % number)
        content = Snapshot(self._base.model, policy, self._base.tests)
        versions.publish(content, based_on=number - 1, reason=f"a test's {number}")
        session.close()
        return number


def settings(press: Press, way: Forwarder, **more: str) -> dict[str, str]:
    """Those of a replica whose document is in the database, and whose tests only warn, as they forbid what is opened."""
    url = press.database.secret_url(SERVICE, port=way.port)
    return {"POLICY_STORE": url, "POLICY_GATE": "lint", **more}


def follows(service: Service, number: int) -> bool:
    """Whether the service comes to decide by version ``number``: several answers in a row, of whichever worker."""

    def decides() -> bool:
        stores = [service.get("/readyz").json()["store"] for _ in range(10)]
        return all(store["version"] == number for store in stores)

    opened = 200 if number % 2 == 0 else 401
    return comes_true(decides) and service.get("/metrics").status_code == opened


def without_files(directory: Path) -> Path:
    """A folder where nothing but the database has a document: what lies there would be refused."""
    directory.mkdir()
    (directory / "model.conf").write_text("not a model")
    (directory / "policy.csv").write_text("not a policy")
    (directory / "policy_tests").mkdir()
    return directory
