"""The known routes: of an application or a file, shown as templates and asked about as paths."""

import json
import sys
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute
from starlette.staticfiles import StaticFiles

from rbac.routes import KnownRoutes, Route, RoutesError, load_routes, routes_beside, routes_of_app
from tests.support.command import ROOT, rbac_process


def application(folder: Path) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    inner = APIRouter(prefix="/inner")
    nested = APIRouter()
    below = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/users/{user_id:int}", name="one user")
    def user(user_id: int) -> int:
        return user_id

    @app.api_route("/both", methods=["HEAD", "GET", "POST"])
    def both() -> None: ...

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None: ...

    @inner.delete("/x/{rest:path}")
    def rest(rest: str) -> None: ...

    @nested.get("/deep")
    def deep() -> None: ...

    @below.get("/a")
    def a() -> None: ...

    class Things(HTTPEndpoint):
        def get(self) -> None: ...
        def put(self) -> None: ...

    inner.include_router(nested, prefix="/nested")
    app.include_router(inner, prefix="/api")
    app.mount("/sub", below)
    app.mount("/static", StaticFiles(directory=folder), name="static")
    app.router.routes.append(StarletteRoute("/things", Things))
    return app


def test_every_way_to_serve_a_path_is_listed_once(tmp_path: Path) -> None:
    routes = routes_of_app(application(tmp_path))
    assert [(route.act, route.obj) for route in routes] == [
        ("GET", "/api/inner/nested/deep"),
        ("DELETE", "/api/inner/x/{rest:path}"),
        ("GET", "/both"),
        ("POST", "/both"),
        ("GET", "/static/*"),
        ("GET", "/sub/a"),
        ("GET", "/things"),
        ("PUT", "/things"),
        ("GET", "/users/{user_id:int}"),
        ("GET", "/ws"),
    ]
    assert {route.name for route in routes if route.obj.startswith("/users")} == {"one user"}


def test_a_starlette_application_will_do() -> None:
    app = Starlette(routes=[Mount("/m", routes=[StarletteRoute("/x", lambda _: None, name="x")])])
    assert list(routes_of_app(app)) == [Route("GET", "/m/x", "x")]


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/users/{id}", "/users/42", True),
        ("/users/{id}", "/users/", False),
        ("/users/{id}", "/users/4/2", False),
        ("/users/{id:int}", "/users/x", False),
        ("/files/{p:path}", "/files/a/b", True),
        ("/static/*", "/static/a/b", True),
        ("/static/*", "/other", False),
        ("/a.b", "/aXb", False),
        ("/a.b", "/a.b", True),
        ("/x/{comment-id}/y", "/x/1/y", True),
        ("/user", "/user\n", False),
        ("/{when:uuid}", "/00000000-0000-4000-8000-000000000001", True),
    ],
)
def test_a_template_matches_its_paths_and_no_other(template: str, path: str, matches: bool) -> None:
    route = Route("GET", template)
    assert route.matches(path) is matches
    assert KnownRoutes((route,)).has_path(path) is matches


@pytest.mark.parametrize(
    ("template", "avoid", "sample"),
    [
        ("/user", (), "/user"),
        ("/users/{id}", (), "/users/1"),
        ("/users/{id}", ("1", "2", "me"), "/users/3"),
        ("/a/{x}/b/{y}", (), "/a/1/b/2"),
        ("/files/{p:path}", (), "/files/1"),
        ("/static/*", (), "/static/1"),
        ("/{id:uuid}", (), "/00000000-0000-4000-8000-000000000001"),
    ],
)
def test_a_sample_is_a_path_of_the_route_that_nothing_singles_out(
    template: str, avoid: tuple[str, ...], sample: str
) -> None:
    route = Route("GET", template)
    assert route.sample(avoid) == sample
    assert route.matches(sample)


def test_the_github_routes_read_in_either_spelling(tmp_path: Path) -> None:
    entries = [
        {"method": "GET", "path": "/gists/{id}", "extra": 1},
        {"act": "POST", "obj": "/gists", "name": "new"},
    ]
    file = tmp_path / "routes.json"
    file.write_text(json.dumps(entries), encoding="utf-8")
    assert list(load_routes(str(file))) == [Route("POST", "/gists", "new"), Route("GET", "/gists/{id}")]


def test_none_is_no_routes() -> None:
    assert len(load_routes("none")) == 0


WRONG_FILES = {
    "no JSON": ("[", "is not JSON"),
    "no list": ("{}", "must be a list"),
    "an entry that is no object": ("[1]", "entry 1"),
    "an entry without a path": ('[{"method": "GET"}]', "entry 1"),
    "a path that is no text": ('[{"act": "GET", "obj": "/"}, {"act": "GET", "obj": 7}]', "entry 2"),
    "an empty method": ('[{"act": "", "obj": "/"}]', "not empty"),
    "nested without end": ("[" * 100_000, "is not JSON"),
    "bytes that are no text": (b"\xff\xfe[", "is not JSON"),
}


@pytest.mark.parametrize(("content", "says"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_routes_file_of_another_shape_is_refused(tmp_path: Path, content: str | bytes, says: str) -> None:
    file = tmp_path / "routes.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RoutesError, match=says):
        load_routes(str(file))


APPLICATIONS = {
    "not a reference": ("what is this", "neither a file nor an application"),
    "no such module": ("no_such_module_here:app", "No module named"),
    "no such attribute": ("json:app", "has no `app`"),
    "not an application": ("json:dumps", "is not a FastAPI application"),
    "a missing file": ("nowhere.json", "No such file"),
}


@pytest.mark.parametrize(("reference", "says"), APPLICATIONS.values(), ids=APPLICATIONS)
def test_what_is_no_application_is_refused_with_a_reason(reference: str, says: str) -> None:
    with pytest.raises(RoutesError, match=says):
        load_routes(reference)


@pytest.mark.parametrize("statement", ["raise SystemExit(3)", "1/0", "import nothing_like_this"])
def test_an_application_that_stops_while_it_is_imported_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    name = f"stops_{abs(hash(statement))}"
    (tmp_path / f"{name}.py").write_text(statement, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(RoutesError, match=f"cannot import `{name}`"):
        load_routes(f"{name}:app")


def test_the_default_is_the_file_beside_the_policy_and_none_for_a_policy_elsewhere(tmp_path: Path) -> None:
    assert routes_beside(ROOT / "policy.csv").has_path("/admin")
    assert len(routes_beside(tmp_path / "policy.csv")) == 0


def test_the_file_beside_the_policy_is_up_to_date() -> None:
    """`make routes` writes it again."""
    known, served = routes_beside(ROOT / "policy.csv"), load_routes("app.main:app")
    assert [(route, route.name) for route in known] == [(route, route.name) for route in served]


def test_an_application_that_nobody_named_is_not_imported(tmp_path: Path) -> None:
    """Importing runs code, and a folder called `app` may be anybody's."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("raise SystemExit('imported')")
    for name in ("model.conf", "policy.csv"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = rbac_process("check", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "--routes app.main:app" in " ".join(done.out.split())


def test_importing_the_shipped_application_starts_nothing() -> None:
    done = rbac_process("routes", "app.main:app", "--format", "json")
    assert done.code == 0, done.err
    assert {"act": "GET", "obj": "/admin"}.items() <= next(
        r for r in done.json if r["obj"] == "/admin"
    ).items()
    assert done.err == ""
