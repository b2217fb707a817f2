"""A person in an Amazon Cognito user pool, found by name or e-mail address. Reads, and changes nothing."""

from typing import Annotated, ClassVar

import typer

from rbac.cli.options import subjects_of
from rbac.doctor.aws import cognito_client
from rbac.document.names import Subjects
from rbac.errors import RbacError
from rbac.text.wording import quoted

FindOption = Annotated[
    str | None,
    typer.Option(
        "--find",
        metavar="NAME|E-MAIL",
        help="The person of that user name or e-mail address in the Cognito user pool (needs boto3).",
        show_default=False,
    ),
]
POOL = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="ID",
        envvar="COGNITO_USER_POOL_ID",
        help="The user pool that --find looks in.",
        show_default=False,
    ),
]
ENDPOINT = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        envvar="COGNITO_ENDPOINT_URL",
        help="Where the pool is, if it is not at AWS.",
        show_default=False,
    ),
]


class PersonNotFoundError(RbacError):
    """Nobody, or several, where one person was meant: nothing is done."""

    code: ClassVar[str] = "person_not_found"


def check_sub(sub: str, subjects: str | None) -> None:
    """Bad usage, where no token can name ``sub``: found out now, and not by who came in all the same."""
    if not Subjects.of(subjects_of(subjects)).is_sub(sub):
        raise typer.BadParameter(
            f"`{sub}` is not what a `sub` looks like here; find the person with --find, or say --subjects"
        )


def person_of(wanted: str, pool: str | None, endpoint: str | None) -> str:
    """The ``sub`` of the one person whose user name or e-mail address is ``wanted``.

    Raises :class:`PersonNotFoundError` for nobody, for several, and where the pool cannot be asked.
    """
    if not pool:
        raise PersonNotFoundError("--find needs the user pool: --pool, or COGNITO_USER_POOL_ID")
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise PersonNotFoundError("--find needs boto3: pip install boto3") from None
    attribute = "email" if "@" in wanted else "username"
    escaped = wanted.replace("\\", "\\\\").replace('"', '\\"')
    try:
        client = cognito_client(pool, endpoint)
        answer = client.list_users(UserPoolId=pool, Filter=f'{attribute} = "{escaped}"', Limit=10)
    except (BotoCoreError, ClientError, ValueError) as error:
        raise PersonNotFoundError(f"the user pool `{pool}` cannot be asked: {error}") from error
    found: dict[str, str] = {
        each["Value"]: user["Username"]
        for user in answer["Users"]
        for each in user["Attributes"]
        if each["Name"] == "sub"
    }
    if not found:
        raise PersonNotFoundError(f"nobody in the pool has the {attribute} `{wanted}`")
    if len(found) > 1:
        raise PersonNotFoundError(f"several in the pool have the {attribute} `{wanted}`: {quoted(found)}")
    return next(iter(found))
