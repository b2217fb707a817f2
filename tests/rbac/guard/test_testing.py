"""Whom an application's own tests may take its callers for."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from rbac.guard import Principal
from rbac.guard.fastapi import Caller
from tests.support.guarded import client_of, guard_in


@pytest.mark.parametrize(
    ("claims", "username", "email"),
    [
        ({}, None, None),
        ({"username": "uma", "email": "uma@shop.example"}, "uma", "uma@shop.example"),
        ({"username": 7, "email": ["uma@shop.example"], "team": "north"}, None, None),
    ],
)
def test_a_stand_in_is_whom_a_token_with_these_claims_would_name(
    tmp_path: Path, claims: dict[str, Any], username: str | None, email: str | None
) -> None:
    callers: list[Principal] = []
    app, guard = FastAPI(), guard_in(tmp_path)

    @app.get("/orders")
    async def endpoint(caller: Caller) -> str:
        callers.append(caller)
        return "done"

    app.add_middleware(guard.middleware)
    with guard.acting_as("user", sub="u-1", **claims), client_of(app) as client:
        assert client.get("/orders").status_code == 200
    (caller,) = callers
    assert (caller.sub, caller.roles, caller.username, caller.email) == ("u-1", ("user",), username, email)
    assert caller.claims == {"sub": "u-1", **claims}
    with pytest.raises(TypeError):
        caller.claims["sub"] = "another"  # type: ignore[index]  # what must fail
