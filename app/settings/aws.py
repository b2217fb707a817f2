"""Settings from AWS: one secret of Secrets Manager, and the parameters below a path of Parameter Store.

pydantic-settings reads both. Region, credentials and endpoint are found as boto3 finds them: ``AWS_REGION``, the
task's role, ``AWS_ENDPOINT_URL``.
"""

from collections.abc import Mapping
from typing import TypedDict

from pydantic_settings import BaseSettings


class AwsSettings(TypedDict, total=False):
    """The settings that say where to look. They are read from the process environment and the env files."""

    SETTINGS_AWS_SECRET: str
    SETTINGS_AWS_PARAMETERS: str


def read_aws(setting: str, wanted: str) -> Mapping[str, str]:
    """The names and values in the secret, or below the path, that ``setting`` names as ``wanted``.

    Raises ``ValueError``, whose message repeats no value, when it cannot be read.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise ValueError("needs boto3, which is not installed") from None
    try:
        found = _SOURCES[setting](wanted)
    except ClientError as error:
        raise ValueError(f"cannot be read: AWS answers {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise ValueError(f"cannot be read: {type(error).__name__}: {error}") from None
    if any(not isinstance(text, str) for text in found.values()):
        raise ValueError('must hold texts alone: `{"PORT": "8000"}`')
    return {name: text for name, text in found.items() if text is not None}


def _secret(wanted: str) -> Mapping[str, str | None]:
    from pydantic_settings import AWSSecretsManagerSettingsSource

    try:
        return AWSSecretsManagerSettingsSource(BaseSettings, wanted).env_vars
    except (ValueError, AttributeError, KeyError):  # no JSON, no object, no text: the message would repeat it
        raise ValueError("must be a secret that holds a JSON object of settings") from None


def _parameters(wanted: str) -> Mapping[str, str | None]:
    from pydantic_settings import AWSSystemsManagerSettingsSource

    if not wanted.startswith("/"):
        raise ValueError("must be a path, which begins with `/`")
    return AWSSystemsManagerSettingsSource(BaseSettings, wanted).env_vars


_SOURCES = {"SETTINGS_AWS_SECRET": _secret, "SETTINGS_AWS_PARAMETERS": _parameters}
