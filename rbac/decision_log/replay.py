"""Recorded decisions against another policy: which of them would come out differently."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from rbac.decision import Decision, Rule
from rbac.decision_log.ask_again import AskedAgain, LineCounts, LoggedWords, ask
from rbac.decision_log.lines import DecisionLines, Recorded
from rbac.policy import Policy


class Flip(NamedTuple):
    """A recorded decision that would come out differently.

    ``rule`` is what decides now, ``None`` where no rule does; ``rule_was`` is the line that decided then, in the
    document of ``revision_was``.
    """

    decision_id: str
    roles: tuple[str, ...]
    act: str
    obj: str
    was: bool
    now: bool
    rule: Rule | None
    rule_was: int | None
    revision_was: str

    def to_json(self) -> dict[str, Any]:
        """The flip as ``rbac replay --format json`` shows it."""
        return {
            "decision_id": self.decision_id,
            "roles": self.roles,
            "act": self.act,
            "obj": self.obj,
            "was": self.was,
            "now": self.now,
            "rule": self.rule.line if self.rule else None,
            "rule_was": self.rule_was,
            "policy_revision": self.revision_was,
        }


class RecordedBy(NamedTuple):
    """Which document took recorded decisions, and how the questions came to it."""

    revision: str
    via: str


@dataclass(frozen=True, slots=True)
class Replay:
    """``flips`` in the order of the log; ``recorded`` counts the decisions asked again by what took them.

    ``impossible`` flips were recorded under the very document that now decides otherwise: somebody changed the log.
    """

    revision: str
    reading: LineCounts
    flips: tuple[Flip, ...]
    recorded: Counter[RecordedBy]

    @property
    def impossible(self) -> int:
        """How many flips contradict the document that was asked then and now."""
        return sum(flip.revision_was == self.revision for flip in self.flips)


def replay(policy: Policy, lines: DecisionLines, *, since: str = "", via: Collection[str] = ()) -> Replay:
    """Asks ``policy`` every recorded decision of ``lines`` again.

    With ``since`` (as :func:`rbac.decision_log.lines.utc` writes times) older ones are left out, with ``via`` those that
    came another way. Raises ``OSError`` for a log that cannot be read.
    """

    def answer(words: LoggedWords) -> Decision:
        return ask(policy, words)[0]

    def selects(line: Recorded) -> bool:
        return line.timestamp >= since and (not via or line.via in via)

    asked = AskedAgain(policy, lines, answer, selects, bounded)
    flips: list[Flip] = []
    recorded: Counter[RecordedBy] = Counter()
    for line, decision in asked:
        recorded[RecordedBy(line.policy_revision, line.via)] += 1
        if decision.allowed is not line.allowed:
            flips.append(_flip(line, decision))
    return Replay(policy.revision, asked.reading, tuple(flips), recorded)


def bounded(person: Decision, client: Decision) -> Decision:
    """What decides about a person who calls through a program: only both allow."""
    return client if person.allowed and not client.allowed else person


def _flip(line: Recorded, decision: Decision) -> Flip:
    return Flip(
        line.decision_id,
        line.roles,
        line.act,
        line.obj,
        line.allowed,
        decision.allowed,
        decision.rule,
        line.rule_line,
        line.policy_revision,
    )
