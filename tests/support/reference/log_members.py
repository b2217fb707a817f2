"""docs/decision-log-members.md: every member of a line of the decision log, as its JSON Schema has it."""

import json
from typing import Any, Final

from tests.support.command import ROOT
from tests.support.reference.tables import code, table

HEAD: Final = """# Members of the decision log

Each line is one JSON object, and its `event` says which of these it is. The schema (JSON Schema 2020-12) is
[decision-log.schema.json](decision-log.schema.json); no line has a member besides. [The decision log](decision-log.md) says where lines go and how
they are used.
"""
SCHEMA: Final[dict[str, Any]] = json.loads(
    (ROOT / "docs/decision-log.schema.json").read_text(encoding="utf-8")
)
_KINDS: Final = {
    "decision": "The policy was asked.",
    "rejection": "An answer that no decision led to. There is no `sub`: nobody knows who it was.",
    "loss": "Records are missing here: the log could not be written for so long that there was no room to keep them.",
}


def page() -> str:
    """The page."""
    kinds = [each["$ref"].rsplit("/", 1)[1] for each in SCHEMA["oneOf"]]
    parts = [HEAD]
    for kind in kinds:
        definition = SCHEMA["$defs"][kind]
        parts += [f"## `{kind}`\n", _KINDS[kind] + "\n", _members(definition)]
    return "\n".join(parts)


def _members(definition: dict[str, Any]) -> str:
    rows = []
    for name, written in definition["properties"].items():
        member = {**_resolved(written), **written}
        always = "" if name in definition["required"] else "not always"
        rows.append((code(name), _kind(member), always, _meaning(member)))
    return table(("member", "is", "there", "meaning"), rows) + "\n"


def _resolved(written: dict[str, Any]) -> dict[str, Any]:
    at = written.get("$ref")
    return dict(SCHEMA["$defs"][at.rsplit("/", 1)[1]]) if at else written


def _kind(member: dict[str, Any]) -> str:
    kind = member.get("type")
    if kind is None:
        values = [member["const"]] if "const" in member else member.get("enum", [])
        return "text" if all(isinstance(value, str) for value in values) else "boolean"
    names = {"string": "text", "array": "list", "integer": "whole number", "null": "`null`"}
    return " or ".join(names.get(each, each) for each in ([kind] if isinstance(kind, str) else kind))


def _meaning(member: dict[str, Any]) -> str:
    said = str(member.get("description", ""))
    if "const" in member:
        values = f"Always `{json.dumps(member['const'])}`."
    else:
        values = ", ".join(f"`{value}`" for value in member.get("enum", []))
        values = f"One of {values}." if values else ""
    return f"{said} {values}".strip()
