"""``make run``: a local Cognito with four users, and the service beside it, until Ctrl-C ends both."""

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

from app.config import Settings, SettingsError, load_settings
from app.dev import cognito
from app.dev.reloading import keep_serving
from app.settings.defaults import LOCAL_POOL_ID


def main() -> int:
    """Runs until the service ends or a signal ends it; the service's exit code, 2 when it could not start."""
    try:
        settings = load_settings(environ={"ENVIRONMENT": "development", **os.environ})
    except SettingsError as error:
        return _complain(str(error))
    if not settings.is_development:
        return _complain("`make run` is for development: ENVIRONMENT must be development")
    own_pool = settings.identity_provider != "cognito" or settings.cognito_user_pool_id != LOCAL_POOL_ID
    wanted = [(settings.port, "PORT")]
    if not own_pool:
        wanted.append((settings.dev_cognito_port, "DEV_COGNITO_PORT"))
    taken = [(port, setting) for port, setting in wanted if _taken(port)]
    if taken:
        ports = "\n".join(f"port {port} is taken: {setting}=... chooses another" for port, setting in taken)
        return _complain(f"{ports}\nor end what uses {'it' if len(taken) == 1 else 'them'}")
    if own_pool:
        return _serve(settings, {}, _greeting_with_own_issuer(settings))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the local Cognito's own access lines
    with cognito.served(settings.dev_cognito_port) as endpoint_url:
        pool = cognito.seed(endpoint_url)
        machine = cognito.machine_of(endpoint_url, pool.pool_id)
        environment = {
            "COGNITO_ENDPOINT_URL": endpoint_url,
            "COGNITO_USER_POOL_ID": pool.pool_id,
            "COGNITO_APP_CLIENT_ID": f"{pool.client_id},{machine.client_id}",
        }
        return _serve(settings, environment, _greeting(settings))


def _serve(settings: Settings, environment: dict[str, str], greeting: str) -> int:
    """Runs the service to its end, anew whenever its code is saved; says where it listens once it does."""
    environment = {"ENVIRONMENT": "development", **environment}

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, "-m", "app"], env=os.environ | environment)

    return keep_serving(start, (Path("app"), Path("rbac")), lambda: _taken(settings.port), greeting)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _greeting_with_own_issuer(settings: Settings) -> str:
    base = f"http://127.0.0.1:{settings.port}"
    return (
        f"\nSekisho listens on {base} and believes tokens of {settings.issuer}.\n"
        "Sign in there: `make token` knows the local Cognito's users alone.\n"
    )


def _greeting(settings: Settings) -> str:
    base = f"http://127.0.0.1:{settings.port}"
    token = "make -s token"
    if settings.dev_cognito_port != Settings.model_fields["dev_cognito_port"].default:
        token += f" DEV_COGNITO_PORT={settings.dev_cognito_port}"
    calls = [("nobody", f"curl {base}/public")]
    for name, role in cognito.USERS.items():
        path = "/admin" if role == "admin" else "/user"
        command = f'curl -H "Authorization: Bearer $({token} AS={name})" {base}{path}'
        calls.append((f"{name}, {role or 'no role'}", command))
    command = f'curl -H "Authorization: Bearer $({token} AS={cognito.MACHINE})" {base}/metrics'
    calls.append((f"{cognito.MACHINE}, a program", command))
    edit = "policy.csv or the code, save" if settings.reads_files else "the code, or publish a policy"
    lines = [line for caller, command in calls for line in (f"{caller}:", f"  {command}")]
    return "\n".join(
        [
            "",
            f"Sekisho listens on {base}. Ctrl-C ends it.",
            f"Paste a line; edit {edit}, paste it again:",
            "",
            *lines,
            "",
        ]
    )


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
