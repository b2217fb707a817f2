"""Whatever happens to the database, every answer of a real service under load is by its last good document; it says so,
and heals without help."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
import pytest

from rbac.stores.cache import DocumentCache
from tests.support.forwarding import Forwarder, forwarder
from tests.support.issuer import Issuer
from tests.support.postgres import OWNER, PASSWORD, PUBLISHER, SERVICE, Cluster, Database, cluster
from tests.support.publications import Callers, Publications
from tests.support.service import ROOT, Service, kill_one, serving, workers
from tests.support.stepping import SteppedClock
from tests.support.waiting import comes_true

# One replica of one worker, and one of two.
WORKERS = 3
UNREACHABLE = "store-unreachable"
# Lines that say nothing and make a document of some megabytes, which arrives in more than one piece.
LONG = b"# a line that says nothing\n" * 100_000
UNGUARDED = "ALTER TABLE sekisho.versions DISABLE TRIGGER only_grows; {}; ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER only_grows"
HANG_UP = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{SERVICE}'"


@dataclass
class World:
    """A database, the way to it, two replicas that follow what is published there, and whoever asks them."""

    postgres: Cluster
    database: Database
    way: Forwarder
    publications: Publications
    replicas: list[Service]
    callers: Callers
    clock: SteppedClock
    watcher: str

    def say(self, replica: Service, code: str) -> bool:
        """Whether a replica comes to say ``code`` in all the places where people look, or nothing for "" ."""

        def says() -> bool:
            health = replica.get("/readyz").json()
            metrics = replica.get("/metrics", self.watcher).text
            return (
                health["policy"]["current"] == (not code)
                and health["store"]["reachable"] == (code != UNREACHABLE)
                and ("sekisho_policy_current 0.0" in metrics) == bool(code)
            )

        return comes_true(says)

    def follow(self) -> None:
        """Every worker comes to decide by the newest version, and nothing troubles it."""
        assert self.publications.in_force(WORKERS), [replica.log() for replica in self.replicas]
        assert all(self.say(replica, "") for replica in self.replicas)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    scratch = tmp_path_factory.mktemp("world")
    clock = SteppedClock(scratch / "clock")
    with ExitStack() as stack:
        postgres, issuer = stack.enter_context(cluster()), stack.enter_context(Issuer())
        database = postgres.database().migrated()
        way = stack.enter_context(forwarder(postgres.port))
        publications = Publications(database)
        publications.publish()
        replicas = []
        for number in (1, 2):
            directory = scratch / f"replica-{number}"
            directory.mkdir()
            settings = {
                "POLICY_STORE": database.secret_url(SERVICE, port=way.port),
                "POLICY_GATE": "lint",  # its tests are asked all the same, and only warn of the added rule
                "POLICY_CACHE": str(directory / "kept"),
                "DECISION_LOG": "off",
                "LOG_LEVEL": "WARNING",
                "WORKERS": str(number),
                "PYTHONPATH": f"{clock.directory}:{ROOT}",
            }
            replicas.append(stack.enter_context(serving(issuer, directory, **settings)))
        callers = Callers(issuer, publications)
        long_since = {"iat": int(issuer.now()) - 7200, "exp": int(issuer.now()) + 86400}
        watcher = issuer.token(**long_since, **{"custom:role": "security"})
        made = World(postgres, database, way, publications, replicas, callers, clock, watcher)
        made.follow()
        stack.enter_context(callers.asking(replicas))
        yield made


@dataclass(frozen=True)
class Fault:
    """``during`` is what happens, and what is said meanwhile is ``code``, or nothing. What is ``published`` meanwhile
    cannot come through."""

    name: str
    during: Callable[[World], AbstractContextManager[None]]
    code: str = ""
    published: bool = True
    more: bytes = b""
    cuts_calls: bool = False


@contextmanager
def killed(world: World) -> Iterator[None]:
    world.postgres.kill()
    try:
        yield
    finally:
        world.postgres.start()


@contextmanager
def frozen(world: World) -> Iterator[None]:
    with world.postgres.frozen():
        yield


@contextmanager
def network(what: str, world: World) -> Iterator[None]:
    world.way.do(what)
    try:
        yield
    finally:
        world.way.do("forward")


@contextmanager
def cut_in_mid_message(world: World) -> Iterator[None]:
    world.way.cut_after(200_000)
    try:
        yield
    finally:
        world.way.do("forward")


@contextmanager
def told(done: str, undone: str, world: World) -> Iterator[None]:
    """A statement by the owner, and its contrary."""
    world.database.execute(done)
    try:
        yield
    finally:
        world.database.execute(undone)


@contextmanager
def let_in_no_more(done: str, undone: str, world: World) -> Iterator[None]:
    """The role of the service may not sign in, and whoever has is thrown out."""
    world.database.execute(done)
    # A connection that was let in just before is not in the list of them at once.
    assert comes_true(lambda: world.database.execute(HANG_UP) == [])
    try:
        yield
    finally:
        world.database.execute(undone)


@contextmanager
def changed_by_a_superuser(columns: str, world: World) -> Iterator[None]:
    number = world.publications.newest
    world.database.execute(
        UNGUARDED.format(f"UPDATE sekisho.versions SET {columns} WHERE version = {number}")
    )
    yield


@contextmanager
def forged_by_a_superuser(world: World) -> Iterator[None]:
    """The row is whole: its digest was changed with it."""
    number = world.publications.newest
    forged = world.publications.content(number + 1)
    columns = f"policy = '\\x{forged.policy.hex()}', digest = '\\x{forged.digest.hex()}'"
    with changed_by_a_superuser(columns, world):
        yield


@contextmanager
def fallen_back_to_a_copy_that_is_behind(world: World) -> Iterator[None]:
    """The copy lacks the newest version; another one is published there under its number."""
    name = world.database.name
    hang_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(world.postgres.url("postgres"), autocommit=True) as admin:

        def tell(*statements: str) -> None:
            for statement in statements:
                admin.execute(statement.encode())

        def empty() -> None:
            tell(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            assert comes_true(lambda: not admin.execute(hang_up, (name,)).fetchall())

        empty()
        tell(f"CREATE DATABASE copy TEMPLATE {name}", f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        world.publications.publish()
        world.follow()
        empty()
        tell(f"ALTER DATABASE {name} RENAME TO lost", f"ALTER DATABASE copy RENAME TO {name}")
        yield
        number = world.publications.newest
        mark = [len(replica.log()) for replica in world.replicas]
        world.publications.store(number, world.publications.content(number + 1))
        assert all(
            replica.eventually_logs("[store-forked]", after)
            for replica, after in zip(world.replicas, mark, strict=True)
        )
        assert world.callers.goes_on()


@contextmanager
def died_before_the_commit(world: World) -> Iterator[None]:
    """Somebody publishes, and the database loses its power before it is stored."""
    number = world.publications.newest + 1
    content = world.publications.content(number)
    columns = "name, version, based_on, revision, digest, reason, model, policy, model_name, policy_name, tests_name, test_names, test_contents"
    chosen = columns.replace("version, based_on", f"{number}, {number - 1}").replace("policy,", "%s,", 1)
    connection = psycopg.connect(world.database.url(PUBLISHER), password=PASSWORD)
    query = f"INSERT INTO sekisho.versions ({columns}) SELECT {chosen} FROM sekisho.versions WHERE version = {number - 1}"
    connection.execute(query.encode(), (content.policy,))
    world.postgres.kill()
    connection.close()
    try:
        yield
    finally:
        world.postgres.start()


@contextmanager
def died_before_the_notice(world: World) -> Iterator[None]:
    """What was published is stored, and the database loses its power before it could tell anybody."""
    world.way.do("silent")
    try:
        yield
    finally:
        world.postgres.kill()
        world.postgres.start()
        world.way.do("forward")


@contextmanager
def disk_full_for_the_cache(world: World) -> Iterator[None]:
    """No file of a worker's may grow beyond a megabyte, and the document is larger."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    pids = [world.replicas[0].process.pid, *workers(world.replicas[1])]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1_000_000, most))
    number = world.publications.publish(more=LONG)
    world.follow()
    for replica in world.replicas:
        kept = replica.directory / "kept" / "store-policy"
        assert replica.eventually_logs("cannot be kept in")
        assert "sekisho_policy_cache_failing 1.0" in replica.get("/metrics", world.watcher).text
        assert DocumentCache(kept).read().version == number - 1
    yield
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    for replica in world.replicas:
        kept = replica.directory / "kept" / "store-policy"
        assert comes_true(lambda kept=kept: DocumentCache(kept).read().version == number)  # type: ignore[misc]  # mypy wants no default of a lambda
        assert comes_true(
            lambda replica=replica: (  # type: ignore[misc]
                "sekisho_policy_cache_failing 0.0" in replica.get("/metrics", world.watcher).text
            )
        )


@contextmanager
def clock_stepped(seconds: float, world: World) -> Iterator[None]:
    world.clock.step(seconds)
    world.publications.publish()
    world.follow()
    yield
    world.clock.step(0.0)


@contextmanager
def killed_in_mid_swap(world: World) -> Iterator[None]:
    """A worker dies while it judges a document that takes a while, and is replaced by one that begins with it."""
    replica = world.replicas[1]
    rules = b"".join(b"p, nobody, /made/up/%d, GET, allow\n" % number for number in range(20_000))
    world.publications.publish(more=rules)
    assert comes_true(lambda: replica.get("/readyz").json()["policy"]["checking"])
    victim = kill_one(replica)
    assert comes_true(lambda: victim not in workers(replica) and len(workers(replica)) == 2)
    world.follow()
    yield


ROLE = f"ALTER ROLE {SERVICE}"
FAULTS = [
    Fault("killed", killed, UNREACHABLE, published=False),
    Fault("frozen", frozen, UNREACHABLE, published=False),
    Fault("nothing is forwarded", partial(network, "silent"), UNREACHABLE),
    Fault("connections are dropped", partial(network, "cut"), UNREACHABLE),
    Fault("nobody listens", partial(network, "refusing"), UNREACHABLE),
    Fault("answers come too late", partial(network, "slow"), UNREACHABLE),
    Fault("answers are cut in mid-message", cut_in_mid_message, UNREACHABLE, more=LONG),
    Fault(
        "connection limit",
        partial(let_in_no_more, f"{ROLE} CONNECTION LIMIT 0", f"{ROLE} CONNECTION LIMIT -1"),
        UNREACHABLE,
    ),
    Fault(
        "another password",
        partial(let_in_no_more, f"{ROLE} PASSWORD 'another'", f"{ROLE} PASSWORD '{PASSWORD}'"),
        UNREACHABLE,
    ),
    Fault(
        "a right is taken away",
        partial(
            told,
            f"REVOKE SELECT ON sekisho.versions FROM {SERVICE}",
            f"GRANT SELECT ON sekisho.versions TO {SERVICE}",
        ),
        "store-not-set-up",
    ),
    Fault(
        "a row is changed",
        partial(changed_by_a_superuser, "policy = 'p, everyone, /user, GET, allow'"),
        "store-altered",
        published=False,
    ),
    Fault("a row is forged", forged_by_a_superuser, "store-forked", published=False),
    Fault(
        "failover to a copy that is behind",
        fallen_back_to_a_copy_that_is_behind,
        "store-behind",
        published=False,
    ),
    Fault("cut before the commit", died_before_the_commit, UNREACHABLE, published=False),
    Fault("cut before the notice", died_before_the_notice, UNREACHABLE),
    Fault("the disk is full", disk_full_for_the_cache, published=False),
    Fault("clock steps ahead", partial(clock_stepped, 3600.0), published=False),
    Fault("clock steps back", partial(clock_stepped, -3600.0), published=False),
    Fault("killed in mid-swap", killed_in_mid_swap, published=False, cuts_calls=True),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_every_answer_is_by_the_last_good_document_and_it_heals(world: World, fault: Fault) -> None:
    before, marks = world.publications.newest, [len(replica.log()) for replica in world.replicas]
    world.callers.cut_off()  # of a test before, which did not come to its end
    with fault.during(world):
        if fault.published:
            world.publications.publish(hidden=True, more=fault.more)
        for replica, mark in zip(world.replicas, marks, strict=True):
            assert not fault.code or replica.eventually_logs(f"[{fault.code}]", mark), replica.log()
            assert world.say(replica, fault.code)
        assert world.callers.goes_on()
        world.publications.shown()
    if world.publications.newest == before or fault.code in {"store-altered", "store-forked", "store-behind"}:
        world.publications.publish()
    world.follow()
    assert world.callers.goes_on()
    assert world.callers.wrong == []
    assert bool(world.callers.cut_off()) <= fault.cuts_calls


def test_a_notification_that_is_lost_costs_a_look(world: World) -> None:
    world.database.execute("ALTER TABLE sekisho.versions DISABLE TRIGGER tell", OWNER)
    try:
        world.publications.publish()
        world.follow()
    finally:
        world.database.execute("ALTER TABLE sekisho.versions ENABLE TRIGGER tell", OWNER)
    assert world.callers.wrong == []
