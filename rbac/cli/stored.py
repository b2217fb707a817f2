"""Documents in a store: where the store is, `pg:12`, and what a working copy holds that could be published."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import orjson
import typer

from rbac.cli.options import NAME, NAMES
from rbac.errors import RbacError
from rbac.model.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.routes import NO_ROUTES, KnownRoutes, load_routes, routes_beside, routes_of_json
from rbac.stores import Snapshot
from rbac.stores.file import FileStore

if TYPE_CHECKING:  # the driver is an extra
    from rbac.stores.postgres.revocations import RevocationDesk
    from rbac.stores.postgres.session import Session
    from rbac.stores.postgres.versions import Version, Versions

PREFIX: Final = "pg:"
_PLACE: Final = re.compile(rf"pg:(?:(?P<name>{NAMES.pattern})@)?(?P<version>(?:[1-9][0-9]*)?)")
_MODEL, _POLICY, _TESTS, ROUTES = "model.conf", "policy.csv", "policy_tests", "routes.json"


class StoreUsageError(RbacError):
    """No store was named, or what was asked of it cannot be."""

    code: ClassVar[str] = "store_usage"


class StoredPlace(NamedTuple):
    """What `pg:NAME@12` says: a document and a version of it, 0 for the newest."""

    name: str
    version: int


def place_of(text: str, name: str = NAME) -> StoredPlace:
    """The place that `pg:`, `pg:12` or `pg:NAME@12` names. Raises StoreUsageError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise StoreUsageError(f"`{text}` is no version in a store: `pg:12`, or `pg:` for the newest")
    return StoredPlace(match["name"] or name, int(match["version"] or 0))


@contextmanager
def session_of(store: str | None) -> Iterator["Session"]:
    """A session with the database that ``--store`` or ``POLICY_STORE`` names. Raises StoreUsageError."""
    try:
        from rbac.stores.postgres.address import Address
        from rbac.stores.postgres.session import Session, UnreachableError
    except ImportError as error:
        raise StoreUsageError("PostgreSQL needs the extra: pip install 'sekisho[postgres]'") from error
    if not store or store == "file":
        raise StoreUsageError(
            "no database is named: --store, or POLICY_STORE=postgresql://USER@HOST/DATABASE"
        )
    session = Session(Address.parse(store))
    try:
        yield session
    except UnreachableError as error:
        raise StoreUsageError(f"{error}; {_what_to_do(str(error))}") from None
    finally:
        session.close()


def _what_to_do(said: str) -> str:
    """About a database that does not answer, or does not let in whoever asks."""
    if "password" in said:
        return (
            "give the role's password in PGPASSWORD or a password file, or name another role in POLICY_STORE"
        )
    return "see that POLICY_STORE names it rightly, and that it is up"


@contextmanager
def versions_of(store: str | None, name: str) -> Iterator["Versions"]:
    """The versions of the document called ``name``."""
    with session_of(store) as session:
        from rbac.stores.postgres.versions import Versions

        yield Versions(session, name)


@contextmanager
def revocations_of(store: str | None, name: str) -> Iterator["RevocationDesk"]:
    """The revocations that belong to the document called ``name``."""
    with session_of(store) as session:
        from rbac.stores.postgres.revocations import RevocationDesk

        yield RevocationDesk(session, name)


def keeps_revocations(context: typer.Context, store: str | None) -> bool:
    """Whether revocations are rows of the database that ``--store`` or ``POLICY_STORE`` names, and not of a file.

    Raises StoreUsageError where both were typed.
    """

    def typed(option: str) -> bool:
        source = context.get_parameter_source(option)
        return source is not None and source.name == "COMMANDLINE"

    if typed("revocations") and typed("store"):
        raise StoreUsageError("--revocations is a file and --store a database: name one of them")
    return bool(store) and store != "file" and not typed("revocations")


def newest(versions: "Versions") -> int:
    """The number of the newest version. Raises StoreUsageError where nothing was published."""
    head = versions.head()
    if head is None:
        raise StoreUsageError(f"nothing was published as `{versions.name}` yet: `rbac publish`")
    return head.number


def stored(store: str | None, place: StoredPlace) -> Snapshot:
    """What is stored at ``place``."""
    with versions_of(store, place.name) as versions:
        return versions.content(place.version or newest(versions))


def working_copy(model: Path, policy: Path, tests: Path, routes: str | None) -> tuple[Snapshot, KnownRoutes]:
    """What these files hold, under names that are the same on every machine, and the endpoints they go with.

    Raises PolicyError, RoutesError.
    """
    held = FileStore(model, policy, tests).read()
    known = routes_beside(policy) if routes is None else load_routes(routes)
    content = None
    if known:
        entries = [{"act": route.act, "obj": route.obj, "name": route.name} for route in known]
        content = orjson.dumps(entries, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    suites = {f"{_TESTS}/{_below(Path(name), tests)}": text for name, text in held.tests.items()}
    snapshot = replace(
        held,
        tests=dict(sorted(suites.items())),
        model_name=_MODEL,
        policy_name=_POLICY,
        tests_name=_TESTS,
        routes=content,
    )
    return snapshot, known


def routes_with(snapshot: Snapshot, routes: str | None) -> KnownRoutes:
    """The endpoints that ``--routes`` names, else those that a version was published with."""
    if routes is not None:
        return load_routes(routes)
    return NO_ROUTES if snapshot.routes is None else routes_of_json(snapshot.routes, Path(ROUTES))


def lay_out(snapshot: Snapshot, directory: Path) -> None:
    """Writes what a version holds below ``directory``, byte for byte. Raises StoreUsageError for a name that leads out
    of it."""
    files = {_MODEL: snapshot.model, _POLICY: snapshot.policy, **snapshot.tests}
    if snapshot.routes is not None:
        files[ROUTES] = snapshot.routes
    for name, content in files.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in name:
            raise StoreUsageError(f"`{name}` is no name of a file below a directory")
        file = directory / pure
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def based_on(versions: "Versions", said: int | None) -> "tuple[int, Version | None]":
    """The version that a publication says it began with, and the newest there is. Raises typer.BadParameter when it
    says none and there is one."""
    newest_ones = versions.history(1)
    head = newest_ones[0] if newest_ones else None
    if said is None and head is not None:
        raise typer.BadParameter(
            f"name the version that you began with: the newest is {head.number}, by {head.signed}: {head.why}",
            param_hint="--based-on",
        )
    return said or 0, head


def _below(file: Path, place: Path) -> str:
    return file.name if file == place else file.relative_to(place).as_posix()


def stored_policy(snapshot: Snapshot, name: str, subjects: str, functions: OwnFunctions) -> Policy:
    """The policy of a stored version, whose problems say that it is stored. Raises PolicyError."""
    place = f"{PREFIX}{name}@{snapshot.version}"
    return Policy.parse(
        snapshot.model,
        snapshot.policy,
        model_name=f"{place}/{_MODEL}",
        policy_name=f"{place}/{_POLICY}",
        subjects=subjects,
        functions=functions,
    )
