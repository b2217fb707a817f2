from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer
from jose import JWTError, jwt

from app.core import config, db, security
from app.models import Order, User

Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/login/access-token"))]


def get_db() -> Iterator[db.Database]:
    with db.opened() as database:
        yield database


Db = Annotated[db.Database, Depends(get_db)]


def token_user(token: str) -> User | None:
    try:
        claims = jwt.decode(token, config.SECRET_KEY, algorithms=[security.ALGORITHM])
    except JWTError:
        return None
    with db.opened() as database:
        return database.user(claims["sub"])


def get_current_user(token: Token) -> User:
    user = token_user(token)
    if user is None:
        raise HTTPException(401, "Could not validate credentials")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def get_order(db: Db, number: int) -> Order:
    order = db.order(number)
    if order is None:
        raise HTTPException(404, "There is no such order")
    return order


FoundOrder = Annotated[Order, Depends(get_order)]
