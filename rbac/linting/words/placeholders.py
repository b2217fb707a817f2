"""Placeholders in another language than the one that the matcher reads: they are letters like any others."""

import re
from collections.abc import Collection, Sequence
from typing import Final

from rbac.model.functions import CasbinFunction
from rbac.model.http_words import WordFault

_NAME: Final = r"[A-Za-z_][\w-]*"
_ESCAPED: Final = re.compile(rf"%7B({_NAME})%7D", re.IGNORECASE)
_SIGILS: Final = re.compile(rf"[$#@%]\{{\s*({_NAME}|\d+)\s*\}}|\{{\{{\s*({_NAME})\s*\}}\}}")
_ANGLES: Final = re.compile(rf"<(?:[a-z]+:)?({_NAME})>|<>")
_WHOLE: Final = re.compile(
    rf":(?P<colon>{_NAME})(?:\([^)]*\))?[?+*:]?|\[\.{{0,3}}(?P<square>[A-Za-z_]{{2,}})\]|\((?P<round>{_NAME})\)"
    rf"|\[\[(?:\.\.\.)?(?P<twice>{_NAME})\]\]|\[(?P<typed>{_NAME}):[a-z]+\]|\(:(?P<inside>{_NAME})\)"
    rf"|%\((?P<python>{_NAME})\)[sd]|(?P<empty>\(\))"
    rf"|\*(?P<star>{_NAME})|#(?P<hash>{_NAME})|\$(?P<dollar>{_NAME}|\d+)|%(?P<percent>{_NAME})%|%(?P<printf>[sd])"
    rf"|@(?P<at>{_NAME})|[「『【〔《〈“‘'\"«](?P<quoted>{_NAME})[」』】〕》〉”’'\"»]|(?P<dots>…)"
)
_BRACES: Final = re.compile(r"\{[^{}/]*\}")
_HALF: Final = re.compile(rf"\{{({_NAME})|({_NAME})\}}|(?<!\\)[{{}}]")
_ESCAPED_SIGN: Final = re.compile(rf"\\\*+|\[\*+\]|\\\{{(?P<name>{_NAME})\\?\}}")
_OPTIONAL: Final = re.compile(rf"\{{(?P<inside>{_NAME})\?\}}|\{{(?P<behind>{_NAME})\}}\?")
_IDENTIFIER: Final = re.compile(r"id|uuid|guid|pk|slug|key|name|num|number|.*(?:_id|Id|_uuid|ID)")
_CONVERTER: Final = re.compile(
    rf"\{{(?:(?P<path>{_NAME}):path|\*+(?P<star>{_NAME})?|(?P<more>{_NAME})(?:\+|\.\.\.|\*))\}}"
)
_COUNT: Final = re.compile(r"\{\d+\}")
_COUNTED: Final = re.compile(r"(?P<item>\[[^\]]*\]|\([^()]*\)|\\?[^{}])\{(?P<count>\d+)(?:,\d*)?\}")
_MOST_WRITTEN_OUT: Final = 8
_SHORTEST_WORD: Final = 4
_COLON: Final = re.compile(
    r"(?P<before>[^:]*):(?P<name>(?>[A-Za-z_]\w*(?:-\w+)*))(?:(?P<mark>[?+*])|\((?P<only>.+)\)|(?P<behind>.+))"
)
_ONE_SEGMENT: Final = "[^/]+"
_CONDITION: Final = re.compile(
    rf"\{{({_NAME}):(?!(?:int|str|string|uuid|float|slug|long|guid)\}})([^{{}}]+)\}}"
)


def placeholder_fault(
    pattern: str, function: CasbinFunction, literals: Collection[str] = frozenset()
) -> WordFault | None:
    """What of ``pattern`` is a placeholder elsewhere and none for ``function``; ``None`` if nothing is.

    ``literals`` are segments that known endpoints really have (`@me`).
    """
    parts = pattern.split("/")
    for index, part in enumerate(parts):
        if part in literals:
            continue
        wrong = _escaped_sign(part, function)
        if wrong is None and function.dialect == "{id}":
            wrong = _other_meaning(part, function) or _optional(parts, index, function)
        elif wrong is None and function.dialect == ":id":
            wrong = _behind_the_name(part, "/".join(parts[:index]))
        if wrong is not None:
            return wrong
        name = _foreign(part, function)
        if name is not None:
            return _fault(part, name, parts, index, function)
    return None


def _fault(part: str, name: str, parts: list[str], index: int, function: CasbinFunction) -> WordFault:
    right = function.placeholder(re.sub(r"\W|^\d+$", "", name) or "id")
    if function.kind == "regex":
        right = "[^/]+" + "$" * part.endswith("$")
    wild = "*" if function.ends_at_star or function.kind == "glob" else ""
    message = f"`{part}` is no placeholder for `{function.name}`, which takes these letters as they stand"
    if function.ends_at_star:
        hint = f"`keyMatch` has no placeholders: write `{'/'.join([*parts[:index], wild])}` for all that lies below"
    else:
        hint = f"write `{'/'.join([*parts[:index], right or wild, *parts[index + 1 :]])}`"
        if index == 1 and part[0] in "(<[" and not _IDENTIFIER.fullmatch(name):
            hint += f", or `{'/'.join(['', name, *parts[2:]])}` if that one is meant"
    return WordFault(message, hint)


def _foreign(part: str, function: CasbinFunction) -> str | None:
    """The name in a segment that is a placeholder of another language, or holds one."""
    if function.dialect == ":id" and part.startswith(":") and not part.startswith(":{"):
        return None
    for everywhere in (_ESCAPED, _SIGILS, _ANGLES):
        found = everywhere.search(part)
        if found is not None and not part[: found.start()].endswith("(?P"):
            return next(filter(None, found.groups()), "id")
    if function.dialect == "{id}":
        return _half(_BRACES.sub("", part)) or ("id" if "{}" in part else None) or _whole(part, function)
    if function.dialect == ":id":
        part = _COUNTED.sub("", part)
    if _BRACES.search(part) and not (function.kind in {"regex", "glob"} and not _named(part)):
        return next(iter(re.findall(_NAME, _BRACES.findall(part)[0])), "id")
    return _whole(part, function)


def _named(part: str) -> bool:
    return re.search(rf"\{{{_NAME}\}}", part) is not None


def _half(part: str) -> str | None:
    """The name behind a brace that is not closed, or in front of one that was not opened."""
    found = _HALF.search(part)
    return None if found is None else found[1] or found[2] or "id"


def _whole(part: str, function: CasbinFunction) -> str | None:
    found = _WHOLE.fullmatch(part)
    if found is None:
        return None
    kind = found.lastgroup or ""
    name = found[kind]
    if kind in {"at", "hash", "round", "square", "dollar", "star", "quoted"} and function.kind != "path":
        return None
    if kind in {"printf", "dots", "empty"}:
        return "id"
    if kind == "square" and _is_word(name):
        return name
    return name if kind not in {"at", "square"} or _IDENTIFIER.fullmatch(name) else None


def _is_word(letters: str) -> bool:
    """Whether letters in square brackets are a word, `[order]`, and no list of letters, `[abc]`."""
    return len(letters) >= _SHORTEST_WORD and letters.islower() and [*letters] != sorted({*letters})


def _escaped_sign(part: str, function: CasbinFunction) -> WordFault | None:
    """A `*` or a placeholder whose signs mean themselves, as a text copied from a page has them."""
    found = _ESCAPED_SIGN.fullmatch(part) if function.kind == "path" else None
    if found is None:
        return None
    right = function.placeholder(found["name"]) if found["name"] else "*"
    return WordFault(
        f"`{part}` means these signs themselves, and stands for nothing else", f"write `{right}`"
    )


def _optional(parts: Sequence[str], index: int, function: CasbinFunction) -> WordFault | None:
    """A placeholder that looks as if it could be left out, with a function that wants a segment there."""
    part = parts[index]
    found = _OPTIONAL.fullmatch(part)
    if found is None or function.call("/", f"/{part}"):
        return None
    one = f"{{{found['inside'] or found['behind']}}}"
    message = f"`{part}` is a placeholder for one segment here, which may not be left out"
    without, whole = ("/".join([*parts[:index], *there, *parts[index + 1 :]]) for there in ([], [one]))
    return WordFault(message, f"write a rule for `{without or '/'}` and one for `{whole}`")


def _other_meaning(part: str, function: CasbinFunction) -> WordFault | None:
    """Braces that are a placeholder of this function, and were meant as something else."""
    count = _COUNT.search(part)
    if count is not None:
        written_out = _COUNTED.sub(_repeated, part)
        hint = (
            f"write `{written_out}`"
            if written_out != part
            else f"write a name: `{function.placeholder('id')}`"
        )
        return WordFault(f"`{count.group()}` is a placeholder for any text here, and counts nothing", hint)
    longer = _CONVERTER.search(part)
    if longer is not None:
        message = f"`{longer.group()}` is a placeholder for one segment here, not for the rest of a path"
        return WordFault(message, "write `*` for all that follows")
    condition = _CONDITION.search(part)
    if condition is not None:
        message = f"`{condition.group()}` meets any segment: what stands behind the `:` is not looked at"
        only = part.replace(condition.group(), condition[2])
        return WordFault(
            message, f"write `{only}`, or `{function.placeholder(condition[1])}` if any segment is meant"
        )
    return None


def _repeated(counted: re.Match[str]) -> str:
    """What is counted, written out; one or more of it where that would be too long."""
    count = int(counted["count"])
    return counted["item"] * count if count <= _MOST_WRITTEN_OUT else counted["item"] + "+"


def _behind_the_name(part: str, before: str) -> WordFault | None:
    """What stands behind the name in `:name`, and is taken as part of it. ``before`` is the path in front of it."""
    found = _COLON.fullmatch(part)
    if found is None:
        return None
    any_segment = f"{found['before']}:{found['name']}"
    message = f"`{part}` meets the same as `{any_segment}`: what stands behind the name is not looked at"
    if found["mark"] == "?":
        return WordFault(message, f"write a rule for `{before or '/'}` and one for `{before}/{any_segment}`")
    if found["mark"]:
        message = f"`{part}` is a placeholder for one segment here, not for the rest of a path"
        return WordFault(message, "write `*` for all that follows")
    behind = re.sub(r"(?<!\\)\.", r"\.", re.sub(rf"(?<!^):{_NAME}", _ONE_SEGMENT, found["behind"] or ""))
    only = found["before"] + (found["only"] or _ONE_SEGMENT + behind)
    return WordFault(message, f"write `{only}`, or `{any_segment}` if any segment is meant")
