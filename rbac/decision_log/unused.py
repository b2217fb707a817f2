"""Least privilege: the rules and role links that no recorded decision needed."""

from collections.abc import Collection
from dataclasses import dataclass

from rbac.decision import Rule
from rbac.decision_log.ask_again import AskedAgain, LineCounts, LoggedWords, ask
from rbac.decision_log.lines import DecisionLines, Recorded
from rbac.decision_log.needed_links import LinkUse
from rbac.policy import Policy


@dataclass(frozen=True, slots=True)
class UnusedRule:
    """A rule or link, and when a decision last needed it: before the time asked about, or never (``None``)."""

    rule: Rule
    last_used: str | None


@dataclass(frozen=True, slots=True)
class Unused:
    """``rules`` in file order, out of ``of``; ``links_judged`` as in :class:`rbac.decision_log.needed_links.LinkUse`."""

    revision: str
    reading: LineCounts
    rules: tuple[UnusedRule, ...]
    of: int
    links_judged: bool


def unused(policy: Policy, lines: DecisionLines, *, since: str = "", via: Collection[str] = ()) -> Unused:
    """The rules and links of ``policy`` that no decision of ``lines`` needed, or none at or after ``since``.

    Each decision is asked again, so that lines recorded under any revision count for the rules as they are now. A rule
    is needed by what it decides, a link by what a rule decides through it.

    INVARIANT: without the rules listed every decision (with ``since`` every later one) comes out as it does with them.

    Raises ``OSError`` for a log that cannot be read.
    """
    links = LinkUse(policy)

    def needed(words: LoggedWords) -> tuple[int, ...]:
        decision, request = ask(policy, words)
        ruled = () if decision.rule is None else (decision.rule.line,)
        return (*ruled, *links.of(decision.rule, request))

    def selects(line: Recorded) -> bool:
        return not via or line.via in via

    asked = AskedAgain(policy, lines, needed, selects, lambda person, client: (*person, *client))
    last_used: dict[int, str] = {}
    for line, written in asked:
        for at in written:
            if line.timestamp > last_used.get(at, ""):
                last_used[at] = line.timestamp
    rules = tuple(policy.document.rules())
    idle = []
    for rule in rules:
        last = last_used.get(rule.line)
        if last is None or last < since:
            idle.append(UnusedRule(rule, last))
    return Unused(policy.revision, asked.reading, tuple(idle), len(rules), links.judged)
