"""The service with the local Cognito, as `make run` starts them; and sign-ins at that Cognito."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.dev import cognito
from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.postgres import Database
from tests.support.press import Press
from tests.support.service import Service, running

SignIn = Callable[[str], cognito.Tokens]


class Demo:
    """What `make run` starts: the service, the local Cognito's URL, its pool, and the four users' tokens."""

    def __init__(self, service: Service, endpoint_url: str) -> None:
        self.service = service
        self.endpoint_url = endpoint_url
        self.client = cognito.client(endpoint_url)
        pool_id = self.client.list_user_pools(MaxResults=10)["UserPools"][0]["Id"]
        client_id = self.client.list_user_pool_clients(UserPoolId=pool_id)["UserPoolClients"][0]["ClientId"]
        self.pool = cognito.Pool(pool_id, client_id)
        self.tokens = {name: self.sign_in(name) for name in cognito.USERS}

    def sign_in(self, name: str, pool: cognito.Pool | None = None) -> cognito.Tokens:
        """All three tokens of a sign-in with a password."""
        return cognito.sign_in(self.endpoint_url, (pool or self.pool).client_id, name)

    def id_token(self, name: str | None) -> str | None:
        """A user's ID token, ``None`` for nobody."""
        return None if name is None else self.tokens[name].id_token

    def status(self, path: str, name: str | None) -> int:
        """What ``name`` gets for a GET of ``path``."""
        return self.service.get(path, self.id_token(name)).status_code


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer of our own, for tests that need no Cognito."""
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A fresh `make run`, without make: one for each test module, because modules edit its policy."""
    directory: Path = tmp_path_factory.mktemp("demo")
    port = free_port()
    with running(directory, {"DEV_COGNITO_PORT": str(port)}, ("-m", "app.dev")) as service:
        started = Demo(service, cognito.endpoint(port))
        assert service.eventually("/readyz", None, 200), service.log()
        yield started


@pytest.fixture
def press(database: Database) -> Press:
    """A document in a new database, and what publishes the next."""
    made = Press(database)
    made.publish()
    return made
