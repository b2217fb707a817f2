import time

from jose import jwt

from app.core import config

ALGORITHM = "HS256"


def create_access_token(email: str, lifetime_s: int = config.TOKEN_LIFETIME_S) -> str:
    claims = {"sub": email, "exp": int(time.time()) + lifetime_s}
    return jwt.encode(claims, config.SECRET_KEY, algorithm=ALGORITHM)
