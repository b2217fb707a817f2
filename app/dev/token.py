"""``make token AS=bob``: signs in to the running local Cognito and prints the ID token, and nothing else."""

import os
import sys

from botocore.exceptions import BotoCoreError, ClientError

from app.config import SettingsError, load_settings
from app.dev import cognito
from app.setting_fields import LOCAL_POOL_ID


def main(arguments: list[str]) -> int:
    """Prints an ID token; 2 when it could not."""
    if len(arguments) != 1:
        return _complain(f"name one user: make token AS={'|'.join(cognito.USERS)}")
    name = arguments[0]
    try:
        settings = load_settings(environ={"ENVIRONMENT": "development", **os.environ})
        if settings.cognito_user_pool_id != LOCAL_POOL_ID:
            return _complain(
                "`make token` signs in to the local Cognito alone, and the settings name another issuer"
            )
        tokens = cognito.sign_in(settings.cognito_endpoint_url, settings.cognito_app_client_id[0], name)
    except SettingsError as error:
        return _complain(str(error))
    except ClientError as error:
        return _complain(f"Cognito refuses `{name}`: {error.response['Error']['Message']}")
    except BotoCoreError:
        return _complain(
            f"no local Cognito answers at {settings.cognito_endpoint_url}: is `make run` running?"
        )
    print(tokens.id_token)
    return 0


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
