"""An application of somebody else's: a FastAPI app with its own routes, a guard, and tokens that are names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from rbac.guard import Guard, Principal, Unauthenticated
from rbac.guard.http.asgi import ASGIApp

MODEL = """
[request_definition]
r = sub, role, obj, act
[policy_definition]
p = role, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (p.role == "everyone" || (p.role == "authenticated" && r.sub != "") || g(r.role, p.role)) && \
keyMatch3(r.obj, p.obj) && (p.act == "*" || p.act == r.act)
"""
POLICY = """p, everyone, /public, GET, allow
p, user, /orders, GET, allow
p, user, /orders/{id}, GET, allow
p, user, /live, GET, allow
p, user, /sub/*, GET, allow
p, admin, /admin, *, allow
g, admin, user
"""
PEOPLE = {"ann": ("admin",), "uma": ("user",), "nil": (), "two": ("user", "auditor")}


async def identify(token: str) -> Principal:
    """A token is somebody's name."""
    if token not in PEOPLE:
        raise Unauthenticated("there is nobody of that name")
    return Principal(sub=token, roles=PEOPLE[token], claims={"team": "north", "level": 3})


def written(directory: Path, model: str = MODEL, policy: str = POLICY) -> dict[str, Any]:
    """The document in ``directory``, as arguments of a guard."""
    (directory / "model.conf").write_text(model)
    (directory / "policy.csv").write_text(policy)
    return {"model": directory / "model.conf", "policy": directory / "policy.csv", "tests": None}


def guard_in(directory: Path, model: str = MODEL, policy: str = POLICY, **changes: Any) -> Guard:
    """A guard of the document in ``directory``."""
    return Guard(**{"identify": identify, **written(directory, model, policy), **changes})


def shop(**options: Any) -> FastAPI:
    """An application that checks nothing."""
    app = FastAPI(openapi_url=None, **options)

    @app.get("/public")
    @app.get("/orders")
    @app.get("/orders/{id}")
    @app.get("/admin")
    @app.post("/admin")
    async def endpoint() -> str:
        return "done"

    return app


@contextmanager
def client_of(app: ASGIApp, **options: Any) -> Iterator[TestClient]:
    """A client while the application's lifespan runs."""
    with TestClient(app, raise_server_exceptions=False, **options) as client:
        yield client


def as_(name: str) -> dict[str, str]:
    """The header by which somebody signs in."""
    return {"Authorization": f"Bearer {name}"}
