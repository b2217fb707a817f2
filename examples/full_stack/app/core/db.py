import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from app.core import config
from app.models import Order, User

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (email TEXT PRIMARY KEY, password TEXT, role TEXT, tenant TEXT);
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, tenant TEXT, owner TEXT, item TEXT, refunded BOOLEAN DEFAULT FALSE);
"""


class Database:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def user(self, email: str, password: str | None = None) -> User | None:
        row = self._connection.execute("SELECT * FROM users WHERE email = ?", [email]).fetchone()
        return None if row is None or password not in (None, row["password"]) else User(**row)

    def add_user(self, email: str, password: str, role: str, tenant: str) -> None:
        self._connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", [email, password, role, tenant])

    def users(self) -> list[User]:
        return [User(**row) for row in self._connection.execute("SELECT * FROM users")]

    def order(self, number: int) -> Order | None:
        row = self._connection.execute("SELECT * FROM orders WHERE number = ?", [number]).fetchone()
        return None if row is None else Order(**row)

    def orders(self) -> list[Order]:
        return [Order(**row) for row in self._connection.execute("SELECT * FROM orders")]

    def add_order(self, user: User, item: str) -> int | None:
        values = [user.tenant, user.email, item]
        added = self._connection.execute("INSERT INTO orders (tenant, owner, item) VALUES (?, ?, ?)", values)
        return added.lastrowid

    def refund(self, number: int) -> None:
        self._connection.execute("UPDATE orders SET refunded = TRUE WHERE number = ?", [number])


@contextmanager
def opened() -> Iterator[Database]:
    with closing(sqlite3.connect(config.DATABASE, check_same_thread=False)) as connection, connection:
        connection.row_factory = lambda cursor, row: dict(
            zip([column[0] for column in cursor.description], row, strict=True)
        )
        connection.executescript(SCHEMA)
        yield Database(connection)
