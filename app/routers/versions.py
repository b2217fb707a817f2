"""The versions of the policy in a database: what was published, by whom and why, and the next one.

Who may read them and who may publish is written in ``policy.csv``; what may be published is for the gate to say. Where
the document is kept in files there are no versions: 404.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from app.checkpoint import checkpoint_of
from app.console.answers import text_of
from app.console.desk import BusyError
from app.console.wire import sent
from app.http.problems import AnsweredError
from app.routers.policy import ANSWERS, PRIVATE, Text, asked_of
from rbac.guard.identity.principal import Principal
from rbac.guard.middleware import PRINCIPAL
from rbac.stores import Snapshot
from rbac.text.visible import visible

if TYPE_CHECKING:  # psycopg: loaded where there is a database
    from app.console.archive import Archive, NextVersion
    from rbac.stores.postgres.versions import Version

log = logging.getLogger("app.console")
router = APIRouter(prefix="/policy", tags=["policy"])

_MOST = 2**53 - 1  # larger numbers are not told apart in every program's JSON (RFC 8259, section 6)
_Number = Annotated[int, Field(ge=1, le=_MOST)]
_STORED: dict[int | str, dict[str, Any]] = {
    **ANSWERS,
    404: {"description": "There is no such version, or no database that keeps versions; `error` says which."},
    503: {"description": "The database does not answer; `Retry-After` says when to come again."},
}
_PUBLISHED: dict[int | str, dict[str, Any]] = {
    **_STORED,
    200: {
        "description": "Nothing was published: it was a trial (`dry_run`), or the newest version holds the same."
    },
    409: {
        "description": "Somebody published first: `newer` says who and why, `diff` what this would change of theirs."
    },
    422: {"description": "It is malformed, or does not pass the gate: `problems` as `rbac check` has them."},
}


# PostgreSQL's text holds no NUL, and a reason says something.
_Reason = Annotated[
    Text,
    Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*[^\x00-\x20][^\x00]*$"),
    AfterValidator(lambda text: text.strip(" \t\r\n")),
]


class Publication(BaseModel, extra="forbid"):
    """The next version: rules, and the model where that changes, too. Policy tests and endpoints stay those of the
    version that it is ``based_on``. A trial (``dry_run``) is judged, and published nowhere.
    """

    policy: Text
    model: Text | None = None
    based_on: _Number
    reason: _Reason
    dry_run: bool = False


class Rollback(BaseModel, extra="forbid"):
    """An old ``version`` again, as the next one behind the one that this is ``based_on``."""

    version: _Number
    based_on: _Number
    reason: _Reason
    dry_run: bool = False


@router.get("/history", summary="Who published what, when and why", responses=_STORED)
async def history(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
    before: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
) -> Response:
    """Versions from the newest on, or from the one before number `before`. `in_force` is what this worker decides by;
    `publishes` says whether the next one can be published here."""
    archive = _archive(request)
    with _answering():
        newest, versions = await archive.history(limit, before)
    return _json(
        {
            "name": archive.name,
            "newest": newest,
            "in_force": checkpoint_of(request).live.version,
            "publishes": archive.publishes,
            "versions": [each.to_json() for each in versions],
        }
    )


@router.get("/versions/{number}", summary="What a version holds", responses=_STORED)
async def version(request: Request, number: Annotated[int, Path(ge=1, le=_MOST)]) -> Response:
    """Its model, rules, policy tests and endpoints, and who published it, when and why."""
    with _answering():
        about, content = await _archive(request).version(number)
    tests = [{"name": name, "text": text_of(text)} for name, text in content.tests.items()]
    held = {
        "model": {"name": content.model_name, "text": text_of(content.model)},
        "policy": {"name": content.policy_name, "text": text_of(content.policy)},
        "tests": tests,
        "routes": None if content.routes is None else text_of(content.routes),
    }
    return _json(about.to_json() | held)


@router.get("/diff", summary="What changed from one version to another", responses=_STORED)
async def difference(
    request: Request,
    new: Annotated[int, Query(ge=1, le=_MOST)],
    old: Annotated[int | None, Query(ge=1, le=_MOST)] = None,
) -> Response:
    """Whose access changed, as `rbac diff pg:12 pg:13` says it, and which lines. Without `old` it is the version before
    `new`."""
    archive = _archive(request)
    with _answering():
        after, content = await archive.version(new)
        before, earlier = await archive.version(old or max(new - 1, 1))
    told = await _compared(request, earlier, content)
    return _json({"old": before.to_json(), "new": after.to_json(), **told})


@router.get("/replicas", summary="What every replica runs", responses=_STORED)
async def replicas(request: Request) -> Response:
    """Each worker of each replica with its version, as `rbac status` lists them, those that are furthest behind first."""
    archive = _archive(request)
    with _answering():
        newest, listed = await archive.replicas()
    return _json(
        {"name": archive.name, "newest": newest, "replicas": [each.to_json(newest) for each in listed]}
    )


@router.post("/publish", summary="Publish the next version", status_code=201, responses=_PUBLISHED)
async def publish(request: Request, asked: Publication) -> Response:
    """What a service would not let into force is not published, and neither is what is not based on the newest version.
    The author is the role that this service publishes with; the caller's `sub` is recorded beside it."""
    archive = _archive(request, publishing=True)
    with _answering():
        base, content = await archive.version(asked.based_on)
    model = content.model if asked.model is None else asked.model.encode()
    candidate = replace(content, policy=asked.policy.encode(), model=model)
    from app.console.archive import NextVersion

    wanted = NextVersion(candidate, asked.based_on, asked.reason, _caller(request).sub)
    return await _next(request, archive, base, wanted, dry_run=asked.dry_run)


@router.post(
    "/rollback", summary="An old version again, as the next one", status_code=201, responses=_PUBLISHED
)
async def rollback(request: Request, asked: Rollback) -> Response:
    """Judged like any other, by today's lint and its own tests."""
    archive = _archive(request, publishing=True)
    with _answering():
        base, _ = await archive.version(asked.based_on)
        _, content = await archive.version(asked.version)
    from app.console.archive import NextVersion

    wanted = NextVersion(content, asked.based_on, asked.reason, _caller(request).sub, asked.version)
    return await _next(request, archive, base, wanted, dry_run=asked.dry_run)


async def _next(
    request: Request, archive: "Archive", base: "Version", wanted: "NextVersion", *, dry_run: bool
) -> Response:
    """Publishes what passes the gate and is based on the newest version; in the order of ``rbac publish``."""
    judged = await _judged(request, wanted.content)
    with _answering():
        newer = await archive.since(wanted.based_on)
    if newer:
        raise await _outdated(request, archive, wanted, newer)
    told = {"published": False, "revision": judged["revision"], "warnings": judged["problems"]}
    if wanted.content.digest == base.digest:
        return _json(told | {"unchanged": True, "version": base.to_json()})
    if dry_run:
        with _answering():
            _, earlier = await archive.version(base.number)
        return _json(told | {"dry_run": True} | await _compared(request, earlier, wanted.content))
    from rbac.stores.postgres.versions import OutdatedError

    try:
        with _answering():
            made = await archive.publish(wanted, base)
    except OutdatedError as error:
        with _answering():
            newer = await archive.since(wanted.based_on)
        if not newer:
            raise AnsweredError(
                "store_unavailable", detail=str(error), headers={"Retry-After": "5"}
            ) from None
        raise await _outdated(request, archive, wanted, newer) from None
    log.warning("version %d of %s published by %s", made.number, archive.name, visible(made.signed))
    return _json(told | {"published": True, "version": made.to_json()}, 201)


async def _judged(request: Request, candidate: Snapshot) -> dict[str, Any]:
    """What the gate says of ``candidate``. Raises the answer for one that does not pass."""
    checkpoint = checkpoint_of(request)
    judged: dict[str, Any] = orjson.loads(
        await asked_of(checkpoint.service.drafts, "publication", candidate=sent(candidate))
    )
    if judged["errors"]:
        raise AnsweredError("policy_refused", extra={"problems": judged["problems"]})
    return judged


async def _compared(request: Request, before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Whose access changes from one to the other, and which lines."""
    drafts = checkpoint_of(request).service.drafts
    told: dict[str, Any] = orjson.loads(
        await asked_of(drafts, "comparison", before=sent(before), after=sent(after))
    )
    return told


async def _outdated(
    request: Request, archive: "Archive", wanted: "NextVersion", newer: "list[Version]"
) -> AnsweredError:
    """The answer for who comes second: who published what, and what theirs would change of it."""
    with _answering():
        _, newest = await archive.version(newer[0].number)
    told = {
        "newest": newer[0].number,
        "newer": [each.to_json() for each in newer[:_MOST_NEWER]],
        **await _compared(request, newest, wanted.content),
    }
    return AnsweredError("version_outdated", extra=told)


_MOST_NEWER = 50


def _archive(request: Request, *, publishing: bool = False) -> "Archive":
    archive = checkpoint_of(request).service.archive
    if archive is None:
        raise AnsweredError("no_versions")
    if publishing and not archive.publishes:
        raise AnsweredError("publishing_off")
    return archive


def _caller(request: Request) -> Principal:
    """Who publishes: a version is nobody's work, whatever the policy allows."""
    principal: Principal | None = request.scope.get(PRINCIPAL)
    if principal is None:
        raise HTTPException(401)
    return principal


@contextmanager
def _answering() -> Iterator[None]:
    """Answers for a database that does not do what it was asked; what is said of it holds no password."""
    from rbac.stores.postgres.address import StoreError
    from rbac.stores.postgres.versions import NoVersionError, OutdatedError

    try:
        yield
    except OutdatedError:
        raise
    except NoVersionError as error:
        raise AnsweredError("version_missing", detail=f"{error}.") from None
    except StoreError as error:
        log.warning("the versions cannot be asked about: %s", error)
        raise AnsweredError("store_unavailable", detail=f"{error}.", headers={"Retry-After": "5"}) from None
    except BusyError:
        raise HTTPException(429, headers={"Retry-After": "5"}) from None


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, headers=PRIVATE, media_type="application/json")
