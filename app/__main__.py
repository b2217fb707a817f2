"""``python -m app``: reads the settings, gates the policy, and only then starts uvicorn."""

import sys

import uvicorn

from app.config import SettingsError, load_settings
from app.logging_config import configure_logging
from app.main import app
from app.metrics import shared_by
from app.start import loaded_decision_point, loaded_policy
from app.start_error import StartError


def main() -> int:
    """Serves until a signal ends it. 2, after one message, when a setting or the policy is refused."""
    try:
        settings = load_settings()
        loaded_decision_point(settings, loaded_policy(settings, app))
    except (SettingsError, StartError) as error:
        print(error, file=sys.stderr)
        return 2
    configure_logging(settings)
    with shared_by(settings.workers):
        uvicorn.run(
            "app.main:app",
            host=settings.listen_address,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            access_log=False,
            proxy_headers=True,
            forwarded_allow_ips=list(settings.forwarded_allow_ips),
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
