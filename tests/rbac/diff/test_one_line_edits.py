"""A one-line edit of each kind: what diff finds quickly is what asking about everything finds."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random

import pytest

from rbac.diff import diff as diffs
from rbac.diff.diff import diff
from rbac.diff.differences import Change, Diff
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.space import word_values

MODEL = (Path(__file__).parents[3] / "model.conf").read_bytes()
PEOPLE = ("ann@example.com", "bob@example.com", "eve@example.com")
ROLES = ("admin", "editor", "viewer")
PATHS = ("/a", "/a/{id}", "/a/*", "/a/b", "/b/{id}/c", "/b/x/c", "/b/*", "/*", "/", "/a/", "/{x}/c")
ACTS = ("GET", "PUT", "*")
Row = tuple[str, ...]
KINDS: Mapping[str, Callable[[Random], Row]] = {
    "a rule": lambda dice: ("p", dice.choice(ROLES), dice.choice(PATHS), dice.choice(ACTS), "allow"),
    "a deny": lambda dice: ("p", dice.choice(ROLES), dice.choice(PATHS), dice.choice(ACTS), "deny"),
    "everything": lambda dice: ("p", dice.choice(ROLES), "/*", "*", "allow"),
    "a role": lambda dice: ("g", dice.choice(PEOPLE), dice.choice(ROLES)),
    "an inherited role": lambda dice: ("g", *dice.sample(ROLES, 2)),
    "a lock-out": lambda dice: ("p", dice.choice(PEOPLE), "/*", "*", "deny"),
    "open to everyone": lambda _dice: ("p", "everyone", "/*", "GET", "allow"),
    "closed to any token": lambda dice: ("p", "authenticated", "/*", dice.choice(ACTS), "deny"),
}
SEGMENTS = ("", "a", "b", "c", "x", "other")
ASKED = [f"/{'/'.join(parts)}" for length in (1, 2, 3) for parts in product(SEGMENTS, repeat=length)]
each_kind = pytest.mark.parametrize("kind", KINDS)


def pairs(kind: str, count: int) -> Iterator[tuple[Policy, Policy]]:
    """Random documents and the same with one line more, and the other way round."""
    for seed in range(count):
        dice = Random(f"{kind} {seed}")
        names = (*ROLES, *PEOPLE, "everyone", "authenticated")
        rows: set[Row] = {
            ("p", dice.choice(names), dice.choice(PATHS), dice.choice(ACTS), dice.choice(("allow", "deny")))
            for _ in range(8)
        }
        rows |= {("g", dice.choice((*PEOPLE, "editor")), dice.choice(("admin", "viewer"))) for _ in range(3)}
        edit = KINDS[kind](dice)
        before = sorted(rows - {edit})
        place = dice.randrange(len(before) + 1)
        try:
            both = [read(before), read([*before[:place], edit, *before[place:]])]
        except PolicyError:  # roles that inherit from each other
            continue
        yield both[0], both[1]
        yield both[1], both[0]


def read(rows: Sequence[Row]) -> Policy:
    return Policy.parse(MODEL, "".join(", ".join(row) + "\n" for row in rows).encode())


def rules(change: Change) -> tuple[int | None, int | None]:
    old, new = change.old.rule, change.new.rule
    return old.line if old else None, new.line if new else None


def told(found: Diff) -> set[tuple[str, str, tuple[int | None, int | None]]]:
    """Who asks with which role, none or one, and which rules decide before and after."""
    return {
        (change.caller.words["sub"], change.caller.words["role"], rules(change))
        for change in (*found.cells, *found.people)
        if not change.caller.roles
    }


@each_kind
def test_who_gains_and_loses_is_what_asking_everybody_for_everything_finds(kind: str) -> None:
    for old, new in pairs(kind, 6):
        found = diff(old, new)
        seen = told(found)
        somebody = next(
            (c.caller.words["sub"] for c in found.cells if c.caller.kind in {"token", "role"}), "somebody"
        )
        people = {name for policy in (old, new) for name in policy.names().subjects} | {
            name for policy in (old, new) for name in policy.names().singled_out
        }
        roles = {name for policy in (old, new) for name in policy.names().roles}
        alone = [("", ""), (somebody, ""), *((somebody, role) for role in roles)]
        alone += [(name, "") for name in people]
        both = list(product(people, roles))
        asked: set[tuple[str, str, tuple[int | None, int | None]]] = set()
        for (sub, role), obj, act in product((*alone, *both), ASKED, ("GET", "PUT", "POST")):
            before, after = (policy.decide_request((sub, role, obj, act)) for policy in (old, new))
            if before.allowed == after.allowed:
                continue
            lines = (
                before.rule.line if before.rule else None,
                after.rule.line if after.rule else None,
            )
            asked.add((sub, role, lines))
            # People with a role in their token are told of where a rule about them changes; else by some example.
            assert (sub, role, lines) in seen or ((sub, role) in both and not found.equivalent), (
                sub,
                role,
                obj,
                act,
            )
        known = {*alone, *both}
        assert {one for one in seen if one[:2] in known} <= asked


@each_kind
def test_plain_templates_read_by_segment_show_what_they_show_read_by_character(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for old, new in pairs(kind, 6):
        by_segment = diff(old, new)
        with monkeypatch.context() as patch:
            patch.setattr(word_values, "plain_steps", lambda _function, _pattern, _readers: None)
            by_character = diff(old, new)
        assert told(by_segment) == told(by_character)
        assert (by_segment.equivalent, by_segment.notes) == (by_character.equivalent, by_character.notes)
        assert len(by_segment.cells) == len(by_character.cells)
        assert len(by_segment.people) == len(by_character.people)


@each_kind
@pytest.mark.parametrize("most", [0, 5])
def test_what_is_folded_is_counted_and_no_endpoint_is_lost(
    kind: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = 0
    for old, new in pairs(kind, 6):
        each = diff(old, new)
        with monkeypatch.context() as patch:
            patch.setattr(diffs, "MOST_CELLS", most)
            few = diff(old, new)
        counts: list[Counter[tuple[str, bool]]] = []
        for found in (each, few):
            counts.append(Counter())
            for change in (*found.cells, *found.people):
                counts[-1][change.endpoint.label, change.granted] += 1 + change.also
        assert counts[0] == counts[1]
        assert each.equivalent == few.equivalent
        folded += any(change.also for change in (*few.cells, *few.people))
    assert folded or kind not in {"everything", "a lock-out", "open to everyone"}
