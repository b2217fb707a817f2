"""Where settings come from: the process environment, then ``.env.{ENVIRONMENT}``, then ``.env``, then AWS.

In each of them ``NAME_FILE`` names a file that holds the value of ``NAME``, as container platforms mount secrets.
Env files are read strictly: a line quietly skipped is a setting that somebody believes to be in force. The
syntax is python-dotenv's (which pydantic-settings brings), without ``${…}``: a ``$`` in a password stays one.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from dotenv.parser import Binding, parse_stream

from app.settings.aws import AwsSettings, read_aws
from rbac.text.nearest import most_alike
from rbac.text.visible import visible

ENVIRONMENTS = ("development", "staging", "production")

_FROM_FILE = "_FILE"
_LARGEST_SECRET = 64 * 1024
# A short name of somebody else's, such as WORKER, is soon like one of ours by chance.
_SHORTEST_MISSPELLED = 8
# Short ones that would leave a check out all the same: `SCOPE=required` leaves scopes ignored.
_FAIL_OPEN: Final = {"SCOPE": "SCOPES"}


class Raw(NamedTuple):
    """A value as somebody wrote it, and where: ``environment``, or ``.env.staging line 4``."""

    text: str
    origin: str


class SettingFault(NamedTuple):
    """Something that stops the start. ``setting`` is a setting's name, or that of the env file at fault."""

    setting: str
    origin: str
    message: str

    def __str__(self) -> str:
        origin = f" ({self.origin})" if self.origin else ""
        return f"{self.setting}{origin}: {self.message}"


class Disagreement(NamedTuple):
    """A setting that two sources set differently. ``meant`` when it is the process that overrides a file, as it is for."""

    sentence: str
    meant: bool


@dataclass(frozen=True, slots=True)
class Layers:
    """The winning value of every setting that is set anywhere, and what is wrong with the sources.

    ``disagreements`` has an item for each setting that two sources set to different values.
    """

    values: dict[str, Raw] = field(default_factory=dict)
    faults: list[SettingFault] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SettingNames:
    """The settings there are, and those that shape the routes, which are needed before AWS is asked."""

    known: frozenset[str]
    early: frozenset[str]

    @property
    def understood(self) -> frozenset[str]:
        """Every name that a source of ours may hold."""
        return self.known | {name + _FROM_FILE for name in self.known} | _AWS


_AWS = frozenset(AwsSettings.__annotations__)


def read_layers(
    directory: Path, environ: Mapping[str, str], names: SettingNames, *, aws: bool = True
) -> Layers:
    """Reads every source, AWS unless told otherwise. Only the process may hold names that are not ours."""
    layers = Layers()
    process = _read_process(environ, names, layers.faults)
    base = _read_file(directory / ".env", names, layers.faults)
    chosen = process.get("ENVIRONMENT") or base.get("ENVIRONMENT")
    environment = chosen.text.strip() if chosen else ""
    own: dict[str, Raw] = {}
    if environment in ENVIRONMENTS:
        own = _read_file(directory / f".env.{environment}", names, layers.faults)
        said = own.pop("ENVIRONMENT", None)
        if said is not None and said.text.strip() != environment:
            message = (
                f"the file is for `{environment}` and must not say another environment; take the line out"
            )
            layers.faults.append(SettingFault("ENVIRONMENT", said.origin, message))
    sources = [process, own, base]
    if aws:
        sources += _read_aws(base | own | process, names, layers.faults)
    sources = [_with_files(source, directory, names, layers.faults) for source in sources]
    for name in chain.from_iterable(sources):
        _settle(name, [source[name] for source in sources if name in source], layers)
    return layers


def _settle(name: str, given: list[Raw], layers: Layers) -> None:
    """Takes the value of the first source, and says so where another one has a different value."""
    winner = given[0]
    if name in layers.values:
        return
    layers.values[name] = winner
    others = [each.origin for each in given[1:] if each.text.strip() != winner.text.strip()]
    if others:
        verb = "says" if len(others) == 1 else "say"
        sentence = f"{name} is taken from {winner.origin}; {' and '.join(others)} {verb} something else"
        layers.disagreements.append(
            Disagreement(sentence, meant=len(others) == 1 and winner.origin.startswith("environment"))
        )


def _read_process(
    environ: Mapping[str, str], names: SettingNames, faults: list[SettingFault]
) -> dict[str, Raw]:
    ours = {name: Raw(environ[name], "environment") for name in environ.keys() & names.understood}
    for name in sorted(environ.keys() - ours.keys()):
        meant = _misspelled(name, names.known)
        if meant:
            faults.append(
                SettingFault(
                    visible(name[:64]), "environment", f"there is no such setting; did you mean `{meant}`?"
                )
            )
    return ours


def _misspelled(name: str, known: Iterable[str]) -> str:
    """The setting that somebody meant by a name that is nearly it; "" for a name that is likely somebody else's."""
    if name.upper() in _FAIL_OPEN:
        return _FAIL_OPEN[name.upper()]
    if len(name) < _SHORTEST_MISSPELLED:
        return ""
    return most_alike(name.upper(), known, 0.9)


def _read_aws(
    given: Mapping[str, Raw], names: SettingNames, faults: list[SettingFault]
) -> list[dict[str, Raw]]:
    """What the named secret and the named parameters of AWS hold: one source each."""
    sources = []
    for name in sorted(_AWS & given.keys()):
        wanted = given[name].text.strip()
        if not wanted:
            continue
        try:
            found = read_aws(name, wanted)
        except ValueError as error:
            faults.append(SettingFault(name, given[name].origin, str(error)))
            continue
        source = {key: Raw(text, f"{name} `{wanted}`") for key, text in found.items()}
        for key in sorted(source):
            message = _aws_fault(key, names)
            if message:
                faults.append(SettingFault(visible(key[:64]), source.pop(key).origin, message))
        sources.append(source)
    return sources


def _aws_fault(key: str, names: SettingNames) -> str:
    if key not in names.understood or key in _AWS:
        return f"there is no such setting{_suggestion(key, names.known)}"
    if key.removesuffix(_FROM_FILE) in names.early:
        return "cannot come from AWS, which is asked later; set it in the process environment or an env file"
    return ""


def _with_files(
    source: dict[str, Raw], directory: Path, names: SettingNames, faults: list[SettingFault]
) -> dict[str, Raw]:
    """``source`` with the content of each file that a ``NAME_FILE`` in it names as the value of ``NAME``."""
    values = {name: raw for name, raw in source.items() if name in names.known}
    for key in sorted(source.keys() - names.known - _AWS):
        name, (path, origin) = key.removesuffix(_FROM_FILE), source[key]
        if not path.strip():
            continue
        if name in values and values[name].text.strip():
            faults.append(
                SettingFault(key, origin, f"cannot stand beside {name} itself; keep one of the two")
            )
            continue
        try:
            values[name] = Raw(_secret(directory / path.strip()), f"{origin}, from the file in {key}")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            faults.append(SettingFault(key, origin, f"names a file that cannot be used: {reason}"))
    return values


def _secret(path: Path) -> str:
    """The text of a file that holds one value. Raises ``OSError``, or ``ValueError`` for what is no such text."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_SECRET + 1)
    if len(content) > _LARGEST_SECRET:
        raise ValueError("it is larger than 64 KiB")
    try:
        return content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


def _read_file(path: Path, names: SettingNames, faults: list[SettingFault]) -> dict[str, Raw]:
    try:
        # A byte-order mark is what some editors put in front; it is no part of the first key.
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        faults.append(SettingFault(path.name, "", f"cannot be read: {error.strerror}"))
        return {}
    except UnicodeDecodeError as error:
        faults.append(
            SettingFault(path.name, "", f"is not UTF-8 text (byte {error.start}); save it as UTF-8")
        )
        return {}
    values: dict[str, Raw] = {}
    for binding in parse_stream(io.StringIO(text)):
        fault = _binding_fault(binding, path.name, values, names)
        if fault is not None:
            faults.append(fault)
        elif binding.key is not None and binding.value is not None:
            values[binding.key] = Raw(binding.value, f"{path.name} line {_line(binding)}")
    return values


def _binding_fault(
    binding: Binding, file: str, seen: Mapping[str, Raw], names: SettingNames
) -> SettingFault | None:
    """What is wrong with one line. The line itself is not quoted: it may be half of a secret."""
    origin = f"{file} line {_line(binding)}"
    if binding.error:
        return SettingFault(
            file, f"line {_line(binding)}", "cannot be understood; write NAME=value, and close every quote"
        )
    if binding.key is None:
        return None
    if binding.key not in names.understood:
        suggestion = _suggestion(binding.key, names.known)
        return SettingFault(visible(binding.key[:64]), origin, f"there is no such setting{suggestion}")
    if binding.value is None:
        return SettingFault(binding.key, origin, "has no value; write NAME=value")
    if binding.key in seen:
        return SettingFault(
            binding.key, origin, f"is set a second time (first in {seen[binding.key].origin}); keep one"
        )
    return None


def _line(binding: Binding) -> int:
    """The line that the key stands on: a binding begins with the blank lines before it."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _suggestion(key: str, known: Iterable[str]) -> str:
    close = most_alike(key.upper(), known, 0.7)
    return f"; did you mean `{close}`?" if close else "; docs/settings.md lists them all"
