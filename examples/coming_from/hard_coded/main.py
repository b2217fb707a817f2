from fastapi import FastAPI
from rbac.guard import Guard, cognito
from rbac.guard.fastapi import Caller

app = FastAPI()
guard = Guard(identify=cognito("ap-northeast-1_AbC123xyz", "1h57kf5cpq17m0eml12EXAMPLE"), tests=None)
app.add_middleware(guard.middleware)


@app.get("/profile")
async def profile(user: Caller) -> dict[str, str | None]:
    return {"name": user.username}


@app.get("/admin")
async def admin() -> str:
    return "the office"
