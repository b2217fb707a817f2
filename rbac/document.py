"""A policy document: a model and its rules, read strictly, every rule with its line; and its revision.

What stock Casbin would drop, misread or fail over at request time is refused here, all of it at once. What is
not refused means exactly what stock Casbin says it means.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from casbin.model.model import Model
from casbin.persist.adapter import Adapter

from rbac.decision import Rule
from rbac.document_errors import DocumentErrors
from rbac.errors import PolicyError, Problem
from rbac.model_file import Definition, read_model
from rbac.policy_file import Kind, read_rows, rows_in_file_order
from rbac.source import decode

Pause = Callable[[], None]


def revision(model: bytes, policy: bytes) -> str:
    """The first 12 hex digits of SHA-256 over the model's bytes, a zero byte, and the policy's bytes."""
    return hashlib.sha256(b"\0".join((model, policy))).hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A model and a policy that were read without an error.

    ``rows`` are Casbin's rows by type, in file order and without the type column; ``lines`` the line of each.
    ``warnings`` are what reading found (a byte-order mark, CRLF). Rows are shared, and not to be changed.
    """

    model_bytes: bytes
    policy_bytes: bytes
    model_name: str
    policy_name: str
    revision: str
    definition: Definition
    rows: Mapping[str, list[list[str]]]
    lines: Mapping[str, "array[int]"]
    warnings: tuple[Problem, ...]

    @classmethod
    def read(
        cls, model_path: str | Path, policy_path: str | Path, *, pause: Pause | None = None
    ) -> "Document":
        """The document in two files; raises as :meth:`parse` does; ``OSError`` for an unreadable file."""
        model, policy = Path(model_path).read_bytes(), Path(policy_path).read_bytes()
        return cls.parse(model, policy, model_name=str(model_path), policy_name=str(policy_path), pause=pause)

    @classmethod
    def parse(
        cls,
        model: bytes,
        policy: bytes,
        *,
        model_name: str = "model.conf",
        policy_name: str = "policy.csv",
        pause: Pause | None = None,
    ) -> "Document":
        """The document in these bytes; raises :class:`PolicyError` with every problem of both files.

        ``pause`` is called every few hundred lines, so that a thread that reads can let others run.
        """
        document, problems = check_bytes(
            model, policy, model_name=model_name, policy_name=policy_name, pause=pause
        )
        if document is None:
            raise PolicyError(problems)
        return document

    def rules(self) -> Iterator[Rule]:
        """Every rule and role link, in file order."""
        for line, ptype, row in rows_in_file_order(self.rows, self.lines):
            yield Rule(ptype, tuple(row), line)

    def casbin_model(self) -> Model:
        """A fresh Casbin model that holds no rows."""
        model = Model()
        model.load_model_from_text(decode(self.model_bytes, self.model_name).text)
        return model

    def adapter(self) -> "DocumentAdapter":
        """A Casbin adapter that loads this document's rows."""
        return DocumentAdapter(self)


class DocumentAdapter(Adapter):
    """Puts the rows of a document into a Casbin model, in file order. It saves nothing."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def load_policy(self, model: Model) -> None:
        for ptype, rows in self._document.rows.items():
            model[ptype[0]][ptype].policy.extend(rows)


def parse_definition(model: bytes, *, name: str = "model.conf") -> Definition:
    """The model in these bytes alone, whatever policy it is for; raises :class:`PolicyError` with all its problems."""
    source = decode(model, name)
    problems = [*source.problems]
    if source.text is not None:
        definition, entries, found = read_model(source.text, name)
        problems += found
        if definition is not None:
            problems += DocumentErrors(definition, entries, name).in_model()
            if not any(problem.severity == "error" for problem in problems):
                return definition
    raise PolicyError(problems)


def check_bytes(
    model: bytes,
    policy: bytes,
    *,
    model_name: str = "model.conf",
    policy_name: str = "policy.csv",
    pause: Pause | None = None,
) -> tuple[Document | None, tuple[Problem, ...]]:
    """The document, if it may decide, and all that reading found, sorted. Never raises."""
    model_source, policy_source = decode(model, model_name), decode(policy, policy_name)
    problems = [*model_source.problems, *policy_source.problems]
    warnings = (*model_source.warnings, *policy_source.warnings)
    definition: Definition | None = None
    kinds: dict[str, Kind] = {}
    if model_source.text is not None:
        definition, entries, found = read_model(model_source.text, model_name)
        problems += found
    if definition is not None and policy_source.text is not None:
        kinds, found = read_rows(policy_source.text, definition, policy_name, pause)
        errors = DocumentErrors(definition, entries, model_name)
        problems += (*found, *errors.in_model(), *errors.in_rows(kinds, policy_source.text, policy_name))
    everything = tuple(sorted((*problems, *warnings)))
    if definition is None or any(problem.severity == "error" for problem in problems):
        return None, everything
    document = Document(
        model_bytes=model,
        policy_bytes=policy,
        model_name=model_name,
        policy_name=policy_name,
        revision=revision(model, policy),
        definition=definition,
        rows=MappingProxyType({ptype: kind.rows for ptype, kind in kinds.items()}),
        lines=MappingProxyType({ptype: kind.lines for ptype, kind in kinds.items()}),
        warnings=everything,
    )
    return document, everything
