"""docs/endpoints.md: every endpoint of the service, what it is for, and whom the shipped policy lets in."""

from typing import Any, Final

from app.main import app
from tests.support.command import ROOT, rbac
from tests.support.reference.tables import code, table

HEAD: Final = """# Endpoints

Everything that the service answers, and who is let in by the `policy.csv` that it is shipped with. *Everyone* is
whoever calls, also without a token; *any valid token* is whoever has signed in. A running service describes itself at `/docs` and `/openapi.json`, with bodies and
answers; those of errors are in [errors over HTTP](errors.md).

An endpoint that this table does not have is not there, and one that you add is closed until a rule opens it.
"""
TAIL: Final = """
`/debug/token` is there only with `DEBUG=true` in development, `/console` only with what [its page](console.md) says, and the examples (`/public`,
`/protected`, `/profile`, `/user`, `/admin`) are below `API_PREFIX`.
"""

# Those that the API's description leaves out, because no program calls them.
_PAGES: Final = {
    "/openapi.json": "The description of the API (OpenAPI)",
    "/docs": "A page to read it and to try it",
    "/docs/": "The page's own files",
    "/console": "The security team's page",
    "/forward-auth": "Asked by a proxy: 200, 401 or 403, and nothing else",
}


def page() -> str:
    """The page."""
    matrix = rbac(
        "matrix", "--format", "json", "--model", ROOT / "model.conf", "--policy", ROOT / "policy.csv"
    ).json
    described: dict[str, Any] = app.openapi()["paths"]
    rows = []
    for at, endpoint in enumerate(matrix["endpoints"]):
        method, path = endpoint["act"], endpoint["obj"]
        if path.endswith("/") and path != "/":
            continue  # a folder of files, which is no file
        rows.append((code(method), code(path), _summary(described, method, path), _let_in(matrix, at)))
    return HEAD + "\n" + table(("method", "path", "what it is", "who, as shipped"), rows) + "\n" + TAIL


def _summary(described: dict[str, Any], method: str, path: str) -> str:
    operation = described.get(path, {}).get(method.lower())
    if operation is not None:
        return str(operation["summary"])
    for begins in sorted(_PAGES, key=len, reverse=True):
        if path.startswith(begins):
            return _PAGES[begins]
    [near] = [each for each in described if path.startswith(each + "/{")]
    return str(described[near][method.lower()]["summary"]) + ": one with a path"


def _let_in(matrix: dict[str, Any], at: int) -> str:
    names = [
        name for name, cells in zip(matrix["roles"], matrix["cells"], strict=False) if cells[at]["allowed"]
    ]
    if "nobody" in names:
        return "everyone"
    return "any valid token" if "any valid token" in names else ", ".join(map(code, names)) or "no one"
