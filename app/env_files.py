"""Where settings come from: the process environment, then ``.env.{ENVIRONMENT}``, then ``.env``.

Env files are read strictly: a line quietly skipped is a setting that somebody believes to be in force. The
syntax is python-dotenv's (which pydantic-settings brings), without ``${…}``: a ``$`` in a password stays one.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from dotenv.parser import Binding, parse_stream

ENVIRONMENTS = ("development", "staging", "production")


class Raw(NamedTuple):
    """A value as somebody wrote it, and where: ``environment``, or ``.env.staging line 4``."""

    text: str
    origin: str


class Fault(NamedTuple):
    """Something that stops the start. ``setting`` is a setting's name, or that of the env file at fault."""

    setting: str
    origin: str
    message: str

    def __str__(self) -> str:
        origin = f" ({self.origin})" if self.origin else ""
        return f"{self.setting}{origin}: {self.message}"


@dataclass(frozen=True, slots=True)
class Layers:
    """The winning value of every setting that is set anywhere, and what is wrong with the files."""

    values: dict[str, Raw] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read_layers(directory: Path, environ: Mapping[str, str], known: Iterable[str]) -> Layers:
    """Reads every source. The process may hold variables that are not ours; a file of ours may not."""
    layers = Layers()
    names = frozenset(known)
    process = {name: Raw(environ[name], "environment") for name in environ.keys() & names}
    base = _read_file(directory / ".env", names, layers.faults)
    chosen = process.get("ENVIRONMENT") or base.get("ENVIRONMENT")
    environment = chosen.text.strip() if chosen and chosen.text.strip() else "development"
    own: dict[str, Raw] = {}
    if environment in ENVIRONMENTS:
        own = _read_file(directory / f".env.{environment}", names, layers.faults)
        said = own.pop("ENVIRONMENT", None)
        if said is not None and said.text.strip() != environment:
            message = (
                f"the file is for `{environment}` and must not say another environment; take the line out"
            )
            layers.faults.append(Fault("ENVIRONMENT", said.origin, message))
    layers.values.update(base | own | process)
    return layers


def _read_file(path: Path, known: frozenset[str], faults: list[Fault]) -> dict[str, Raw]:
    try:
        # A byte-order mark is what some editors put in front; it is no part of the first key.
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        faults.append(Fault(path.name, "", f"cannot be read: {error.strerror}"))
        return {}
    except UnicodeDecodeError as error:
        faults.append(Fault(path.name, "", f"is not UTF-8 text (byte {error.start}); save it as UTF-8"))
        return {}
    values: dict[str, Raw] = {}
    for binding in parse_stream(io.StringIO(text)):
        fault = _binding_fault(binding, path.name, values, known)
        if fault is not None:
            faults.append(fault)
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = Raw(binding.value, f"{path.name} line {_line(binding)}")
    return values


def _binding_fault(
    binding: Binding, file: str, seen: Mapping[str, Raw], known: frozenset[str]
) -> Fault | None:
    """What is wrong with one line. The line itself is not quoted: it may be half of a secret."""
    origin = f"{file} line {_line(binding)}"
    if binding.error:
        return Fault(
            file, f"line {_line(binding)}", "cannot be understood; write NAME=value, and close every quote"
        )
    if binding.key is None:
        return None
    if binding.key not in known:
        return Fault(
            _printable(binding.key), origin, f"there is no such setting{_suggestion(binding.key, known)}"
        )
    if binding.value is None:
        return Fault(binding.key, origin, "has no value; write NAME=value")
    if binding.key in seen:
        return Fault(
            binding.key, origin, f"is set a second time (first in {seen[binding.key].origin}); keep one"
        )
    return None


def _line(binding: Binding) -> int:
    """The line that the key stands on: a binding begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _suggestion(key: str, known: Iterable[str]) -> str:
    close = get_close_matches(key.upper(), sorted(known), n=1, cutoff=0.7)
    return f"; did you mean `{close[0]}`?" if close else "; docs/settings.md lists them all"


def _printable(key: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in key[:64])
