"""A request target from a proxy is decoded once, and refused where a proxy and its upstream could read it differently."""

import pytest

from app.request_target import AmbiguousTargetError, path_of


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/admin?next=//evil", "/admin"),
        ("/a/b/", "/a/b/"),
        ("/%61dmin", "/admin"),
        ("/%E9%96%A2%E6%89%80", "/関所"),
        ("/a%20b", "/a b"),
        ("/100%25", "/100%"),
        ("/%252e%252e", "/%2e%2e"),
        ("/a..b/...", "/a..b/..."),
        ("/a;b=c,d", "/a;b=c,d"),
        ("/?%zz", "/"),
    ],
)
def test_a_plain_target_is_its_decoded_path(target: str, path: str) -> None:
    assert path_of(target) == path


@pytest.mark.parametrize(
    "target",
    [
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
        "/..",
        "/.",
        "/a/.",
        "/a#b",
        "/a b",
        "/関所",
        "/a\nb",
        "/" + "a" * 9000,
    ],
)
def test_an_ambiguous_target_is_refused(target: str) -> None:
    with pytest.raises(AmbiguousTargetError):
        path_of(target)
