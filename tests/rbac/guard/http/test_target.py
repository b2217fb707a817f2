"""A request target from a proxy is read in every way that a server may read it, and refused where that has no end."""

import random
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from rbac.guard.http.target import (
    AmbiguousTargetError,
    method_asked,
    mounted_at,
    path_asked,
    readings_of,
    route_path,
)
from tests.support.spellings import DENIED_PREFIX, spelling


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/admin?next=//evil", "/admin"),
        ("/admin?a=%2f;b=..#", None),
        ("/admin?a=%2f;b=..", "/admin"),
        ("/a/b/", "/a/b/"),
        ("/%61dmin", "/admin"),
        ("/%E9%96%A2%E6%89%80", "/関所"),
        ("/a%20b", "/a b"),
        ("/100%25", "/100%"),
        ("/100%25%20off", "/100% off"),
        ("/a..b/...", "/a..b/..."),
        ("/a,b=c:d@e!f$g&h'(i)*+~", "/a,b=c:d@e!f$g&h'(i)*+~"),
        ("/caf%C3%A9", "/café"),
        ("/?%zz", "/"),
    ],
)
def test_a_plain_target_has_one_reading_its_decoded_path(target: str, path: str | None) -> None:
    if path is None:
        with pytest.raises(AmbiguousTargetError):
            readings_of(target)
    else:
        assert readings_of(target) == (path,)


@pytest.mark.parametrize(
    ("target", "readings"),
    [
        ("/tags/C%23", {"/tags/C#", "/tags/C"}),
        ("/what%3F", {"/what?", "/what"}),
        ("/%2561dmin", {"/%61dmin", "/admin"}),
        ("/%252561dmin", {"/%2561dmin", "/%61dmin", "/admin"}),
        ("/a%2523b", {"/a%23b", "/a#b", "/a"}),
        ("/a%23b%23c", {"/a#b#c", "/a"}),
        ("/a%3Fb%3Fc", {"/a?b?c", "/a"}),
        ("/%E3%81%AA%E3%81%9C%EF%BC%9F", {"/なぜ？", "/なぜ?", "/なぜ"}),
        ("/%E3%81%AA%E3%81%9C%E2%80%A6", {"/なぜ…", "/なぜ...", "/なぜ"}),
        ("/%EF%BD%81dmin", {"/ａdmin", "/admin"}),
        ("/50%EF%BC%85OFF", {"/50％OFF", "/50%OFF"}),
        ("/a%EF%BC%8Fb", {"/a／b", "/a/b"}),
        ("/admin./x%20.%20/...", {"/admin./x . /...", "/admin/x/..."}),
        ("/admin::$DATA", {"/admin::$DATA", "/admin"}),
        ("/admin:$I30:$INDEX_ALLOCATION/x", {"/admin:$I30:$INDEX_ALLOCATION/x", "/admin/x"}),
    ],
)
def test_what_servers_read_further_is_one_reading_more(target: str, readings: set[str]) -> None:
    found = readings_of(target)
    assert found[0] == unquote(target)
    assert set(found) == readings


@pytest.mark.parametrize(
    ("target", "readings"),
    [
        ("/a;b=c,d", {"/a;b=c,d", "/a"}),
        ("/a;v=1/b;w", {"/a;v=1/b;w", "/a/b", "/a"}),
        ("/a%3Bv", {"/a;v", "/a"}),
        ("/a%253Bv", {"/a%3Bv", "/a;v", "/a"}),
        ("/;v", {"/;v", "/"}),
    ],
)
def test_path_parameters_are_refused_unless_they_are_allowed(target: str, readings: set[str]) -> None:
    with pytest.raises(AmbiguousTargetError):
        readings_of(target)
    assert set(readings_of(target, parameters=True)) == readings


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("admin", "not a path"),
        ("/" + "a" * 8192, "not a path"),
        ("/a%zz", "an escape that is read differently by different servers"),
        ("/a%2Fb", "an escape that is read differently by different servers"),
        ("/a%252Fb", "an escape that is read differently by different servers"),
        ("/%ff", "bytes that are not UTF-8"),
        ("/a%0a", "a control character"),
        ("/a;v", "path parameters, which some servers take away"),
        ("/a//b", "a path that some servers rewrite"),
        ("/%" + "25" * 16 + "61", "a path that can be read in too many ways"),
    ],
)
def test_why_a_target_is_refused_is_said(target: str, reason: str) -> None:
    with pytest.raises(AmbiguousTargetError) as refused:
        readings_of(target)
    assert str(refused.value) == reason


def test_the_longest_target_and_the_most_readings_are_taken() -> None:
    longest = "/" + "a" * 8191
    assert readings_of(longest) == (longest,)
    assert readings_of(f"/?{'a' * 8190}") == ("/",)
    assert len(readings_of("/%" + "25" * 15 + "61")) == 16


@pytest.mark.parametrize(
    ("scope", "path", "mount"),
    [
        ({"path": "/a"}, "/a", ""),
        ({"path": "/api/a", "root_path": "/api"}, "/a", ""),
        ({"path": "/api", "root_path": "/api"}, "", ""),
        ({"path": "/apis/a", "root_path": "/api"}, "/apis/a", ""),
        ({"path": "/a", "root_path": "/api"}, "/a", ""),
        ({"path": "/api/shop/a", "root_path": "/api/shop", "app_root_path": "/api"}, "/shop/a", "/shop"),
        ({"path": "/shop/a", "root_path": "/shop", "app_root_path": ""}, "/shop/a", "/shop"),
    ],
)
def test_a_path_is_decided_about_as_the_router_matches_it(
    scope: dict[str, str], path: str, mount: str
) -> None:
    assert route_path(scope) == path
    if scope.get("root_path"):
        assert path_asked(scope) == path
    assert mounted_at(scope) == mount


def test_a_path_without_a_prefix_is_taken_as_it_is() -> None:
    assert path_asked({"path": "/api/a", "app_root_path": "/api"}) == "/api/a"
    assert route_path({"path": "XXXX/a"}) == "XXXX/a"
    assert mounted_at({"path": "/a"}) == ""


@pytest.mark.parametrize(
    ("scope", "method"),
    [
        ({"type": "http", "method": "POST"}, "POST"),
        ({"type": "http", "method": "HEAD"}, "GET"),
        ({"type": "http", "method": "head"}, "head"),
        ({"type": "websocket"}, "GET"),
        ({"type": "http"}, "GET"),
        ({"type": "websocket", "method": "POST"}, "GET"),
    ],
)
def test_a_handshake_and_a_head_are_decided_about_as_a_get(scope: dict[str, str], method: str) -> None:
    assert method_asked(scope) == method


AMBIGUOUS = [
    "",
    "admin",
    "?x",
    "*",
    "https://api.example.com/admin",
    "//evil/admin",
    "/a//b",
    "/a%2Fb",
    "/a%2fb",
    "/a%5Cb",
    "/a\\b",
    "/a%00",
    "/a%0a",
    "/a%7f",
    "/a%C2%85",
    "/a%",
    "/a%4",
    "/a%zz",
    "/%ff",
    "/%c0%af",
    "/a/../b",
    "/a/%2e%2e/b",
    "/a/.%2e",
    "/..",
    "/.",
    "/a/.",
    "/a#b",
    "/a b",
    "/関所",
    "/a\nb",
    "/" + "a" * 9000,
    "/public/..;/admin",
    "/public/..;a=b/admin",
    "/public/%2e%2e;/admin",
    "/public/%2e%2e%3b/admin",
    "/public/..%253b/admin",
    "/public/.;/x",
    "/public/;/x",
    "/public/%3b/x",
    "/public/%252e%252e/admin",
    "/public/%25%32%65%252e/admin",
    "/public/%25252e%25252e/admin",
    "/public/%252fadmin",
    "/public%252f..%252fadmin",
    "/public%255cadmin",
    "/public%2500",
    "/public%250a",
    "/public/%25ff",
    "/public/%25u002e%25u002e/admin",
    "/public%25u2215admin",
    "/public/..%23/admin",
    "/public/..%3f/admin",
    "/public/..%20/admin",
    "/public/%20..%20/admin",
    "/public/..%2520/admin",
    "/public/%EF%BC%8E%EF%BC%8E/admin",
    "/public/%EF%BC%8E./admin",
    "/public/%E2%80%A5/admin",
    "/public/%EF%BC%85%32%65%32%65/../admin",
    "/public/%EF%BC%852e%EF%BC%852e/admin",
    "/public%EF%BC%BCadmin",
    "/public/%EF%BC%8F/admin",
    "/%" + "25" * 20 + "23",
]


@pytest.mark.parametrize("parameters", [False, True], ids=["parameters-refused", "parameters-allowed"])
@pytest.mark.parametrize("target", AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_an_ambiguous_target_is_refused(target: str, parameters: bool) -> None:
    with pytest.raises(AmbiguousTargetError):
        readings_of(target, parameters=parameters)


def _without_dots(path: str) -> str:
    """Dot segments removed (RFC 3986, section 5.2.4), and slashes merged."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del kept[-1:]
        elif part not in {"", "."}:
            kept.append(part)
    return "/" + "/".join(kept)


def _bare(path: str) -> str:
    return re.sub(r";[^/]*", "", path)


# How servers come from a target's path to what they serve, each written down by itself.
SERVERS: dict[str, Callable[[str], str]] = {
    "Tomcat: parameters, decode, dots": lambda raw: _without_dots(unquote(_bare(raw))),
    "decode, parameters, dots": lambda raw: _without_dots(_bare(unquote(raw))),
    "decode, dots": lambda raw: _without_dots(unquote(raw)),
    "dots, decode": lambda raw: unquote(_without_dots(raw)),
    "decode twice, dots": lambda raw: _without_dots(unquote(unquote(raw))),
    "decode twice, parameters, dots": lambda raw: _without_dots(_bare(unquote(unquote(raw)))),
    "parameters, decode twice, dots": lambda raw: _without_dots(unquote(unquote(_bare(raw)))),
    "backslashes are slashes": lambda raw: _without_dots(unquote(raw).replace("\\", "/")),
    "Windows": lambda raw: _without_dots(
        "/".join((part.rstrip(" .") or part) for part in unquote(unquote(raw)).replace("\\", "/").split("/"))
    ),
    "the path ends at a number sign": lambda raw: _without_dots(unquote(raw).partition("#")[0]),
    "the path ends at a question mark": lambda raw: _without_dots(unquote(raw).partition("?")[0]),
    "the path ends at a semicolon": lambda raw: _without_dots(unquote(raw).partition(";")[0]),
    "best fit": lambda raw: _without_dots(_bare(unicodedata.normalize("NFKC", unquote(raw)))),
    "the old microsoft escapes": lambda raw: _without_dots(
        unquote(re.sub(r"%u00([0-9a-f]{2})", r"%\1", unquote(raw)))
    ),
}


@pytest.mark.parametrize("parameters", [False, True], ids=["parameters-refused", "parameters-allowed"])
def test_no_server_reads_a_denied_path_in_a_target_whose_readings_do_not_say_so(parameters: bool) -> None:
    """Whatever is let through is decided about as each of fourteen servers reads it."""
    chance = random.Random(20)
    let_through = read_as_denied = 0
    for _ in range(4_000):
        target = spelling(chance)
        served = {server: read(target) for server, read in SERVERS.items()}
        try:
            readings = readings_of(target, parameters=parameters)
        except AmbiguousTargetError:
            continue
        let_through += 1
        for server, path in served.items():
            if path.startswith(DENIED_PREFIX):
                read_as_denied += 1
                assert any(reading.startswith(DENIED_PREFIX) for reading in readings), (server, target)
    assert let_through > 100
    assert read_as_denied > 100
