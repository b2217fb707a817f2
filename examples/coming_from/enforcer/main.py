from fastapi import FastAPI
from rbac.guard import Guard, Principal

SESSIONS = {"token-of-ann": ("ann", "manager"), "token-of-bob": ("bob", "clerk")}


def identify(token: str) -> Principal | None:
    name, *roles = SESSIONS.get(token, ("",))
    return Principal(sub=name, roles=tuple(roles)) if name else None


app = FastAPI()
guard = Guard(identify=identify, words="sub=roles, obj=path, act=method", tests=None)
app.add_middleware(guard.middleware)


@app.get("/orders")
async def orders() -> list[int]:
    return [1, 2]


@app.post("/orders/{number}/refund")
async def refund(number: int) -> int:
    return number
