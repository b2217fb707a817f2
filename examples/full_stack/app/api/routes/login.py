from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from app.api.deps import Db
from app.core.security import create_access_token

router = APIRouter()


class Login(BaseModel):
    email: str
    password: str


@router.post("/login/access-token")
def login(db: Db, given: Login) -> str:
    if db.user(given.email, given.password) is None:
        raise HTTPException(400, "Incorrect email or password")
    return create_access_token(given.email)
