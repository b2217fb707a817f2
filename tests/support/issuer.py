"""An issuer of our own on 127.0.0.1: real RSA keys, a real HTTP server for its key set, and tokens of every
form.

The local Cognito cannot rotate its keys, be slow, fail or sign malformed tokens; this one can.
"""

import json
import socket
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.ports import holder
from tests.support.waiting import LIMIT_S


class _Absent:
    """A value that says in a test's name what it is, the same in every run."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()  # a claim or header member that is left out


def base64url(raw: bytes) -> str:
    """``raw`` as RFC 7515 spells it: no padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes that ``text`` spells."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@cache
def private_key(number: int, bits: int = 2048) -> RSAPrivateKey:
    """The ``number``-th RSA key of this test run: made once, because making one takes a tenth of a second."""
    del number
    return generate_private_key(65537, bits)


def public_jwk(kid: Any, key: RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    """``key``'s public half as Cognito publishes it, with ``changes``."""
    numbers = key.public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    jwk = {
        "kid": kid,
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "n": base64url(modulus),
        "e": "AQAB",
    } | changes
    return {name: value for name, value in jwk.items() if value is not ABSENT}


@dataclass
class Answer:
    """What the issuer answers when asked for its keys. ``body`` ``None``: its key set as it is."""

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0  # seconds between the bytes of the body
    hang_up: bool = False  # close the connection without a word


class Issuer:
    """Signs tokens, and serves its key set while it is ``listening``. ``fetches`` counts how often it was
    asked.
    """

    region = "eu-west-1"
    pool_id = "eu-west-1_Sekisho00"
    client_id = "1sekisho2client3example4id"
    other_client_id = "5another6client7example8id"
    issuer = f"https://cognito-idp.{region}.amazonaws.com/{pool_id}"

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.kid = ""
        self.keys: dict[str, RSAPrivateKey] = {}
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
        return f"{self.endpoint}/{self.pool_id}/.well-known/jwks.json"

    def listen(self) -> Self:
        """Begins to answer, always at the same address: while it is down nobody else can answer there."""
        if self._holder is None:
            self._holder = holder()
            self._port = self._holder.getsockname()[1]
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

    def respond(self) -> bytes:
        """The answer's body, once the issuer is free to answer."""
        self.fetches += 1
        self._free_to_answer.wait(LIMIT_S)
        return self.key_set() if self.answer.body is None else self.answer.body

    def key_set(self) -> bytes:
        """The published keys as a JWK Set."""
        return json.dumps({"keys": self.published}).encode()

    def rotate(self, *, withdraw: bool = True) -> str:
        """Signs with a new key from now on; ``withdraw`` unpublishes the older ones. Returns the new
        ``kid``.
        """
        number = next(self._key_numbers)
        self.kid = f"key-{number}"
        self.keys[self.kid] = private_key(number)
        if withdraw:
            self.published = []
        self.published = [*self.published, public_jwk(self.kid, self.keys[self.kid])]
        return self.kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        """An ID token's claims as Cognito writes them, with ``changes`` (``ABSENT`` leaves one out; `_`
        reads `:`).
        """
        now = int(self.now())
        claims = {
            "sub": "7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90",
            "iss": self.issuer,
            "aud": self.client_id,
            "token_use": "id",
            "auth_time": now,
            "iat": now,
            "exp": now + 3600,
            "jti": "0b9d7f4e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
            "origin_jti": "c0ffee00-5f0f-4d0b-8f7f-9a64c8a3b1c2",
            "cognito:username": "alice",
            "email": "alice@example.com",
            "email_verified": True,
            "custom:role": "admin",
        } | changes
        return {name: value for name, value in claims.items() if value is not ABSENT}

    def token(self, header: Mapping[str, Any] | None = None, /, **changes: Any) -> str:
        """A token that the issuer really signed: right but for ``changes`` of its claims and of its
        ``header``.
        """
        return self.sign(json.dumps(self.claims(**changes)).encode(), header)

    def sign(self, payload: bytes, header: Mapping[str, Any] | bytes | None = None) -> str:
        """``payload`` signed with RS256 by the newest key, under a header that is right but for
        ``header``.
        """
        if not isinstance(header, bytes):
            members = {"kid": self.kid, "alg": "RS256"} | dict(header or {})
            header = json.dumps(
                {name: value for name, value in members.items() if value is not ABSENT}
            ).encode()
        return self.sign_segments(base64url(header), base64url(payload))

    def sign_segments(self, header: str, payload: str) -> str:
        """Any two segments, however spelt, with a signature that is right for exactly them."""
        signing_input = f"{header}.{payload}".encode()
        signature = self.keys[self.kid].sign(signing_input, PKCS1v15(), SHA256())
        return f"{header}.{payload}.{base64url(signature)}"


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, answer = issuer.respond(), issuer.answer
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
