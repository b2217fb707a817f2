"""An OpenID provider with a sign-in page of its own: an authorization code for a click, a token for the code and its proof."""

import json
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.issuer import Issuer, base64url
from tests.support.issuer_forms import PLAIN

_PAGE = """<!doctype html><title>Sign in</title><h1>The issuer's own page</h1>
<p><a href="{yes}">Continue as sam</a> <a href="{no}">Cancel</a></p>"""


class HostedLogin(Issuer):
    """``asked`` are the queries that came to its page, ``redeemed`` the forms that came for a token.

    A code is good once, for the redirect and the client it was given for, with the verifier of its challenge (RFC 7636,
    section 4.6). ``changes`` are to what the ID token says.
    """

    def __init__(self) -> None:
        super().__init__(form=PLAIN)
        self.asked: list[dict[str, str]] = []
        self.redeemed: list[dict[str, str]] = []
        self.changes: dict[str, Any] = {}
        self._codes: dict[str, dict[str, str]] = {}

    def listen(self) -> Self:
        super().listen()
        assert self._server is not None
        self._server.RequestHandlerClass = _answering(self)
        return self

    def page(self, query: dict[str, str]) -> str:
        """The sign-in page, whose links lead back to whoever asked."""
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self._codes[code] = query
        back = query["redirect_uri"]
        yes = urlencode({"code": code, "state": query["state"]})
        no = urlencode({"error": "access_denied", "state": query["state"]})
        return _PAGE.format(yes=f"{back}?{yes}", no=f"{back}?{no}")

    def redeem(self, form: dict[str, str]) -> tuple[int, dict[str, str]]:
        """The status and the answer to a request for a token."""
        self.redeemed.append(form)
        query = self._codes.pop(form.get("code", ""), None)
        proof = base64url(sha256(form.get("code_verifier", "").encode()).digest())
        if (
            query is None
            or form.get("grant_type") != "authorization_code"
            or query["code_challenge_method"] != "S256"
            or query["code_challenge"] != proof
            or any(query[name] != form.get(name) for name in ("redirect_uri", "client_id"))
        ):
            return 400, {"error": "invalid_grant"}
        claims = {"nonce": query["nonce"], self.form.role_claim: ["security"], **self.changes}
        return 200, {"id_token": self.token(**claims), "access_token": "not this one", "token_type": "Bearer"}


def _answering(issuer: HostedLogin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._send(200, issuer.page(query).encode(), "text/html")
            else:
                body, answer = issuer.respond(self.path)
                self._send(answer.status, body, "application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, answer = issuer.redeem(form)
            self._send(status, json.dumps(answer).encode(), "application/json")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            headers = {
                "Content-Length": str(len(body)),
                "Content-Type": kind,
                "Access-Control-Allow-Origin": "*",
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
