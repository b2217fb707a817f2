from fastapi import FastAPI
from rbac.guard import Guard, Principal
from rbac.guard.fastapi import Ask, Caller, require

USERS = {"token-of-ann": ("ann", "editor"), "token-of-bob": ("bob", "reader")}


def identify(token: str) -> Principal | None:
    name, *roles = USERS.get(token, ("",))
    return Principal(sub=name, roles=tuple(roles)) if name else None


app = FastAPI()
guard = Guard(identify=identify, words="sub=roles", tests=None)
app.add_middleware(guard.middleware)


@app.get("/me", dependencies=[require("read", "profile")])
async def me(user: Caller) -> str:
    return user.sub


@app.get("/articles", dependencies=[require("read", "article")])
async def list_articles() -> list[int]:
    return [1]


@app.put("/articles/{number}")
async def edit(number: int, ask: Ask) -> int:
    ask.check(act="edit", obj=kind_of(number))
    return number


def kind_of(number: int) -> str:
    return "article" if number < 100 else "archived"
