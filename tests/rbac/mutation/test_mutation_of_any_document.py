"""Breaking a document line by line never dies, whatever the model, and what comes of it is a document that loads."""

from random import Random

import pytest

from rbac.document.document import Document
from rbac.errors import PolicyError
from rbac.mutation.mutants import apply, mutations_of
from rbac.mutation.run import mutate
from rbac.policy import Policy
from tests.support import random_policies as small
from tests.support.casbin_cases import Subject, cases
from tests.support.random_documents import KINDS, Kind

# A column of priorities sorts the rules under any effect.
SORTED = Kind(
    "priorities under any effect",
    "sub, role, obj, act",
    "priority, role, obj, act, eft",
    ("WHO && WHAT && HOW", "WHO && WHAT && HOW || r.sub == 'root'"),
    effects=tuple(effect.replace("p_eft", "p.eft") for effect in small.EFFECTS.values()),
)
AWKWARD = (
    "/x\\(a/b\\)",
    "/x\\[a/b\\]",
    "/x(a|b)/c",
    "/x[a/b]",
    "(a,b)/c/d",
    "/a/(b/*)",
    "/{x(y}/{z)w}",
    "(/*)",
    "/a\\",
)


# Of a document for measurements, with thousands of lines that are alike, so many stand for all.
MOST_LINES = 40


def documents() -> dict[str, Policy]:
    """Policies that load, of Casbin's own models."""
    found: dict[str, Policy] = {}
    for case in cases():
        subject: Subject = case.subject
        if subject.name in found:
            continue
        try:
            rules = "\n".join(subject.policy.split("\n")[:MOST_LINES])
            found[subject.name] = Policy.parse(subject.model.encode(), rules.encode())
        except PolicyError:
            continue
    return found


DOCUMENTS = documents()


def survives(policy: Policy) -> None:
    """Mutation comes to an end, and every mutant of a rule is the document that its lines are, or refused as they are."""
    mutate(policy, [])
    document = policy.document
    for mutation in mutations_of(policy):
        if mutation.ptype != "p":
            continue
        lines = document.policy_bytes.decode("utf-8-sig").split("\n")
        lines[mutation.line - 1] = ", ".join(("p", *mutation.row)) if mutation.row is not None else ""
        try:
            read = Document.parse(document.model_bytes, "\n".join(lines).encode())
        except PolicyError:
            assert mutation.row is None
            with pytest.raises(PolicyError):
                apply(document, mutation)
            continue
        assert read.rows == apply(document, mutation).rows, mutation


@pytest.mark.parametrize("kind", [*KINDS, SORTED], ids=lambda kind: kind.name)
def test_mutation_of_a_random_document_comes_to_an_end(kind: Kind) -> None:
    """Of every kind of model, priorities under every effect among them."""
    read = 0
    for seed in range(3):
        dice = Random(f"{kind.name} {seed}")
        model, rows = kind.model(dice), kind.rows(dice)
        try:
            policy = Policy.parse(model.encode(), "\n".join(", ".join(row) for row in rows).encode())
        except PolicyError:
            continue
        survives(policy)
        read += 1
    assert read


@pytest.mark.parametrize("name", DOCUMENTS)
def test_mutation_of_casbins_own_documents_comes_to_an_end(name: str) -> None:
    """Whatever Casbin has a model for: attributes, domains, priorities, conditions, resource roles."""
    survives(DOCUMENTS[name])


@pytest.mark.parametrize("pattern", AWKWARD)
@pytest.mark.parametrize("function", ["keyMatch2", "keyMatch4", "regexMatch"])
def test_no_mutant_of_a_pattern_with_brackets_is_refused(function: str, pattern: str) -> None:
    """Half of a pattern may be no column, or no pattern; it is then no mutant either."""
    model = small.model_text(
        small.EFFECTS["allow and deny"], small.WHO[0], f"{function}(r.obj, p.obj)", small.HOW[0]
    )
    try:
        policy = Policy.parse(
            model.encode(), f"p, user, {pattern}, GET, allow\np, admin, /b, *, allow\n".encode()
        )
    except PolicyError:
        return
    survives(policy)
