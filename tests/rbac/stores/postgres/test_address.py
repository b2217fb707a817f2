"""A password in a connection string is written nowhere, however wrong the string or the server is."""

import socket
import traceback

import pytest

from rbac.stores.postgres.address import Address, AddressError
from rbac.stores.postgres.session import Session, UnreachableError
from tests.support.postgres import PASSWORD, PASSWORD_IN_URL, SERVICE, Database

SECRET = "hunter2secret"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}@@h/db",
        f"postgresql://u:x@{SECRET}@h/db",
        f"postgresql://u:x/{SECRET}@h/db",
        f"postgresql://u:{SECRET}%zz@h/db",
        f"postgresql://u@h/db?password={SECRET}&nonsense=1",
        f"postgresql://u@h/db?sslmode=require&passwort={SECRET}",
        f"mysql://u:{SECRET}@h/db",
        f"host=h password={SECRET}",
        f"postgresql://u:{SECRET}\x00@h/db",
    ],
)
def test_a_string_that_cannot_be_one_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "shown", "secret"),
    [
        ("postgresql://u:p-w@h:5432/db?sslmode=require", "postgresql://u@h:5432/db", True),
        ("postgresql://u@h/db?password=p-w", "postgresql://u@h/db", True),
        ("postgres:///db?host=/run/postgresql", "postgresql:///run/postgresql/db", False),
        ("postgresql://u@h1:1,h2:2/db?target_session_attrs=read-write", "postgresql://u@h1,h2:1,2/db", False),
        ("postgresql://u@[::1]/db", "postgresql://u@::1/db", False),
        ("postgresql://u@h/db\n", "postgresql://u@h/db", False),
    ],
)
def test_an_address_says_where_it_leads_and_hides_the_rest(text: str, shown: str, secret: bool) -> None:
    address = Address.parse(text)
    assert str(address) == shown
    assert repr(address) == f"Address('{shown}')"
    assert address.holds_secret is secret


def test_no_failure_tells_the_password(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    nobody = Address.parse(f"postgresql://nobody:{PASSWORD_IN_URL}@127.0.0.1:{database.cluster.port}/x")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusing = database.address(SERVICE, port=closed.getsockname()[1])
        for address in (
            nobody,
            refusing,
            Address.parse(f"postgresql://u:{PASSWORD_IN_URL}@no.such.host.invalid/x"),
        ):
            session = Session(address)
            with pytest.raises(UnreachableError) as caught:
                session.execute("SELECT 1")
            told = "".join(traceback.format_exception(caught.value)) + caplog.text
            assert PASSWORD not in told
            assert PASSWORD_IN_URL not in told
