"""A token issuer of the benchmark's own: an RSA key, its key set on 127.0.0.1, and as many signed tokens as wanted."""

import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

REGION, POOL, CLIENT = "eu-west-1", "eu-west-1_Benchmark", "benchmarkclient"
ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
KEY_ID = "benchmark"
LIFETIME = 30 * 86_400


class Issuer:
    """Signs tokens as Cognito's are; serves the key set while it is used as a context manager."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        self._key = _key(cache / "key.pem")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._key_set()))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """What stands before ``/{pool}/.well-known/jwks.json``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def token(self, role: str) -> str:
        """One token: a new person with this role."""
        now = int(time.time())
        person = str(uuid.uuid4())
        claims = {
            "sub": person,
            "aud": CLIENT,
            "iss": ISSUER,
            "token_use": "id",
            "iat": now - 5,
            "auth_time": now - 5,
            "exp": now + LIFETIME,
            "jti": str(uuid.uuid4()),
            "origin_jti": str(uuid.uuid4()),
            "event_id": str(uuid.uuid4()),
            "cognito:username": person,
            "email": "someone@example.com",
            "email_verified": True,
            "custom:role": role,
        }
        signed = f"{_encoded({'kid': KEY_ID, 'alg': 'RS256'})}.{_encoded(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def tokens(self, role: str, count: int) -> Path:
        """A file with that many different tokens, one a line. Signing takes its time, so the file is kept."""
        path = self._cache / f"tokens-{role}-{count}.txt"
        if path.is_file() and path.stat().st_mtime > max(time.time() - LIFETIME / 2, self._signed_since()):
            return path
        draft = path.with_suffix(".draft")
        with draft.open("w", encoding="ascii") as out:
            for _ in range(count):
                out.write(self.token(role) + "\n")
        return draft.replace(path)

    def _signed_since(self) -> float:
        return (self._cache / "key.pem").stat().st_mtime

    def _key_set(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        key = {"kty": "RSA", "kid": KEY_ID, "alg": "RS256", "use": "sig", "e": "AQAB", "n": _base64(modulus)}
        return {"keys": [key]}


def _key(path: Path) -> rsa.RSAPrivateKey:
    if path.is_file():
        known = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(known, rsa.RSAPrivateKey):
            return known
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(pem)
    return key


def _handler(key_set: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    body = json.dumps(key_set).encode()

    class KeySet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == f"/{POOL}/.well-known/jwks.json"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body if found else b"{}")

        def log_message(self, *_: Any) -> None:
            """Says nothing: standard error belongs to the benchmark."""

    return KeySet


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
