"""docs/guard.md: every public name of ``rbac.guard`` and ``rbac.guard.fastapi``, as its signature and docstring say."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final, get_args, get_origin

import rbac.guard
import rbac.guard.fastapi
from rbac.guard.http.asgi import ASGIApp
from rbac.guard.identity.credentials import Credentials
from rbac.guard.identity.recognition import Identify

HEAD: Final = """# `rbac.guard`

What a program imports to put a policy before an application: all of its names, with what each promises. [Before your own application](adopt.md)
shows how they are put together.
"""
MODULES: Final = (rbac.guard, rbac.guard.fastapi)
_ROLE: Final = re.compile(r":\w+:`~?([^`]+)`")
_WIDTH: Final = 100
_STARS: Final[Mapping[object, str]] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}
# Types that are better known by their names than by what they are.
_NAMED: Final = {
    repr(kind): name
    for name, kind in (("ASGIApp", ASGIApp), ("Credentials", Credentials), ("Identify", Identify))
}


def page() -> str:
    """The page."""
    told: set[int] = set()
    parts = [HEAD]
    for module in MODULES:
        parts.append(f"## `{module.__name__}`\n")
        for name in sorted(module.__all__, key=lambda each: each != "Guard"):  # the front door first
            value = getattr(module, name)
            if id(value) in told:
                continue  # a name that stands in both, such as Principal
            told.add(id(value))
            parts.append(_entry(name, value, module))
    return "\n".join(parts)


def _entry(name: str, value: Any, module: ModuleType) -> str:
    if inspect.isclass(value):
        return _class(name, value)
    if inspect.isfunction(value):
        return f"### `{name}`\n\n{_signature(name, value)}\n\n{_prose(value)}\n"
    return f"### `{name}`\n\n```python\n{name} = {_alias(value)}\n```\n\n{_sentence(name, module)}\n"


def _class(name: str, value: type) -> str:
    parts = [f"### `{name}`\n", _signature(name, value) + "\n", _prose(value) + "\n"]
    for member, what in _members(value):
        if isinstance(what, property):
            parts.append(f"#### `{name}.{member}`\n\n{_prose(what)}\n")
        else:
            parts.append(f"#### `{name}.{member}()`\n\n{_signature(member, what)}\n\n{_prose(what)}\n")
    return "\n".join(parts)


def _members(value: type) -> Iterator[tuple[str, Any]]:
    """What has a docstring and no underscore, in the order of the source, up to where the class says whose the rest is."""
    source = inspect.getsource(value)
    public = source.split("    # --- ")[0]
    for member, what in vars(value).items():
        plain = what.__func__ if isinstance(what, classmethod | staticmethod) else what
        callable_ = inspect.isfunction(plain) or isinstance(plain, property)
        if callable_ and not member.startswith("_") and re.search(rf"def {member}\b", public):
            yield member, plain


def _signature(name: str, value: Any) -> str:
    signature = inspect.signature(value)
    given = [each for each in signature.parameters.values() if each.name not in {"self", "cls"}]
    returned = "" if inspect.isclass(value) else _annotation(signature.return_annotation, " -> ")
    word = "async " if inspect.iscoroutinefunction(value) else ""
    written = _parameters(given)
    line = f"{word}{name}({', '.join(written)}){returned}"
    if len(line) > _WIDTH:
        line = f"{word}{name}(\n" + "".join(f"    {each},\n" for each in written) + f"){returned}"
    return f"```python\n{line}\n```"


def _parameters(given: list[inspect.Parameter]) -> list[str]:
    written: list[str] = []
    starred = False
    for each in given:
        if each.kind is each.VAR_POSITIONAL:
            starred = True
        if each.kind is each.KEYWORD_ONLY and not starred:
            written.append("*")
            starred = True
        stars = _STARS.get(each.kind, "")
        default = "" if each.default is each.empty else f" = {_default(each.default)}"
        written.append(stars + each.name + _annotation(each.annotation, ": ") + default)
    return written


def _default(value: object) -> str:
    if callable(value):
        return getattr(value, "__name__", "…")
    return "…" if re.match(r"<|mappingproxy", repr(value)) else repr(value).replace("'", '"')


def _annotation(annotation: Any, before: str) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    if repr(annotation) in _NAMED:
        return before + _NAMED[repr(annotation)]
    if isinstance(annotation, str):
        return before + annotation.strip('"')
    if inspect.isclass(annotation) and get_origin(annotation) is None:
        return before + annotation.__name__
    return before + _alias(annotation)


def _alias(value: Any) -> str:
    if get_origin(value) is not None and "Annotated" in repr(value):
        kind = get_args(value)[0]
        return f"Annotated[{_short(repr(kind)) if not inspect.isclass(kind) else kind.__name__}, Depends(…)]"
    return _short(repr(value))


def _short(text: str) -> str:
    """Without the modules that names are of."""
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


def _prose(value: Any) -> str:
    return _plain(inspect.getdoc(value) or "")


def _plain(text: str) -> str:
    text = _ROLE.sub(lambda match: f"`{match[1].split('.')[-1]}`", text)
    return text.replace("``", "`")


def _sentence(name: str, module: ModuleType) -> str:
    """What is said of an alias: the string below it, or the first sentence of its module's docstring that names it."""
    at = next((each for each in sys.modules.values() if _defines(each, name, module)), module)
    source = inspect.getsource(at)
    below = re.search(rf'^{name}\b[^\n]*(?:\n[ )\]][^\n]*)*\n"""(.*?)"""', source, re.MULTILINE | re.DOTALL)
    if below is not None:
        return _plain(" ".join(below[1].split()))
    told = re.search(rf"[^.]*``{name}``[^.]*\.", inspect.getdoc(module) or "", re.DOTALL)
    if told is None:
        raise LookupError(f"nothing is said of {module.__name__}.{name}")
    return " ".join(told[0].split()).replace("``", "`")


def _defines(module: ModuleType, name: str, asked: ModuleType) -> bool:
    own = module.__name__ if hasattr(module, "__name__") else ""
    if not own.startswith("rbac.guard") or getattr(module, name, None) is not getattr(asked, name):
        return False
    return re.search(rf"^{name}\b[^\n]* = ", inspect.getsource(module), re.MULTILINE) is not None
