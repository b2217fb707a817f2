from fastapi import FastAPI
from rbac.guard import Guard, Principal

reports = FastAPI()
guard = Guard(identify=lambda token: Principal(sub=token, roles=("auditor",)), tests=None)
app = FastAPI()
app.mount("/reports", guard.middleware(reports))


@app.get("/hello")
async def hello() -> str:
    return "nobody is asked"


@reports.get("/sales")
async def sales() -> int:
    return 4711
