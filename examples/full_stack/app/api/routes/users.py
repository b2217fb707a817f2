from fastapi import APIRouter

from app.api.deps import CurrentUser, Db
from app.models import User

router = APIRouter(prefix="/users")


@router.get("")
def list_users(db: Db, user: CurrentUser) -> list[User]:
    return db.users()
