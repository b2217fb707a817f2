"""``make token AS=bob``: signs in to the running local Cognito and prints the ID token, and nothing else; of the program
``pep`` its access token.
"""

import os
import sys

from botocore.exceptions import BotoCoreError, ClientError
from httpx2 import HTTPError

from app.config import SettingsError, load_settings
from app.dev import cognito
from app.settings.defaults import LOCAL_POOL_ID


def main(arguments: list[str]) -> int:
    """Prints a token; 2 when it could not."""
    who = f"make token AS={'|'.join((*cognito.USERS, cognito.MACHINE))}"
    if len(arguments) != 1:
        return _complain(f"name one user: {who}")
    name = arguments[0]
    try:
        settings = load_settings(environ={"ENVIRONMENT": "development", **os.environ})
        if settings.cognito_user_pool_id != LOCAL_POOL_ID:
            return _complain(
                "`make token` signs in to the local Cognito alone, and the settings name another issuer"
            )
        endpoint = settings.cognito_endpoint_url
        if name == cognito.MACHINE:
            machine = cognito.machine_of(endpoint, settings.cognito_user_pool_id)
            token = cognito.machine_token(endpoint, machine)
        else:
            token = cognito.sign_in(endpoint, settings.cognito_app_client_id[0], name).id_token
    except SettingsError as error:
        return _complain(str(error))
    except ClientError as error:
        return _complain(f"Cognito refuses `{name}`: {error.response['Error']['Message']} {who}")
    except (BotoCoreError, HTTPError):
        return _complain(
            f"no local Cognito answers at {settings.cognito_endpoint_url}: is `make run` running?"
        )
    print(token)
    return 0


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
