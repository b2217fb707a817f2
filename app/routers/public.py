"""Open to everyone, because ``policy.csv`` says so."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from app.routers.greetings import CallerLanguage, greeting
from rbac.guard.fastapi import MaybeCaller

router = APIRouter(tags=["public"])


class Welcome(BaseModel):
    """What runs here."""

    message: str
    name: str
    version: str
    docs: str = "/docs"


class Greeting(BaseModel):
    """A greeting in the caller's language."""

    message: str


@router.get("/", summary="What runs here")
async def root(request: Request, language: CallerLanguage) -> Welcome:
    """Says that the service is running."""
    app = request.app
    return Welcome(message=greeting("running", language), name=app.title, version=app.version)


@router.get("/public", summary="A greeting for anyone")
async def public(user: MaybeCaller, language: CallerLanguage) -> Greeting:
    """Needs no token; one that is sent must be valid all the same."""
    name = user.username or user.sub if user is not None else None
    return Greeting(message=greeting("public", language, name))
