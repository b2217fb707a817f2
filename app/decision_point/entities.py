"""What the decision point knows of subjects, resources and actions: ``PDP_ENTITIES``, a JSON file, read at the start.

It fills in, property by property, what a request leaves out, and is what searches range over.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from app.decision_point.question import LONGEST
from rbac.text.visible import has_control

Properties = Mapping[str, Any]
_KINDS = ("subjects", "resources", "actions")
_NONE: Properties = {}


class EntitiesError(ValueError):
    """A file of entities that the service must not start with: ``faults`` is the whole list."""

    code = "entities_refused"

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Entities:
    """The known entities, each with its properties: subjects and resources by type and id, actions by name.

    All in the order of the file.
    """

    subjects: Mapping[str, Mapping[str, Properties]] = field(default_factory=dict)
    resources: Mapping[str, Mapping[str, Properties]] = field(default_factory=dict)
    actions: Mapping[str, Properties] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Entities":
        """The entities in a file. Raises :class:`EntitiesError` with everything that is wrong with it."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise EntitiesError([f"{path}: {error.strerror or error}"]) from error
        return cls.parse(content, str(path))

    @classmethod
    def parse(cls, text: bytes, name: str = "entities.json") -> "Entities":
        """The entities in ``text``; ``name`` is for the faults of an :class:`EntitiesError`."""
        faults: list[str] = []
        try:
            content = orjson.loads(text)
            json.loads(text, object_pairs_hook=partial(_unrepeated, faults))
        except (ValueError, RecursionError) as error:
            raise EntitiesError([f"{name}: not JSON: {error}"]) from error
        found: dict[str, dict[tuple[str, ...], Properties]] = {kind: {} for kind in _KINDS}
        if isinstance(content, dict):
            faults += [f"unknown member `{member}`" for member in content if member not in _KINDS]
            for kind in _KINDS:
                faults += _read_list(kind, content.get(kind, []), found[kind])
        else:
            faults.append("must be an object with `subjects`, `resources` and `actions`")
        if faults:
            raise EntitiesError([f"{name}: {fault}" for fault in faults])
        return cls(
            subjects=_by_type(found["subjects"]),
            resources=_by_type(found["resources"]),
            actions={name: properties for (name,), properties in found["actions"].items()},
        )

    def subject(self, given: Mapping[str, Any]) -> Properties:
        """What is known of this subject; nothing, if it is not known."""
        return self.subjects.get(given["type"], {}).get(given["id"], _NONE)

    def resource(self, given: Mapping[str, Any]) -> Properties:
        """What is known of this resource; nothing, if it is not known."""
        return self.resources.get(given["type"], {}).get(given["id"], _NONE)

    def action(self, given: Mapping[str, Any]) -> Properties:
        """What is known of this action; nothing, if it is not known."""
        return self.actions.get(given["name"], _NONE)


NO_ENTITIES = Entities()


def _unrepeated(faults: list[str], pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        faults += [
            f"`{name}` is given twice in one object"
            for name in sorted({n for n in names if names.count(n) > 1})
        ]


def _read_list(kind: str, entries: object, found: dict[tuple[str, ...], Properties]) -> Iterator[str]:
    """The faults of one list; what is right goes into ``found``."""
    if not isinstance(entries, list):
        yield f"`{kind}` must be a list"
        return
    required = ("name",) if kind == "actions" else ("type", "id")
    for number, entry in enumerate(entries, 1):
        where = f"`{kind}`, entry {number}"
        faults = list(_faults(entry, required))
        if faults:
            yield from (f"{where}: {fault}" for fault in faults)
            continue
        key = tuple(entry[name] for name in required)
        if key in found:
            yield f"{where}: {' '.join(f'`{part}`' for part in key)} is there already"
        found[key] = entry.get("properties", _NONE)


def _faults(entry: object, required: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "must be an object"
        return
    for name in required:
        value = entry.get(name)
        if not isinstance(value, str) or not value:
            yield f"`{name}` must be a string that is not empty" if name in entry else f"`{name}` is missing"
        elif len(value) > LONGEST or has_control(value):
            yield f"`{name}` is longer than {LONGEST} characters, or holds a control character"
    if not isinstance(entry.get("properties", {}), dict):
        yield "`properties` must be an object"
    yield from (f"unknown member `{name}`" for name in entry if name not in {*required, "properties"})


def _by_type(found: Mapping[tuple[str, ...], Properties]) -> dict[str, dict[str, Properties]]:
    typed: dict[str, dict[str, Properties]] = {}
    for (kind, identifier), properties in found.items():
        typed.setdefault(kind, {})[identifier] = properties
    return typed
