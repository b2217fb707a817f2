"""docs/clients/sign-in.js in Node, against a provider that checks what RFC 7636 and OpenID Connect have it check."""

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.http_server import http_server
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S

CLIENT = ROOT / "docs" / "clients" / "sign-in.js"
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node: apt-get install nodejs")

# Goes through a sign-in as a browser would; `change` is what somebody does to the answer on its way.
SCRIPT = """
import { begin, finish } from "CLIENT";
const store = new Map();
const kept = { getItem: (n) => store.get(n) ?? null, setItem: (n, v) => store.set(n, v), removeItem: (n) => store.delete(n) };
const provider = { issuer: "ISSUER", clientId: "shop", redirectUri: "https://app.example.com/signed-in" };
try {
  const there = new URL(await begin(provider, kept));
  const sent = await fetch(there, { redirect: "manual" });
  const back = new URL(sent.headers.get("location"));
  CHANGE
  console.log("token", await finish(provider, back, kept));
  console.log("kept", store.size);
} catch (error) { console.log("refused", error.message); }
"""


def unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), ""])


class Provider(BaseHTTPRequestHandler):
    """Discovery, authorization and token endpoint. ``says`` is whom the discovery document names."""

    asked: dict[str, str]
    says: str | None = None

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        own = f"http://{self.headers['Host']}"
        if self.path.startswith("/.well-known"):
            self._json(
                {
                    "issuer": self.says or own,
                    "authorization_endpoint": f"{own}/authorize",
                    "token_endpoint": f"{own}/token",
                }
            )
            return
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        type(self).asked = asked
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?code=c0de&state={asked['state']}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        sent = {
            name: values[0]
            for name, values in parse_qs(
                self.rfile.read(int(self.headers["Content-Length"])).decode()
            ).items()
        }
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        proved = base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.asked["code_challenge"]
        same = (
            sent["redirect_uri"] == self.asked["redirect_uri"]
            and sent["client_id"] == self.asked["client_id"]
        )
        if sent["code"] != "c0de" or not proved or not same:
            self.send_error(400)
            return
        self._json({"id_token": unsigned({"sub": "7f3c", "nonce": self.asked["nonce"], "name": "壱岐?>"})})

    def _json(self, answer: dict[str, str]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def issuer() -> Iterator[str]:
    with http_server(Provider) as address:
        yield address


def signed_in(issuer: str, change: str = "") -> str:
    """What the script says of a sign-in."""
    script = SCRIPT.replace("CLIENT", CLIENT.as_uri()).replace("ISSUER", issuer).replace("CHANGE", change)
    run = ["node", "--input-type=module", "-e", script]
    ended = subprocess.run(run, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return ended.stdout


def test_it_comes_back_with_the_token_and_keeps_nothing(issuer: str) -> None:
    said = signed_in(issuer)
    assert said.startswith("token ey")
    assert said.endswith("kept 0\n")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ('back.searchParams.set("state", "other");', "nobody here asked for this sign-in"),
        ('kept.removeItem("sekisho-sign-in");', "nobody here asked for this sign-in"),
        ('back.searchParams.set("error", "access_denied");', "the provider says: access_denied"),
        ('back.searchParams.set("code", "stolen");', "the provider answers 400"),
        (
            'const k = JSON.parse(kept.getItem("sekisho-sign-in")); kept.setItem("sekisho-sign-in", JSON.stringify({ ...k, verifier: "x".repeat(43) }));',
            "the provider answers 400",
        ),
        (
            'const k = JSON.parse(kept.getItem("sekisho-sign-in")); kept.setItem("sekisho-sign-in", JSON.stringify({ ...k, nonce: "x" }));',
            "the token is of another sign-in",
        ),
    ],
)
def test_an_answer_to_another_question_is_refused(issuer: str, change: str, why: str) -> None:
    assert signed_in(issuer, change) == f"refused {why}\n"


def test_a_provider_that_calls_itself_otherwise_is_refused(
    issuer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Provider, "says", "https://id.example.com")
    assert signed_in(issuer) == f"refused {issuer} says that it is https://id.example.com\n"
