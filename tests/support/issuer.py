"""An issuer of our own on 127.0.0.1: real RSA keys, a real HTTP server for its key set, and tokens of every
form.

The local Cognito cannot rotate its keys, be slow, fail or sign malformed tokens; this one can.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self

from tests.support.issuer_forms import COGNITO, Form
from tests.support.ports import holder
from tests.support.signing import SCHEMES, private_key, public_jwk
from tests.support.spelling import ABSENT, base64url, from_base64url, without_absent
from tests.support.waiting import LIMIT_S

__all__ = ["ABSENT", "Answer", "Issuer", "base64url", "from_base64url", "private_key", "public_jwk"]


@dataclass
class Answer:
    """What the issuer answers when asked. ``body`` ``None``: what is there as it is."""

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0  # seconds between the bytes of the body
    hang_up: bool = False  # close the connection without a word


class Issuer:
    """Signs tokens, and serves its key set while it is ``listening``. ``fetches`` counts how often it was asked for that,
    ``discoveries`` for its metadata, which only an issuer whose own address is in its tokens has.
    """

    region = "eu-west-1"
    pool_id = "eu-west-1_Sekisho00"
    client_id = "1sekisho2client3example4id"
    other_client_id = "5another6client7example8id"
    issuer = COGNITO.fixed_issuer

    def __init__(
        self, now: Callable[[], float] = time.time, form: Form = COGNITO, algorithm: str = "RS256"
    ) -> None:
        self.now = now
        self.form = form
        self.scheme = SCHEMES[algorithm]
        self.client_id = form.client_id
        self.metadata_answer = Answer()
        self.discoveries = 0
        self.kid = ""
        self.keys: dict[str, Any] = {}
        self.published: list[dict[str, Any]] = []
        self.answer = Answer()
        self.fetches = 0
        self._key_numbers = count()
        self._free_to_answer = threading.Event()
        self._free_to_answer.set()
        self._server: ThreadingHTTPServer | None = None
        self._holder: socket.socket | None = None
        self._port = 0
        self.rotate()

    @property
    def endpoint(self) -> str:
        """What `COGNITO_ENDPOINT_URL` would be."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def jwks_url(self) -> str:
        """Where the keys are."""
        if self.form.provider == COGNITO.provider:
            return f"{self.endpoint}/{self.pool_id}/.well-known/jwks.json"
        return f"{self.endpoint}{self.form.keys_path}"

    def listen(self) -> Self:
        """Begins to answer, always at the same address: while it is down nobody else can answer there."""
        if self._holder is None:
            self._holder = holder()
            self._port = self._holder.getsockname()[1]
            self.issuer = self.form.fixed_issuer or f"{self.endpoint}{self.form.path}"
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def hang_up(self) -> None:
        """Goes down: connections are refused until ``listen``."""
        self._free_to_answer.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.listen()

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile whoever asks gets no answer yet."""
        self._free_to_answer.clear()
        try:
            yield
        finally:
            self._free_to_answer.set()

    def respond(self, path: str) -> tuple[bytes, Answer]:
        """The answer and its body, once the issuer is free to answer."""
        described = (
            path == f"{self.form.path}/.well-known/openid-configuration"
            and self.form.provider != COGNITO.provider
        )
        if described:
            self.discoveries += 1
        else:
            self.fetches += 1
        self._free_to_answer.wait(LIMIT_S)
        answer, usual = (self.metadata_answer, self.metadata) if described else (self.answer, self.key_set)
        return usual() if answer.body is None else answer.body, answer

    def metadata(self, **changes: Any) -> bytes:
        """Its discovery document, with ``changes``."""
        described = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": self.jwks_url,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.scheme.name],
        } | changes
        return json.dumps(without_absent(described)).encode()

    def key_set(self) -> bytes:
        """The published keys as a JWK Set."""
        return json.dumps({"keys": self.published}).encode()

    def rotate(self, *, withdraw: bool = True) -> str:
        """Signs with a new key from now on; ``withdraw`` unpublishes the older ones. Returns the new
        ``kid``.
        """
        number = next(self._key_numbers)
        kid = f"key-{number}"
        self.keys[kid] = self.scheme.key(number)
        kept = [] if withdraw else self.published
        silent = self.scheme.name == "PS256"  # a key of RSA that names no algorithm is for RS256
        changes = {name: value for name, value in self.form.jwk.items() if name != "alg" or not silent}
        self.published = [*kept, self.scheme.jwk(kid, self.keys[kid], **changes)]
        # Last: somebody else may be signing.
        self.kid = kid
        return self.kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        """An ID token's claims as its kind writes them, with ``changes`` (``ABSENT`` leaves one out; `_`
        reads `:`).
        """
        now = int(self.now())
        dates = {"auth_time": now, "iat": now, "exp": now + 3600}
        return without_absent({"iss": self.issuer, **dates, **self.form.claims, **changes})

    def token(self, header: Mapping[str, Any] | None = None, /, **changes: Any) -> str:
        """A token that the issuer really signed: right but for ``changes`` of its claims and of its
        ``header``.
        """
        return self.sign(json.dumps(self.claims(**changes)).encode(), header)

    def sign(self, payload: bytes, header: Mapping[str, Any] | bytes | None = None) -> str:
        """``payload`` signed by the newest key, under a header that is right but for
        ``header``.
        """
        if not isinstance(header, bytes):
            members = {"kid": self.kid, "alg": self.scheme.name, **self.form.header, **(header or {})}
            header = json.dumps(without_absent(members)).encode()
        return self.sign_segments(base64url(header), base64url(payload))

    def sign_segments(self, header: str, payload: str) -> str:
        """Any two segments, however spelt, with a signature that is right for exactly them."""
        signature = self.scheme.sign(self.keys[self.kid], f"{header}.{payload}".encode())
        return f"{header}.{payload}.{base64url(signature)}"


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, answer = issuer.respond(self.path)
            if answer.hang_up:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(body))} | dict(answer.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            step = 1 if answer.drip else max(1, len(body))
            try:
                for start in range(0, len(body), step):
                    self.wfile.write(body[start : start + step])
                    time.sleep(answer.drip)
            except OSError:  # the caller had enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
