"""Models, policies and requests that stock Casbin and ours are both asked about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import casbin
from casbin.core_enforcer import EnforceContext
from casbin.model.model import Model
from casbin.persist.adapter import Adapter, load_policy_line

from rbac.engine.enforcer import IndexedEnforcer

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests/data/casbin"
REAL = ROOT / "tests/data"

Answer = tuple[Any, Any]


class Lines(Adapter):
    """A policy as text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def load_policy(self, model: Model) -> None:
        for line in self.text.splitlines():
            load_policy_line(line.strip(), model)


class Rows(Adapter):
    """A policy as rows, whatever they hold."""

    def __init__(self, **rows: list[list[Any]]) -> None:
        self.rows = rows

    def load_policy(self, model: Model) -> None:
        for ptype, rows in self.rows.items():
            model.model[ptype[0]][ptype].policy.extend(list(row) for row in rows)


class Subject(NamedTuple):
    """A model and a policy under test."""

    name: str
    model: str
    policy: str

    def stock(self) -> casbin.Enforcer:
        return casbin.Enforcer(model_of(self.model), Lines(self.policy))

    def ours(self) -> IndexedEnforcer:
        return IndexedEnforcer(model_of(self.model), Lines(self.policy))


def model_of(text: str) -> Model:
    """A Casbin model from its text."""
    model: Model = casbin.Enforcer.new_model(text=text)
    return model


@dataclass(frozen=True)
class Case:
    """One request with the answer Casbin's own tests ask for."""

    source: str
    subject: Subject
    request: list[Any]
    expected: Any
    explain: Any


@cache
def cases() -> tuple[Case, ...]:
    """All of Casbin's own cases."""
    return tuple(
        Case(
            case["source"],
            Subject(case.get("model_file") or case["source"], case["model"], case["policy"]),
            [value_of(word) for word in case["request"]],
            case["expected"],
            case.get("explain"),
        )
        for name in ("python", "go", "editor", "typed")
        for case in json.loads((CASES / f"cases_{name}.json").read_text("utf-8"))
    )


def value_of(word: Any) -> Any:
    """A request value as the cases write it: an object, a dict, a context, or what JSON says."""
    if not isinstance(word, dict):
        return word
    if "$attrs" in word:
        return SimpleNamespace(**{name: value_of(value) for name, value in word["$attrs"].items()})
    if "$dict" in word:
        return {name: value_of(value) for name, value in word["$dict"].items()}
    return EnforceContext(*word["$ctx"])


def real(name: str) -> Subject:
    """A real policy: ``k8s/resources``, ``k8s/urls`` or ``github/``."""
    prefix = f"{name}_" if not name.endswith("/") else name
    return Subject(
        name,
        (REAL / f"{prefix}model.conf").read_text("utf-8"),
        (REAL / f"{prefix}policy.csv").read_text("utf-8"),
    )


def real_vectors(name: str) -> list[dict[str, Any]]:
    """The requests of a real policy with their answers."""
    prefix = f"{name}_" if not name.endswith("/") else name
    vectors: list[dict[str, Any]] = json.loads((REAL / f"{prefix}vectors.json").read_text("utf-8"))
    return vectors


REAL_NAMES = ("k8s/resources", "k8s/urls", "github/")


def subjects() -> Iterator[Subject]:
    """Every model and policy there is, each once."""
    yield Subject(
        "shipped", (ROOT / "model.conf").read_text("utf-8"), (ROOT / "policy.csv").read_text("utf-8")
    )
    yield from map(real, REAL_NAMES)
    seen = set()
    for case in cases():
        key = (case.subject.model, case.subject.policy)
        if key not in seen:
            seen.add(key)
            yield case.subject


def answer(enforcer: casbin.Enforcer, request: Any) -> Answer:
    """What an enforcer answers, rule included, or the type of the exception it raises."""
    try:
        allowed, rule = enforcer.enforce_ex(*request)
    except Exception as error:  # noqa: BLE001 - whatever one raises, the other has to raise
        return type(error), None
    return allowed, rule
