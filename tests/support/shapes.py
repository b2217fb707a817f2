"""Policies of one monotonous shape each, as large as one likes: what is quadratic in some part of a document shows in
one of them."""

from collections.abc import Callable
from typing import Final

from tests.support.documents import MODEL

Shape = tuple[bytes, Callable[[int], str]]
"""A model, and its policy of about so many rows."""

_DENY_WINS: Final = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
_FIRST_DECIDES: Final = "priority(p.eft) || deny"
_LINKED: Final = 9  # links in a row that Casbin follows


def _model(function: str, *, domains: bool = False, ordered: bool = False, priorities: bool = False) -> bytes:
    dom, same = ("dom, ", " && r.dom == p.dom") if domains else ("", "")
    return (
        f"[request_definition]\nr = sub, {dom}obj, act\n"
        f"[policy_definition]\np = {'priority, ' * priorities}sub, {dom}obj, act, eft\n"
        f"[role_definition]\ng = _, _{', _' * domains}\n"
        f"[policy_effect]\ne = {_FIRST_DECIDES if ordered else _DENY_WINS}\n"
        f"[matchers]\nm = g(r.sub, p.sub{', r.dom' * domains}){same} && {function}(r.obj, p.obj) "
        '&& (p.act == "*" || r.act == p.act)\n'
    ).encode()


def _each(*lines: str, first: str = "") -> Callable[[int], str]:
    """``first``, and these lines with `{i}` a number, `{half}` half of it, `{person}` a sub, `{turn}` allow and deny in
    turn, `{next}` the next role of a chain of nine; as often as ``n`` rows take."""

    def text(n: int) -> str:
        return first + "".join(
            line.format(
                i=i,
                half=i // 2,
                down=n - i,
                turn="deny" if i % 2 else "allow",
                person=f"{i:08x}-1111-4222-8333-{i:012x}",
                next=i + 1 if (i + 1) % _LINKED else "x",
                case="".join(c.upper() if i >> k & 1 else c for k, c in enumerate("administrationsrolle")),
                names="/".join("{x}" if i >> k & 1 else "a" for k in range(17)),
                address=f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}",
                all="{",
                over="}",
            )
            + "\n"
            for i in range(n // len(lines))
            for line in lines
        )

    return text


def _layers(depth: int) -> Callable[[int], str]:
    """Roles in layers, each of which holds all of the next layer."""

    def text(n: int) -> str:
        width = max(2, int((n / depth) ** 0.5))
        layer = range(width)
        links = (f"g, l{k}x{i}, l{k + 1}x{j}\n" for k in range(depth - 1) for i in layer for j in layer)
        rules = (
            f"p, l{k}x{i}, /a, GET, {'deny' if i % 2 else 'allow'}\n" for k in range(depth) for i in layer
        )
        return "".join((*links, *rules))

    return text


_ONE: Final = "p, user, /a, GET, allow\n"
_COLONS, _DOMAINS = _model("keyMatch2"), _model("keyMatch2", domains=True)
_ORDERED, _PRIORITIES = _model("keyMatch2", ordered=True), _model("keyMatch2", ordered=True, priorities=True)

SHAPES: Final[dict[str, Shape]] = {
    "idle denies": (MODEL, _each("p, user, /d{i}, GET, deny", first=_ONE)),
    "idle denies by method": (MODEL, _each("p, user, /d{i}, POST, deny", first="p, user, /*, GET, allow\n")),
    "idle denies of roles": (MODEL, _each("p, r{i}, /d{i}, GET, deny", "g, user, r{i}", first=_ONE)),
    "idle denies of every method": (MODEL, _each("p, user, /a, M{i}, allow", "p, user, /b{i}, *, deny")),
    "idle denies of names": (
        MODEL,
        _each("p, user, /x{i}/b, GET, allow", "p, user, /{all}id{over}/c{i}, GET, deny"),
    ),
    "stars for roles": (MODEL, _each("p, role{i}, /*, *, allow")),
    "stars of one role": (MODEL, _each("p, user, /s{i}/*, GET, allow")),
    "stars inside": (MODEL, _each("p, user, /a{i}/*/b, GET, allow")),
    "stars inside that begin alike": (MODEL, _each("p, user, /a/*/b{i}, GET, allow")),
    "stars inside, of roles": (MODEL, _each("p, role{i}, /a/*/b, GET, allow")),
    "stars inside, denied": (MODEL, _each("p, user, /a/*/b{i}, GET, {turn}")),
    "one role": (MODEL, _each("p, user, /a/b{i}, GET, allow")),
    "names": (MODEL, _each("p, user, /a/{all}x{i}{over}, GET, allow")),
    "names in the middle": (MODEL, _each("p, user, /a/b{i}/{all}id{over}/c, GET, allow")),
    "names in front": (MODEL, _each("p, user, /{all}id{over}/b{i}, GET, allow")),
    "names and stars": (MODEL, _each("p, user, /b{i}/{all}id{over}/c, GET, allow", "p, user, /b{i}/*/c, GET, {turn}")),
    "names in any place": (MODEL, _each("p, user, /{names}, GET, {turn}")),
    "roles": (MODEL, _each("p, role{i}, /a, GET, allow")),
    "roles of other letters": (MODEL, _each("p, Rôle{i}, /a, GET, allow")),
    "roles that look alike": (MODEL, _each("p, {case}, /a, GET, allow")),
    "roles allowed and denied": (MODEL, _each("p, role{i}, /a, GET, {turn}")),
    "links": (MODEL, _each("g, {person}, user", first=_ONE)),
    "links of roles": (MODEL, _each("g, role{i}, user", first=_ONE)),
    "links of one": (MODEL, _each("p, role{i}, /a, GET, allow", "g, someone, role{i}")),
    "links to nothing": (MODEL, _each("g, who{i}, role{i}", first=_ONE)),
    "links to little": (MODEL, lambda n: _each("p, r{i}x, /a, GET, allow")(min(n, 50)) + _each("g, a{i}, b{i}")(n)),
    "duplicates": (MODEL, _each("p, user, /a, GET, allow")),
    "duplicate links": (MODEL, _each("g, admin, user", first=_ONE)),
    "lock-outs": (MODEL, _each("p, {person}, /*, *, deny", "g, {person}, user", first=_ONE)),
    "lock-outs of one path": (MODEL, _each("p, {person}, /a{half}/, *, deny", "p, {person}, /, *, deny", first=_ONE)),
    "links of people by their names": (MODEL, _each("g, Bob Miller{i}, user", "p, Role {i}, /a, GET, allow", first=_ONE)),
    "lock-outs by address": (MODEL, _each("p, u{i}@example.com, /*, *, deny", first=_ONE)),
    "chains": (MODEL, _each("g, r{i}, r{next}", first=_ONE)),
    "chains with rules": (MODEL, _each("p, r{i}, /a{i}, GET, {turn}", "g, r{i}, r{next}")),
    "many roles below one": (MODEL, _each("p, r{i}, /a{i}, GET, {turn}", "g, hub, r{i}")),
    "many roles above one": (MODEL, _each("p, r{i}, /a{i}, GET, {turn}", "g, r{i}, hub")),
    "many roles on both sides": (
        MODEL,
        _each("p, u{i}, /a, GET, allow", "g, u{i}, hub", "g, hub, r{i}", "p, r{i}, /b, GET, allow"),
    ),
    "many roles on both sides, denied": (
        MODEL,
        _each("p, u{i}, /a, GET, deny", "g, u{i}, hub", "g, hub, r{i}", "p, r{i}, /b, GET, allow"),
    ),
    "many roles on both sides, no rules": (
        MODEL,
        _each("g, u{i}, v{i}", "g, v{i}, hub", "g, hub, r{i}", first=_ONE),
    ),
    "many roles of one, with many rules": (
        MODEL,
        _each("p, u, /a{i}, GET, {turn}", "g, u, r{i}", "p, r{i}, /b{i}, GET, allow"),
    ),
    "two layers": (MODEL, _layers(2)),
    "nine layers": (MODEL, _layers(9)),
    "domains": (_DOMAINS, _each("p, admin, d{i}, /a, GET, allow", "g, u{i}, admin, d{i}")),
    "domains allowed and denied": (_DOMAINS, _each("p, admin, d{half}, /a, GET, {turn}")),
    "links in other domains": (
        _DOMAINS,
        _each("p, admin, d{i}, /a, GET, allow", "g, u{i}, admin, e{i}"),
    ),
    "domains denied every method": (
        _DOMAINS,
        _each("p, admin, d{i}, /a, GET, allow", "p, admin, d{i}, /b, *, deny"),
    ),
    "methods": (MODEL, _each("p, user, /a, M{i}, allow")),
    "methods allowed and denied": (MODEL, _each("p, user, /a, M{half}, {turn}")),
    "one deny": (MODEL, lambda n: _each("p, user, /a{i}, GET, allow")(n) + "p, user, /*, *, deny\n"),
    "wide and narrow": (MODEL, _each("p, user, /{i}, GET, allow", "p, user, /*, M{i}, allow")),
    "everyone": (MODEL, _each("p, everyone, /a{i}, GET, allow", "p, user, /a{i}, GET, {turn}")),
    "rising priorities": (_PRIORITIES, _each("p, {i}, user, /a, GET, {turn}")),
    "falling priorities": (_PRIORITIES, _each("p, {down}, user, /a, GET, allow")),
    "falling priorities of names": (_PRIORITIES, _each("p, {down}, user, /:x{i}, GET, allow")),
    "falling priorities, and copies": (
        _PRIORITIES,
        lambda n: (
            "p, 1, user, /:x, GET, allow\n"
            + _each("p, 1{down}, user, /:x{i}, GET, allow")(n // 2)
            + _each("p, 1, user, /:x, GET, allow")(n // 2)
        ),
    ),
    "the first decides": (_ORDERED, _each("p, user, /a, GET, {turn}")),
    "the first decides, duplicates": (_ORDERED, _each("p, user, /a, GET, allow")),
    "the first decides, paths": (_ORDERED, _each("p, user, /a/*, M{i}, {turn}")),
    "wrong methods": (MODEL, _each("p, user, /a{i}, get, allow")),
    "wrong paths": (MODEL, _each("p, user, a{i}, GET, allow")),
    "wrong order": (MODEL, _each("p, /a{i}, user, GET, allow")),
    "comments": (MODEL, _each("p, user, /a{i}, GET # c{i}, allow")),
    "dots": (MODEL, _each("p, user, /a{i}.html, GET, {turn}")),
    "repeated characters": (MODEL, _each("p, user, /a{i}b+, GET, {turn}")),
    "a wide pattern and narrow ones": (
        MODEL,
        _each("p, user, /a/x{i}b*, GET, allow", first="p, user, /a/*/?b?, GET, allow\n"),
    ),
    "prefixes": (_model("keyMatch"), _each("p, user, /a/b{i}/*, GET, {turn}")),
    "prefixes with something behind": (_model("keyMatch"), _each("p, user, /a*{i}, GET, allow")),
    "colons": (_COLONS, _each("p, user, /a/:id/b{i}, GET, {turn}")),
    "the same name twice": (_model("keyMatch4"), _each("p, user, /{all}a{over}/b{i}/{all}a{over}, GET, {turn}")),
    "keyMatch5": (_model("keyMatch5"), _each("p, user, /a/b{i}/*, GET, {turn}")),
    "expressions": (_model("regexMatch"), _each("p, user, ^/a/b{i}$, GET, {turn}")),
    "expressions that begin alike": (_model("regexMatch"), _each("p, user, ^/.*/b{i}$, GET, {turn}")),
    "globs": (_model("globMatch"), _each("p, user, /a/b{i}/*, GET, {turn}")),
    "addresses": (_model("ipMatch"), _each("p, user, {address}, GET, {turn}")),
}  # fmt: skip
