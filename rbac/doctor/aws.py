"""What Amazon Cognito's API says of a user pool. boto3 is imported when it is asked, and asked read-only."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar, Final, TypeVar

from rbac.doctor.finding import CannotSee
from rbac.doctor.issuer_setup import IssuerSetup
from rbac.document.names import CLIENT, SCOPE
from rbac.errors import RbacError

# What an examination calls, as IAM names it. docs/doctor.md has the policy that allows these and no more.
ACTIONS: Final = (
    "cognito-idp:DescribeUserPool",
    "cognito-idp:DescribeUserPoolClient",
    "cognito-idp:DescribeUserPoolDomain",
    "cognito-idp:ListGroups",
    "cognito-idp:ListResourceServers",
    "cognito-idp:ListUserPoolClients",
    "cognito-idp:ListUsers",
)
_DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorizedException"})
_STRANGERS: Final = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_MOST_CLIENTS = 60
_EVERY_POOLS_SCOPES: Final = ("openid", "email", "phone", "profile", "aws.cognito.signin.user.admin")

Description = dict[str, Any]
Answer = TypeVar("Answer")


class Boto3MissingError(RbacError):
    """What asks AWS is not installed."""

    code: ClassVar[str] = "boto3_missing"


class NotThere(CannotSee):
    """The pool, or what was asked about in it, does not exist."""

    code: ClassVar[str] = "not_there"


class Unreached(CannotSee):
    """Nothing answers where AWS should be."""

    code: ClassVar[str] = "unreached"


def cognito_client(pool: str, endpoint: str | None, **limits: Any) -> Any:
    """The boto3 client for the user pool ``pool``, at AWS or at ``endpoint``.

    Raises :class:`Boto3MissingError`, what botocore raises, and ``ValueError`` for an endpoint that is none.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise Boto3MissingError("boto3 is not installed: pip install boto3") from None
    # A session of its own: the one that boto3 shares keeps the credentials that were there when it was first used.
    session: Any = boto3.session.Session  # boto3 has no annotations
    configure: Any = Config  # nor has botocore
    config = configure(**limits) if limits else None
    return session().client(
        "cognito-idp", region_name=pool.partition("_")[0], endpoint_url=endpoint or None, config=config
    )


class PoolReader:
    """Reads one user pool, each thing once. Raises :class:`CannotSee` for what is not to be seen, and of that
    :class:`NotThere` for what does not exist."""

    def __init__(self, setup: IssuerSetup, client: Any = None) -> None:
        self.setup = setup
        self._client = client
        self._described: dict[str, Description] = {}

    @cached_property
    def client(self) -> Any:
        """What asks."""
        if self._client is not None:
            return self._client
        limits = {"connect_timeout": 5, "read_timeout": 10, "retries": {"total_max_attempts": 2}}
        setup = self.setup
        return _answered("", lambda: cognito_client(setup.pool, setup.endpoint, **limits))

    @cached_property
    def pool(self) -> Description:
        """The pool's description."""
        described: Description = self._ask("DescribeUserPool")["UserPool"]
        return described

    @cached_property
    def clients(self) -> tuple[Description, ...]:
        """The description of every app client that the pool has. A program's secret does not leave this."""
        listed = self._pages("ListUserPoolClients", "UserPoolClients", MaxResults=_MOST_CLIENTS)
        return tuple(self.described(client_id) for client_id in [each["ClientId"] for each in listed])

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of the pool's groups."""
        return frozenset(each["GroupName"] for each in self._pages("ListGroups", "Groups", Limit=60))

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The scopes of the pool's resource servers, as tokens have them."""
        servers = self._pages("ListResourceServers", "ResourceServers", MaxResults=50)
        return frozenset(
            f"{server['Identifier']}/{scope['ScopeName']}"
            for server in servers
            for scope in server.get("Scopes", ())
        )

    @property
    def clients_named(self) -> frozenset[str]:
        """The app clients as a policy names them."""
        return frozenset(f"{CLIENT}{client['ClientId']}" for client in self.clients)

    @property
    def scopes_named(self) -> frozenset[str]:
        """The scopes as a policy names them: those of resource servers, and those that every pool has."""
        return frozenset(f"{SCOPE}{name}" for name in (*self.scopes, *_EVERY_POOLS_SCOPES))

    def described(self, client_id: str) -> Description:
        """The description of one app client."""
        if client_id not in self._described:
            answer = self._ask("DescribeUserPoolClient", ClientId=client_id)["UserPoolClient"]
            self._described[client_id] = {**answer, "ClientSecret": bool(answer.get("ClientSecret"))}
        return self._described[client_id]

    def domain(self, name: str) -> Description:
        """The description of a domain of the region's, empty where there is none."""
        described: Description = self._call("DescribeUserPoolDomain", Domain=name)["DomainDescription"]
        return described

    def users(self, attributes: list[str]) -> Iterator[dict[str, str]]:
        """The pool's users with these attributes."""
        for user in self._pages("ListUsers", "Users", Limit=60, AttributesToGet=attributes):
            yield {each["Name"]: each["Value"] for each in user["Attributes"]}

    def _pages(self, operation: str, member: str, **wanted: Any) -> Iterator[Description]:
        token = "PaginationToken" if operation == "ListUsers" else "NextToken"
        while True:
            page = self._ask(operation, **wanted)
            yield from page.get(member, ())
            if not page.get(token):
                return
            wanted[token] = page[token]

    def _ask(self, operation: str, **wanted: Any) -> Description:
        return self._call(operation, UserPoolId=self.setup.pool, **wanted)

    def _call(self, operation: str, **wanted: Any) -> Description:
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)
        call: Callable[..., Description] = getattr(self.client, name.removeprefix("_"))
        return _answered(f"cognito-idp:{operation}", lambda: call(**wanted))


def _answered(action: str, ask: Callable[[], Answer]) -> Answer:
    """What ``ask`` answers; what boto3 raises as :class:`CannotSee`."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise CannotSee("boto3 is not installed", "pip install boto3") from None
    try:
        return ask()
    except ClientError as error:
        raise _refused(action, str(error.response.get("Error", {}).get("Code", "")), error) from None
    except BotoCoreError as error:
        raise _unreached(type(error).__name__, str(error)) from None
    except ValueError as error:  # an endpoint that is no address
        raise CannotSee(str(error)) from None


def _refused(action: str, code: str, error: Exception) -> CannotSee:
    if code == "ResourceNotFoundException":
        return NotThere("AWS knows nothing of that name")
    if code in _DENIED:
        return CannotSee(
            f"AWS refuses {action} ({code})", f"allow {action}: docs/doctor.md has the IAM policy"
        )
    if code in _STRANGERS:
        return CannotSee(f"AWS does not accept the credentials ({code})", "aws sts get-caller-identity")
    return CannotSee(f"AWS answers {code or 'without a code'} to {action}: {error}")


def _unreached(kind: str, said: str) -> CannotSee:
    if kind in {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}:
        return CannotSee("there are no AWS credentials", "aws configure, or AWS_PROFILE=NAME")
    if kind in {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ReadTimeoutError",
    }:
        return Unreached("AWS cannot be reached from here", "check the network, HTTPS_PROXY and the region")
    return CannotSee(f"{kind}: {said}")


def regions() -> frozenset[str]:
    """Every region of AWS that the boto3 that is installed knows."""
    import boto3

    create: Any = boto3.session.Session
    session = create()
    partitions: list[str] = session.get_available_partitions()
    return frozenset(
        region
        for partition in partitions
        for service in ("ec2", "cognito-idp")
        for region in session.get_available_regions(service, partition_name=partition)
    )
