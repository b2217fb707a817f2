from pydantic import BaseModel


class User(BaseModel):
    email: str
    role: str
    tenant: str


class Order(BaseModel):
    number: int
    tenant: str
    owner: str
    item: str
    refunded: bool = False
