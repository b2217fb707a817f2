from fastapi.concurrency import run_in_threadpool
from rbac.guard import Guard, Principal

from app.api.deps import token_user

WORDS = "sub=claims.sub, role=roles, home=claims.tenant, tenant=claims.tenant, owner=claims.sub"


async def identify(token: str) -> Principal | None:
    user = await run_in_threadpool(token_user, token)
    return Principal(user.email, (user.role,), claims={"tenant": user.tenant}) if user else None


guard = Guard(identify=identify, words=WORDS)
