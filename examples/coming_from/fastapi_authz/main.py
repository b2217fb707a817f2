import base64
import binascii

from fastapi import FastAPI
from rbac.guard import Guard, Principal, Unauthenticated
from starlette.datastructures import Headers

PASSWORDS = {"alice": "secret", "bob": "secret"}


def basic(scope: dict) -> str | None:
    return Headers(scope=scope).get("authorization")


def identify(header: str) -> Principal:
    try:
        name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("these are no Basic credentials") from None
    if PASSWORDS.get(name) != password:
        raise Unauthenticated("there is nobody of this name and password")
    return Principal(sub=name)


app = FastAPI()
guard = Guard(identify=identify, credentials=basic, words="sub=claims.sub, obj=path, act=method", tests=None)
app.add_middleware(guard.middleware)


@app.get("/dataset/{name}")
async def dataset(name: str) -> str:
    return name
