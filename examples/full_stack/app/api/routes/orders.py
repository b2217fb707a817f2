from fastapi import APIRouter
from rbac.guard.fastapi import Ask, require

from app.api.deps import CurrentUser, Db, FoundOrder
from app.models import Order

router = APIRouter(prefix="/orders")


@router.get("")
def list_orders(
    db: Db,
    user: CurrentUser,
    ask: Ask,
) -> list[Order]:
    return [each for each in db.orders() if ask.may(act="orders:read", tenant=each.tenant, owner=each.owner)]


@router.post("", dependencies=[require("orders:create")])
def create_order(
    db: Db,
    user: CurrentUser,
    item: str,
) -> int | None:
    return db.add_order(user, item)


@router.get("/{number}")
def show_order(
    user: CurrentUser,
    order: FoundOrder,
    ask: Ask,
) -> Order:
    ask.check(act="orders:read", tenant=order.tenant, owner=order.owner)
    return order


@router.post("/{number}/refund")
def refund_order(
    db: Db,
    user: CurrentUser,
    order: FoundOrder,
    ask: Ask,
) -> None:
    ask.check(act="orders:refund", tenant=order.tenant, owner=order.owner)
    db.refund(order.number)
