"""People whom nothing tells apart are asked about once, and that changes no answer and hides no failure."""

from collections.abc import Sequence
from random import Random

import pytest

from rbac import Policy
from rbac.policy_tests.questions import questions
from rbac.policy_tests.run import ask_all, hold
from rbac.policy_tests.scenario_file import parse_suite
from rbac.space.alike import alike
from tests.support import random_policies as small
from tests.support.command import ROOT
from tests.support.random_documents import ACTS, ADDED_PATHS, DOMAINS, KINDS, NAMES, Kind, Row

MODEL = (ROOT / "model.conf").read_bytes()
RULES = (ROOT / "policy.csv").read_bytes()
TESTS = {str(file): file.read_bytes() for file in sorted((ROOT / "policy_tests").iterdir())}

PEOPLE = (
    *(f"{number:08x}-0000-4000-8000-{number:012x}" for number in range(4)),
    # As a path these would open everything, or nothing that is asked for.
    "/*|x",
    "/nowhere*|x",
)
# Where a person's name counts as more than a name.
BEYOND = (
    Kind("a person's own things", "sub, role, obj, act", "role, obj, act, eft", ("r.sub == r.obj || WHO && WHAT",)),
    Kind("people by pattern", "sub, role, obj, act", "role, obj, act, eft", ("keyMatch(r.sub, p.role) && WHAT && HOW",)),
    Kind("a person spelled", "sub, role, obj, act", "role, obj, act, eft", (f'r.sub == "{PEOPLE[0]}" || WHO && HOW',)),
    Kind("rules by their person", "sub, role, obj, act", "role, obj, act, eft", ("WHO && keyMatch(r.obj, p.role)",)),
)  # fmt: skip


def with_people(kind: Kind, dice: Random) -> list[Row]:
    """Random rows, and a few of a small choice in which people stand: where roles do, in links, and elsewhere."""
    shapes = [kind.rule(dice) for _ in range(2)] + [kind.link(dice)]
    rows = kind.rows(dice)
    for person in PEOPLE:
        for row in dice.sample(shapes, dice.randrange(3)):
            usual = (
                1
                if row[0] == "g"
                else 1 + kind.columns.split(", ").index("role" if "role" in kind.columns else "sub")
            )
            place = usual if dice.random() < 0.9 else dice.randrange(1, len(row))
            rows.append((*row[:place], person, *row[place + 1 :]))
    if dice.random() < 0.1:
        rows.append(("g", *dice.sample(PEOPLE, 2), *(("acme",) if kind.domains else ())))
    dice.shuffle(rows)
    return list(dict.fromkeys(rows))


def parsed(kind: Kind, dice: Random) -> Policy | None:
    """A random policy of this kind, ``None`` where the document is one that is refused."""
    from rbac import PolicyError

    text = "".join(", ".join(row) + "\n" for row in with_people(kind, dice))
    try:
        return Policy.parse(kind.model(dice).encode(), text.encode())
    except PolicyError:
        return None


def everything(policy: Policy, word: str, dice: Random) -> list[dict[str, str]]:
    """Sixty requests but for ``word``: words of the documents' own, and none that is a person's name."""
    words = {"obj": (*small.PATHS, *ADDED_PATHS), "act": ACTS, "dom": DOMAINS}
    asked = [name for name in policy.words if name != word]
    return [{name: dice.choice(words.get(name, NAMES)) for name in asked} for _ in range(60)]


@pytest.mark.parametrize("kind", [*KINDS, *BEYOND], ids=lambda kind: kind.name)
def test_those_who_are_alike_are_answered_alike(kind: Kind) -> None:
    """A brute force: whoever is in one class with somebody gets the same answer to every request."""
    dice = Random(kind.name)
    joined = 0
    for _ in range(60):
        policy = parsed(kind, dice)
        if policy is None:
            continue
        shape = policy.document.definition.shape
        for word in filter(None, dict.fromkeys((shape.sub, shape.role))):
            requests = everything(policy, word, dice)
            for first, *others in alike(policy, word, PEOPLE, ()):
                joined += len(others) if word == shape.sub else 0
                for request in requests:
                    usual = policy.decide(**request, **{word: first}).allowed
                    for other in others:
                        assert policy.decide(**request, **{word: other}).allowed is usual, (
                            first,
                            other,
                            request,
                        )
    assert bool(joined) is ((kind in KINDS and kind.name != "priorities") or kind.name == "a person spelled")


def test_the_classes_are_the_people_each_once() -> None:
    dice = Random(0)
    for kind in KINDS * 10:
        policy = parsed(kind, dice)
        if policy is not None:
            shape = policy.document.definition.shape
            found = alike(policy, shape.sub, PEOPLE, ())
            assert sorted(name for each in found for name in each) == sorted(PEOPLE)


def test_who_stands_in_a_test_is_asked_alone() -> None:
    policy = Policy.parse(MODEL, RULES + "".join(f"p, {name}, /*, *, deny\n" for name in PEOPLE).encode())
    others = sorted(name for name in PEOPLE if name != PEOPLE[2])
    assert set(alike(policy, "sub", PEOPLE, {PEOPLE[2]})) == {tuple(others), (PEOPLE[2],)}


def suite(*tests: str) -> dict[str, bytes]:
    return {"t.yaml": ("suite: s\ntests:\n" + "".join(f"  - {test}\n" for test in tests)).encode()}


@pytest.mark.parametrize(
    ("rows", "tests", "failing"),
    [
        ([f"g, {name}, admin" for name in PEOPLE[:4]], "only: [admin], can: [GET /admin]", PEOPLE[:4]),
        ([f"p, {name}, /admin, GET, allow" for name in PEOPLE], "only: [admin], can: [GET /admin]", PEOPLE),
        (
            [f"g, {name}, admin" for name in PEOPLE],
            f"only: [admin, {PEOPLE[1]}, {PEOPLE[4]}], can: [GET /admin]",
            [name for name in PEOPLE if name not in {PEOPLE[1], PEOPLE[4]}],
        ),
        ([f"p, {name}, /*, *, deny" for name in PEOPLE], "only: [everyone], can: [GET /]", []),
        ([f"p, {name}, /*, *, deny" for name in PEOPLE], f"only: [admin, {PEOPLE[3]}], can: [GET /admin]", PEOPLE[3:4]),
    ],
)  # fmt: skip
def test_everybody_of_whom_a_test_fails_is_named(rows: list[str], tests: str, failing: Sequence[str]) -> None:
    policy = Policy.parse(MODEL, RULES + "".join(f"{row}\n" for row in rows).encode())
    found = hold(policy, suite(f"{{name: n, {tests}}}")).problems
    assert len(found) == len(failing)
    for name in failing:
        assert any(f"{name} can" in problem.message for problem in found), name


def test_to_ask_one_of_each_finds_what_asking_everybody_finds() -> None:
    """On random policies and a test for each pair of a role and an endpoint, the same cases fail."""
    dice = Random(7)
    failed = 0
    for _ in range(40):
        policy = parsed(KINDS[0], dice)
        if policy is None or not policy.roles:
            continue
        tests = [
            f'{{name: n{number}, only: ["{dice.choice(policy.roles)}"], can: [GET "/a"]}}'.replace(
                '"/a"', path
            )
            for number, path in enumerate(("/a", "/a/b", "/files/1"))
        ]
        content = suite(*tests)["t.yaml"]
        read, _ = parse_suite(content, "t.yaml")
        if read is None:
            continue
        whole = ask_all(policy, questions(policy, [read]))
        compact = ask_all(policy, questions(policy, [read], one_of_each=True))
        assert sorted(case.says() for case in compact.failures) == sorted(
            case.says() for case in whole.failures
        )
        failed += len(compact.failures)
    assert failed > 20


def test_a_thousand_people_more_who_are_alike_are_no_question_more() -> None:
    def asked(people: int) -> int:
        lines = "".join(
            f"p, {number:08x}-0000-4000-8000-000000000000, /*, *, deny\n"
            f"g, {number:08x}-0000-4000-8000-00000000000f, user\n"
            for number in range(people)
        )
        policy = Policy.parse(MODEL, RULES + lines.encode())
        suites = [read for read, _ in (parse_suite(content, name) for name, content in TESTS.items()) if read]
        return len(questions(policy, suites, one_of_each=True))

    assert asked(1_000) == asked(1) > 0
