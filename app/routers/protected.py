"""The example endpoints. None of them checks anything: who reaches them is written in ``policy.csv``."""

from fastapi import APIRouter, Request
from pydantic import BaseModel

from app.checkpoint import checkpoint_of
from app.routers.greetings import CallerLanguage, greeting
from rbac.guard.fastapi import Caller
from rbac.guard.identity.principal import Principal

router = APIRouter(tags=["protected"])


class UserInfo(BaseModel):
    """Who the token says is calling. ``role`` is the first of the caller's roles, ``null`` without any."""

    username: str | None
    email: str | None
    sub: str
    role: str | None


class Protected(BaseModel):
    message: str
    user_info: UserInfo


class UserData(BaseModel):
    username: str | None
    role: str | None


class User(BaseModel):
    message: str
    user_data: UserData


class AdminInfo(BaseModel):
    """``permissions`` are the endpoints that the live policy opens to this caller, as ``METHOD path``."""

    username: str | None
    email: str | None
    permissions: list[str]


class Admin(BaseModel):
    message: str
    admin_info: AdminInfo


class ProfileClaims(BaseModel):
    """The caller's own claims; ``auth_time`` is in seconds since 1970."""

    sub: str
    username: str | None
    email: str | None
    email_verified: bool | None
    role: str | None
    auth_time: int | None
    token_use: str | None


class Profile(BaseModel):
    profile: ProfileClaims


@router.get("/protected", summary="Any valid token")
async def protected(user: Caller, language: CallerLanguage) -> Protected:
    """Greets the caller and says whom the token names."""
    return Protected(
        message=greeting("protected", language, _name(user)),
        user_info=UserInfo(username=user.username, email=user.email, sub=user.sub, role=user.role),
    )


@router.get("/profile", summary="The caller's own claims")
async def profile(user: Caller) -> Profile:
    """What the verified token says of the caller, and nothing else."""
    return Profile(
        profile=ProfileClaims(
            sub=user.sub,
            username=user.username,
            email=user.email,
            email_verified=user.email_verified,
            role=user.role,
            auth_time=user.claims.get("auth_time"),
            token_use=user.claims.get("token_use"),
        )
    )


@router.get("/user", summary="Role user and above")
async def user_page(user: Caller, language: CallerLanguage) -> User:
    """For whom the policy counts among the users."""
    return User(
        message=greeting("user", language, _name(user)),
        user_data=UserData(username=user.username, role=user.role),
    )


@router.get("/admin", summary="Administrators")
async def admin(request: Request, user: Caller, language: CallerLanguage) -> Admin:
    """For administrators: what the policy lets this one do, asked of the policy itself."""
    checkpoint = checkpoint_of(request)
    found = await checkpoint.service.permissions.of(request.scope, user, checkpoint.terms)
    allowed = [f"{route.act} {route.obj}" for route in found.routes]
    return Admin(
        message=greeting("admin", language, _name(user)),
        admin_info=AdminInfo(username=user.username, email=user.email, permissions=allowed),
    )


def _name(user: Principal) -> str:
    return user.username or user.sub
