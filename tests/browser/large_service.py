"""The service with GitHub's 1,015 endpoints and fifty roles: ``uvicorn tests.browser.large_service:app``."""

import json
from pathlib import Path

from fastapi import APIRouter

from app.main import create_app
from tests.support.service import ROOT

ROLES = 50
ENDPOINTS = 1015
_ROUTES = json.loads((ROOT / "tests" / "data" / "github" / "routes.json").read_text(encoding="utf-8"))

# No column of a policy holds a comma.
_RULED = [each for each in _ROUTES if "," not in each["path"]]


def write_policy(path: Path) -> None:
    """The shipped rules, and fifty roles, each of which has what the one before it has and forty endpoints more."""
    lines = [(ROOT / "policy.csv").read_text(encoding="utf-8")]
    for number in range(ROLES):
        name = f"team-{number:02}"
        for step in range(40):
            each = _RULED[(number * 40 + step * 7) % len(_RULED)]
            lines.append(f"p, {name}, {_path(each)}, {each['method']}, allow\n")
        if number % 10:
            lines.append(f"g, {name}, team-{number - 1:02}\n")
    path.write_text("".join(lines), encoding="utf-8")


def _path(each: dict[str, str]) -> str:
    return f"/github{each['path'].replace('.', chr(92) + '.')}"


async def operation() -> None:
    """Answers for every endpoint."""


app = create_app()
_router = APIRouter()
for _each in _ROUTES:
    _router.add_api_route(_each["path"], operation, methods=[_each["method"]])
app.include_router(_router, prefix="/github")
