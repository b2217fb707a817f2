"""A start that fails, and how the server is told."""

import sys

from starlette.types import Message, Send


class StartError(Exception):
    """The service must not start as things are; the text is for the person who starts it."""

    code = "start_refused"


def readably(send: Send) -> Send:
    """``send`` for the lifespan: the server is told why a start failed in words, not in a traceback."""

    async def send_readably(message: Message) -> None:
        reason = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(reason, StartError):
            message = {**message, "message": str(reason)}
        await send(message)

    return send_readably
