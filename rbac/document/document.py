"""A policy document: a model and its rules, read strictly, every rule with its line; and its revision.

What stock Casbin would drop, misread or fail over at request time is refused here, all of it at once. What is
not refused means exactly what stock Casbin says it means.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from casbin.model.model import Model
from casbin.persist.adapter import Adapter

from rbac.background import Pause, paced
from rbac.decision import Rule
from rbac.document.checks import DocumentErrors
from rbac.document.role_links import Graph, link_graphs
from rbac.document.rows import RowsOfType, read_rows, rows_in_file_order
from rbac.errors import FirstProblems, PolicyError, Problem
from rbac.model.definition import Definition, read_model
from rbac.model.own_functions import NO_FUNCTIONS, OwnFunctions, own_functions
from rbac.text.source import SourceText, decode


def revision(model: bytes, policy: bytes) -> str:
    """The first 12 hex digits of SHA-256 over the model's bytes, a zero byte, and the policy's bytes."""
    digest = hashlib.sha256(model)
    digest.update(b"\0")
    digest.update(policy)
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A model and a policy that were read without an error.

    ``rows`` are Casbin's rows by type, in file order and without the type column; ``lines`` the line of each.
    ``warnings`` are what reading found (a byte-order mark, CRLF). Rows are shared, and not to be changed.
    ``functions`` are those of one's own that its matchers may call; they are no part of its revision.
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
    functions: OwnFunctions = field(default_factory=lambda: NO_FUNCTIONS)

    @classmethod
    def read(
        cls,
        model_path: str | Path,
        policy_path: str | Path,
        *,
        functions: OwnFunctions | None = None,
        pause: Pause | None = None,
    ) -> "Document":
        """The document in two files; raises as :meth:`parse` does; ``OSError`` for an unreadable file."""
        model, policy = Path(model_path).read_bytes(), Path(policy_path).read_bytes()
        return cls.parse(
            model,
            policy,
            model_name=str(model_path),
            policy_name=str(policy_path),
            functions=functions,
            pause=pause,
        )

    @classmethod
    def parse(
        cls,
        model: bytes,
        policy: bytes,
        *,
        model_name: str = "model.conf",
        policy_name: str = "policy.csv",
        functions: OwnFunctions | None = None,
        pause: Pause | None = None,
    ) -> "Document":
        """The document in these bytes; raises :class:`PolicyError` with every problem of both files.

        ``functions`` are those of one's own that a matcher may call, by name; raises
        :class:`rbac.model.own_functions.FunctionsError` for one that it cannot.
        ``pause`` is called every few hundred lines, so that a thread that reads can let others run.
        """
        document, problems = check_bytes(
            model,
            policy,
            model_name=model_name,
            policy_name=policy_name,
            functions=functions,
            pause=pause,
        )
        if document is None:
            raise PolicyError(problems)
        return document

    def rules(self) -> Iterator[Rule]:
        """Every rule and role link, in file order."""
        for line, ptype, row in rows_in_file_order(self.rows, self.lines):
            yield Rule(ptype, tuple(row), line)

    def links(self, kind: str = "g", *, domains: bool | None = None) -> dict[str, Graph]:
        """The role links of one kind in each domain, ``""`` where the model has none, or ``domains`` is to say so."""
        rows = zip(self.rows.get(kind, ()), self.lines.get(kind, ()), strict=True)
        apart = kind in self.definition.domains if domains is None else domains
        return link_graphs(paced(rows), domains=apart)

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
    definition, _, problems = _check_model(decode(model, name), NO_FUNCTIONS)
    if definition is None or _refused(problems):
        raise PolicyError(problems)
    return definition


def _refused(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _check_model(
    source: SourceText, functions: OwnFunctions
) -> tuple[Definition | None, DocumentErrors | None, list[Problem]]:
    """What the model defines, as far as that is certain, and all its problems."""
    problems = [*source.problems]
    if source.text is None:
        return None, None, problems
    definition, entries, found = read_model(source.text, source.name)
    problems += found
    if definition is None:
        return None, None, problems
    errors = DocumentErrors(definition, entries, source.name, functions)
    problems += errors.in_model()
    return definition, errors, problems


def _check_policy(
    source: SourceText, definition: Definition, errors: DocumentErrors, pause: Pause | None
) -> tuple[dict[str, RowsOfType], list[Problem]]:
    """The rows by type, and all the problems of the policy file."""
    if source.text is None:
        return {}, [*source.problems]
    kinds, found = read_rows(source.text, definition, source.name, pause)
    in_rows = FirstProblems(source.name)
    for problem in errors.in_rows(kinds, source.text, source.name):
        in_rows.add(problem)
    return kinds, [*source.problems, *found, *in_rows.told()]


def check_bytes(
    model: bytes,
    policy: bytes,
    *,
    model_name: str = "model.conf",
    policy_name: str = "policy.csv",
    functions: OwnFunctions | None = None,
    pause: Pause | None = None,
) -> tuple[Document | None, tuple[Problem, ...]]:
    """The document, if it may decide, and all that reading found, sorted. Raises nothing, whatever the bytes are;
    FunctionsError for ``functions`` that no matcher can call."""
    own = own_functions(functions)
    model_source, policy_source = decode(model, model_name), decode(policy, policy_name)
    warnings = (*model_source.warnings, *policy_source.warnings)
    definition, errors, problems = _check_model(model_source, own)
    kinds: dict[str, RowsOfType] = {}
    if definition is None or errors is None:
        problems += policy_source.problems
    else:
        kinds, found = _check_policy(policy_source, definition, errors, pause)
        # A type may be unknown only because its definition is what is wrong with the model.
        uncertain = _refused(problems)
        problems += (problem for problem in found if not uncertain or problem.code != "unknown-type")
    everything = tuple(sorted((*problems, *warnings)))
    if definition is None or _refused(problems):
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
        functions=own,
    )
    return document, everything
