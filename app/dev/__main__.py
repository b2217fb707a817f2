"""``make run``: a local Cognito with four users, and the service beside it, until Ctrl-C ends both."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

from app.config import Settings, SettingsError, load_settings
from app.dev import cognito

_LOOK_SECONDS = 0.05


def main() -> int:
    """Runs until the service ends or a signal ends it; the service's exit code, 2 when it could not start."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return _complain(str(error))
    if not settings.is_development:
        return _complain("`make run` is for development: ENVIRONMENT must be development")
    for port, setting in ((settings.port, "PORT"), (settings.dev_cognito_port, "DEV_COGNITO_PORT")):
        if _taken(port):
            return _complain(f"port {port} is taken: end what uses it, or choose another with {setting}=...")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # the local Cognito's own access lines
    with cognito.served(settings.dev_cognito_port) as endpoint_url:
        pool = cognito.seed(endpoint_url)
        environment = {
            "COGNITO_ENDPOINT_URL": endpoint_url,
            "COGNITO_USER_POOL_ID": pool.pool_id,
            "COGNITO_APP_CLIENT_ID": pool.client_id,
        }
        return _serve(settings, environment)


def _serve(settings: Settings, environment: dict[str, str]) -> int:
    """Runs the service to its end; says where it listens once it does."""
    service = subprocess.Popen([sys.executable, "-m", "app"], env=os.environ | environment)

    def stop(_number: int, _frame: FrameType | None) -> None:
        service.terminate()  # Ctrl-C reaches the service by itself too: stopping twice is stopping once

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    while service.poll() is None and not _taken(settings.port):
        time.sleep(_LOOK_SECONDS)
    if service.poll() is None:
        print(_welcome(settings), flush=True)
    code = service.wait()
    return 0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else code


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _welcome(settings: Settings) -> str:
    base = f"http://127.0.0.1:{settings.port}"
    token = "make -s token"
    if settings.dev_cognito_port != Settings.model_fields["dev_cognito_port"].default:
        token += f" DEV_COGNITO_PORT={settings.dev_cognito_port}"
    calls = [("nobody", f"curl {base}/public")]
    for name, role in cognito.USERS.items():
        path = "/admin" if role == "admin" else "/user"
        command = f'curl -H "Authorization: Bearer $({token} AS={name})" {base}{path}'
        calls.append((f"{name}, {role or 'no role'}", command))
    width = max(len(command) for _, command in calls)
    lines = [f"  {command:{width}}  # {caller}" for caller, command in calls]
    return "\n".join(
        [
            "",
            f"Sekisho listens on {base}. Paste a line; edit policy.csv, save, paste it again:",
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
