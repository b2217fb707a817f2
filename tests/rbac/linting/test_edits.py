"""Edits of a shop's policy as people make them, most with one mistake: `rbac check` says what each of them needs."""

import base64
import difflib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.command import Workshop, rbac

EDITS: Final = Path(__file__).parents[2] / "data" / "edits"
SHOP: Final = EDITS / "shop"
POLICY: Final = (SHOP / "policy.csv").read_text(encoding="utf-8")
ENTRIES: Final[list[dict[str, str]]] = json.loads((EDITS / "edits.json").read_text(encoding="utf-8"))
ROUTES: Final = ("none", str(SHOP / "routes.json"))


Problems = list[dict[str, Any]]


def edited(entry: dict[str, str]) -> bytes:
    """The policy file as it is after the edit."""
    if "policy_base64" in entry:
        return base64.b64decode(entry["policy_base64"])
    return entry.get("policy", POLICY + entry.get("append", "")).encode()


def edited_lines(after: bytes) -> set[int]:
    """The lines of the file that the edit wrote, from 1; 0, which is the whole file, if it left no line as it was."""
    old = POLICY.encode().split(b"\n")
    new = after.split(b"\n")
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    kept = {line for block in blocks for line in range(block.b + 1, block.b + block.size + 1)}
    rules_kept = any(new[line - 1][:1] not in (b"", b"#") for line in kept)
    return {*range(1, len(new) + 1)} - kept | (set() if rules_kept else {0})


def checked(folder: Path, policy: bytes, model: str, routes: str) -> Problems:
    """What `rbac check` says of a document."""
    shop = Workshop(folder)
    shop.write("model.conf", model)
    shop.write("policy.csv", policy)
    done = rbac(
        "check", "--model", shop.model, "--policy", shop.policy, "--routes", routes, "--format", "json"
    )
    problems: Problems = done.json["problems"]
    assert done.code == any(problem["severity"] == "error" for problem in problems)
    return problems


def is_told(entry: dict[str, str], problems: Problems, *, routes: bool) -> bool:
    """Whether these problems are what the edit needs, with or without known routes."""
    here = edited_lines(edited(entry))
    said = [p for p in problems if Path(p["file"]).name == "policy.csv" and p["line"] in here]
    match entry["told"]:
        case "nothing":
            return not problems
        case "model":
            return bool(problems)
        case "refused":
            return any(problem["severity"] == "error" for problem in said)
        case "with routes":
            return bool(said) or not routes
    return bool(said)


@pytest.mark.parametrize("routes", ROUTES, ids=["no_routes", "routes"])
def test_the_shop_itself_is_clean(tmp_path: Path, routes: str) -> None:
    model = (SHOP / "model.conf").read_text(encoding="utf-8")
    assert checked(tmp_path, POLICY.encode(), model, routes) == []


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry["id"] for entry in ENTRIES])
def test_an_edit_is_told_where_it_is_wrong_and_left_alone_where_it_is_right(
    entry: dict[str, str], tmp_path: Path
) -> None:
    model = entry.get("model") or (SHOP / "model.conf").read_text(encoding="utf-8")
    found = [checked(tmp_path, edited(entry), model, routes) for routes in ROUTES]
    told = all(
        is_told(entry, problems, routes=routes != "none")
        for problems, routes in zip(found, ROUTES, strict=True)
    )
    assert told, found
