"""A policy that decides: one document and the enforcer that was compiled from it, neither of which ever
changes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from operator import is_, itemgetter
from pathlib import Path
from typing import Any

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from rbac.asking import ask_about, roles_by_sub
from rbac.background import Pause
from rbac.decision import Decision, Explanation, Rule, Words
from rbac.document.decisions import Decisions
from rbac.document.document import Document
from rbac.document.names import SUBJECT, Names, read_names
from rbac.engine.enforcer import IndexedEnforcer
from rbac.errors import EvaluationError, RequestError
from rbac.explain import explain
from rbac.model.comparisons import Relations
from rbac.model.own_functions import OwnFunctions, own_functions
from rbac.model.request_shape import check_words, with_word
from rbac.text.wording import quoted

ROLE_WORD = "role"
# In a model without the word `role`, a word of its own like any other.
_ROLES_WORD = "roles"
_PRIORITY_EFFECTS = frozenset({PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT})


class Policy:
    """Decides requests by one document. Immutable, and safe to ask from any number of threads.

    ``document`` is what it decides by, ``revision`` its name, ``words`` what the model's requests consist of,
    in order (``("sub", "role", "obj", "act")``), ``enforcer`` what answers; editing rules through the
    enforcer is not supported.
    """

    def __init__(
        self,
        document: Document,
        *,
        subjects: str = SUBJECT,
        functions: OwnFunctions | None = None,
        pause: Pause | None = None,
    ) -> None:
        """Compiles ``document``. ``subjects`` says what a person's name looks like (:class:`rbac.document.names.Subjects`).
        ``functions`` are called in place of those that the document was read with, where they have the same name.
        ``pause`` is called every now and then, so that a thread that compiles can let others run."""
        if functions:
            document = replace(document, functions=own_functions({**document.functions, **functions}))
        self.document = document
        self.subjects_look_like = subjects
        self.revision = document.revision
        self.words: tuple[str, ...] = document.definition.request_words
        self._pick = _picking(self.words)
        self._role_index = self.words.index(ROLE_WORD) if ROLE_WORD in self.words else None
        self.enforcer = _enforcer(document)
        self.enforcer.compile(pause)
        self._decisions = Decisions(document, _order(document.rows["p"], _casbin_rows(self.enforcer)))
        self._decide = self.enforcer.answering(self._decisions)

    @classmethod
    def load(
        cls,
        model: str | Path,
        policy: str | Path,
        *,
        subjects: str = SUBJECT,
        functions: OwnFunctions | None = None,
    ) -> "Policy":
        """The policy in two files, read strictly. Its matcher may call ``functions``, by name.

        Raises :class:`PolicyError`, whose ``problems`` is the whole list, ``OSError`` when a file cannot
        be read, and :class:`rbac.model.own_functions.FunctionsError` for a function that no matcher can call.
        """
        return cls(Document.read(model, policy, functions=functions), subjects=subjects)

    @classmethod
    def parse(
        cls,
        model: bytes,
        policy: bytes,
        *,
        model_name: str = "model.conf",
        policy_name: str = "policy.csv",
        subjects: str = SUBJECT,
        functions: OwnFunctions | None = None,
        pause: Pause | None = None,
    ) -> "Policy":
        """The policy in these bytes; the names are for the problems of a :class:`PolicyError`."""
        document = Document.parse(
            model,
            policy,
            model_name=model_name,
            policy_name=policy_name,
            functions=functions,
            pause=pause,
        )
        return cls(document, subjects=subjects, pause=pause)

    def decide(self, /, *, roles: Sequence[str] | None = None, **words: Any) -> Decision:
        """Decides the request made of the model's own words; one that is not given is "".

        ``roles`` fills the word ``role`` with each of its names, and none with "": any deny denies, else any
        allow allows. Raises :class:`RequestError` for a word the model does not have, and for several roles
        under a priority effect.
        """
        request = self._request(words, roles)
        if roles is None or self._role_index is None or len(roles) < 2:
            return self.decide_request(request)
        return self.decide_roles(request, self._role_index, roles)

    def decide_request(self, words: Words) -> Decision:
        """Decides the request with these words, in the model's order. Raises :class:`EvaluationError` if it
        cannot be decided."""
        try:
            return self._decide(words)
        except Exception as error:
            raise EvaluationError(f"the matcher cannot be evaluated for this request: {error}") from error

    def decide_roles(self, words: Words, role_index: int, roles: Sequence[str]) -> Decision:
        """Decides the request once for each role, put in the place ``role_index``: any deny denies, else any
        allow allows.

        Only a rule denies; a role that nothing allows takes nothing from the others. No roles leave ``words``
        as they are. Raises :class:`RequestError` for several roles under a priority effect, where the answers
        cannot be combined.
        """
        return self.decide_each(words, role_index, roles)[0]

    def decide_each(self, words: Words, role_index: int, roles: Sequence[str]) -> tuple[Decision, Words]:
        """Decides as :meth:`decide_roles` does; and the request, with one role, that the decision was taken for."""
        if len(roles) > 1 and self.document.definition.effect in _PRIORITY_EFFECTS:
            raise RequestError("a priority effect decides for one role at a time, and several were given")
        chosen: tuple[Decision, Words] | None = None
        for role in roles or (words[role_index],):
            request = with_word(words, role_index, role)
            decision = self.decide_request(request)
            if decision.reason == "denied_by_rule":
                return decision, request
            if chosen is None or (decision.allowed and not chosen[0].allowed):
                chosen = decision, request
        if chosen is None:
            raise RequestError("no role to decide for")
        return chosen

    def explain(self, /, *, roles: Sequence[str] | None = None, **words: Any) -> Explanation:
        """Decides as :meth:`decide` does, and says why: the way to the rule's role, or the rules that were
        nearly met."""
        request = self._request(words, roles)
        if roles is None or self._role_index is None or len(roles) < 2:
            return explain(self, self.decide_request(request), request)
        decision, request = self.decide_each(request, self._role_index, roles)
        return explain(self, decision, request)

    def allows(self, role: str | Sequence[str] | None, act: str, obj: str, **words: str) -> bool:
        """Whether a caller with this role (or these) may do ``act`` to ``obj``.

        A role is somebody with a valid token whom the document does not name, unless ``sub`` says who; ``None`` is
        nobody, without a token. ``words`` are other words of the model's request. Raises :class:`RequestError` for a
        word that the model does not have, or that is given twice.
        """
        return ask_about(self, role, act, obj, words).decision.allowed

    @property
    def denied(self) -> Decision:
        """What is answered where the matcher fails over a request: a denial by default."""
        return self._decisions.denied

    @property
    def effect_column(self) -> int | None:
        """The column of a rule that says ``allow`` or ``deny``, counted from 0; ``None`` where every rule
        allows."""
        return self._decisions.effect_column

    @cached_property
    def relations(self) -> Relations:
        """What the matcher compares with what."""
        return self.document.definition.relations

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role of the document, sorted. A name is a role if a rule or the right side of a link names
        it."""
        return self._names.roles

    @property
    def subjects(self) -> tuple[str, ...]:
        """Every person the document links to a role, sorted: names on the left of links alone that look like
        a subject."""
        return self._names.subjects

    @cached_property
    def _names(self) -> Names:
        return read_names(self.document, self.relations, self.subjects_look_like)

    @cached_property
    def roles_by_sub(self) -> frozenset[str]:
        """The roles that a caller has whose ``sub`` is spelled like one of them, as :func:`rbac.asking.roles_by_sub` says.
        Worked out once, in a time that grows with the document."""
        return roles_by_sub(self)

    def names(self, subjects: str | None = None) -> Names:
        """Roles and subjects, told apart by what ``subjects`` says, or else by what the policy was made with."""
        if subjects is None or subjects == self.subjects_look_like:
            return self._names
        return read_names(self.document, self.relations, subjects)

    def document_rule(self, index: int) -> Rule:
        """The ``p`` rule at ``index`` of the document, in the order of the file."""
        return Rule("p", tuple(self.document.rows["p"][index]), self.document.lines["p"][index])

    def rule_at(self, position: int) -> Rule:
        """The rule at ``position`` of the enforcer's ``p`` rules, which a priority effect sorts."""
        return self.document_rule(self.document_index(position))

    def document_index(self, position: int) -> int:
        """The index in the document of the rule at ``position`` of the enforcer's."""
        return self._decisions.index(position)

    def _request(self, words: dict[str, Any], roles: Sequence[str] | None) -> Words:
        """The words in the model's order, with the only role, if there is just one, in its place."""
        if roles is not None:
            self._fill_role(words, roles)
        if len(words) == len(self.words):
            with suppress(KeyError):
                return self._pick(words)
        check_words(words, self.words)
        return tuple([words.get(word, "") for word in self.words])

    def _fill_role(self, words: dict[str, Any], roles: Sequence[str]) -> None:
        """Puts ``roles``, if it is a list of at most one name, in its place."""
        if self._role_index is None:
            if _ROLES_WORD not in self.words:
                known = quoted(self.words)
                raise RequestError(f"`roles` needs a model with the word `{ROLE_WORD}`; this one has {known}")
            words[_ROLES_WORD] = roles
            return
        if ROLE_WORD in words:
            raise RequestError(f"`roles` and `{ROLE_WORD}` were both given; give one of them")
        if isinstance(roles, str):
            raise RequestError(f"`roles` is a list of names, not the text `{roles}`")
        words[ROLE_WORD] = roles[0] if len(roles) == 1 else ""


def _picking(words: Sequence[str]) -> Callable[[Mapping[str, Any]], Words]:
    """What picks the values of ``words``, in this order."""
    if len(words) == 1:
        return lambda given: (given[words[0]],)
    return itemgetter(*words)


def _enforcer(document: Document) -> IndexedEnforcer:
    """An enforcer that holds the rows of ``document``, in the steps of Casbin's ``load_policy``.

    Not by ``load_policy`` itself: it makes one text of all rules for a log that nobody reads, and stops every
    thread for it.
    """
    model = document.casbin_model()
    document.adapter().load_policy(model)
    model.sort_policies_by_subject_hierarchy()
    model.sort_policies_by_priority()
    enforcer = IndexedEnforcer(model)
    for name, function in document.functions.items():
        enforcer.add_function(name, function)
    links: Any = enforcer.build_role_links  # untyped in Casbin
    links()
    if enforcer.cond_rm_map:
        model.build_conditional_role_links(enforcer.cond_rm_map)
    return enforcer


def _casbin_rows(enforcer: IndexedEnforcer) -> Sequence[list[str]]:
    model: Any = enforcer.model
    rows: Sequence[list[str]] = model["p"]["p"].policy
    return rows


def _order(rows: Sequence[list[str]], sorted_rows: Sequence[list[str]]) -> Sequence[int] | None:
    """For each of Casbin's rows its index among the document's; ``None`` where the two are in the same order."""
    if all(map(is_, rows, sorted_rows)):
        return None
    place = {id(row): index for index, row in enumerate(rows)}
    return [place[id(row)] for row in sorted_rows]
