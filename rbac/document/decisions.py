"""The decision that each rule of a document leads to."""

from collections.abc import Sequence
from functools import cached_property

from casbin.constant.constants import ALLOW_OVERRIDE_EFFECT, DENY_OVERRIDE_EFFECT

from rbac.decision import Decision, Rule
from rbac.document.document import Document


class Decisions:
    """One object a rule, made when the rule first decides.

    ``order`` is for each place the index of its rule in the document, ``None`` where the two are the same. ``known`` are the
    decisions made so far, by place, and behind them all that of no rule.
    """

    def __init__(self, document: Document, order: Sequence[int] | None) -> None:
        self._document = document
        self._order = order
        self._unmatched = (
            Decision(allowed=False, rule=None, reason="denied_by_default", revision=document.revision),
            Decision(allowed=True, rule=None, reason="allowed_by_default", revision=document.revision),
        )
        by_default = document.definition.effect == DENY_OVERRIDE_EFFECT
        self.known: list[Decision | None] = [None] * len(document.rows["p"])
        self.known.append(self._unmatched[by_default])

    def of(self, allowed: bool, place: int, /) -> Decision:
        """The decision that the rule at ``place`` leads to; -1 is no rule."""
        if place < 0:
            return self._unmatched[allowed]
        known = self.known[place]
        if known is None:
            known = self.known[place] = self._made(allowed, place)
        return known

    @property
    def denied(self) -> Decision:
        """The denial by no rule."""
        return self._unmatched[False]

    def index(self, place: int) -> int:
        """The index in the document of the rule at ``place``."""
        return place if self._order is None else self._order[place]

    def _made(self, allowed: bool, place: int) -> Decision:
        document = self._document
        index = self.index(place)
        rule = Rule("p", tuple(document.rows["p"][index]), document.lines["p"][index])
        effect = "allow" if self.effect_column is None else rule.fields[self.effect_column]
        # INVARIANT: a rule says `allow` or `deny`, which reading a document makes sure of: one that decides nothing leads to
        # the same answer each time it is the last that matches.
        if effect not in self._decisive:
            return self._unmatched[allowed]
        return Decision(allowed, rule, "allowed_by_rule" if allowed else "denied_by_rule", document.revision)

    @cached_property
    def effect_column(self) -> int | None:
        """The column of a rule that says ``allow`` or ``deny``, counted from 0; ``None`` where every rule allows."""
        columns = self._document.definition.policy_words
        return columns.index("eft") if "eft" in columns else None

    @cached_property
    def _decisive(self) -> frozenset[str]:
        """The effects of a rule that the model's effect looks at; a rule with another one matches and decides nothing."""
        effect = self._document.definition.effect
        if effect == ALLOW_OVERRIDE_EFFECT:
            return frozenset({"allow"})
        if effect == DENY_OVERRIDE_EFFECT:
            return frozenset({"deny"})
        return frozenset({"allow", "deny"})
