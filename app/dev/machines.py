"""What the local Cognito lacks: its token endpoint, for machines that sign in by ``client_credentials``.

A pool's real one is on its domain (``https://{domain}.auth.{region}.amazoncognito.com/oauth2/token``); here it is on the
port of the local Cognito itself. The tokens are those that AWS documents, signed with moto's published key.
"""

import json
import uuid
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from time import time
from typing import Any
from urllib.parse import parse_qs, unquote

from joserfc import jwt

PATH = "/oauth2/token"
LIFETIME_S = 3600
_LONGEST_BODY = 16_384

_StartResponse = Callable[[str, list[tuple[str, str]]], object]
_Application = Callable[[dict[str, Any], _StartResponse], Iterable[bytes]]


class TokenRequestError(Exception):
    """A request for a token that is refused: ``code`` as RFC 6749, section 5.2, names it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def install() -> None:
    """Gives moto's server the endpoint. Twice is once."""
    from moto.moto_server import threaded_moto_server

    moto: Any = threaded_moto_server
    if not issubclass(moto.DomainDispatcherApplication, _WithTokenEndpoint):
        moto.DomainDispatcherApplication = type(
            "Dispatcher", (_WithTokenEndpoint, moto.DomainDispatcherApplication), {}
        )


class _WithTokenEndpoint:
    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            application: _Application = super().__call__  # type: ignore[misc]  # moto's, which stands behind this
            return application(environ, start_response)
        status, answer = _answered(environ)
        body = json.dumps(answer).encode()
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]


def _answered(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    try:
        return "200 OK", _granted(environ)
    except TokenRequestError as error:
        return ("401 Unauthorized" if error.code == "invalid_client" else "400 Bad Request"), {
            "error": error.code
        }


def _granted(environ: dict[str, Any]) -> dict[str, Any]:
    if environ.get("REQUEST_METHOD") != "POST":
        raise TokenRequestError("invalid_request")
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _LONGEST_BODY)
    form = {
        name: values[-1] for name, values in parse_qs(environ["wsgi.input"].read(length).decode()).items()
    }
    pool, client = _authenticated(environ.get("HTTP_AUTHORIZATION", ""), form)
    if form.get("grant_type") != "client_credentials":
        raise TokenRequestError("unsupported_grant_type")
    config = client.extended_config
    if "client_credentials" not in config.get("AllowedOAuthFlows", ()):
        raise TokenRequestError("unauthorized_client")
    allowed = config.get("AllowedOAuthScopes", ())
    scopes = form.get("scope", "").split() or allowed
    if not set(scopes) <= set(allowed):
        raise TokenRequestError("invalid_scope")
    now = int(time())
    claims = {
        "sub": client.id,
        "token_use": "access",
        "scope": " ".join(scopes),
        "auth_time": now,
        "iss": f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.id}",
        "exp": now + LIFETIME_S,
        "iat": now,
        "version": 2,
        "jti": str(uuid.uuid4()),
        "client_id": client.id,
    }
    token = jwt.encode({"kid": "dummy", "alg": "RS256"}, claims, pool.json_web_key)
    return {"access_token": token, "expires_in": LIFETIME_S, "token_type": "Bearer"}


def _authenticated(header: str, form: dict[str, str]) -> tuple[Any, Any]:
    """The pool and the client of a request: by HTTP Basic, or by the form (RFC 6749, section 2.3.1)."""
    from moto.cognitoidp.models import cognitoidp_backends

    name, secret = form.get("client_id", ""), form.get("client_secret", "")
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = b64decode(encoded, validate=True).decode().partition(":")
        except (NotBase64, UnicodeDecodeError):
            raise TokenRequestError("invalid_client") from None
        name, secret = unquote(name), unquote(secret)
    backends: Any = cognitoidp_backends
    for regions in backends.values():
        for backend in regions.values():
            for pool in backend.user_pools.values():
                client = pool.clients.get(name)
                if client is not None and client.generate_secret and client.secret == secret:
                    return pool, client
    raise TokenRequestError("invalid_client")
