from fastapi import APIRouter
from rbac.guard.fastapi import require

from app.api.routes import login, orders, users

api_router = APIRouter()
api_router.include_router(login.router, dependencies=[require("login")])
api_router.include_router(users.router, dependencies=[require("users:list")])
api_router.include_router(orders.router)
