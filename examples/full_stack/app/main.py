from fastapi import FastAPI

from app.api.main import api_router
from app.core.access import guard

app = FastAPI(title="Shop API")
app.include_router(api_router)
app.add_middleware(guard.middleware)
