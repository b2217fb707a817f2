"""Every code that a problem of a document can have: how grave it is, what it means, and what to do about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rbac.errors import Severity


class ProblemCode(NamedTuple):
    """One kind of problem. A code never changes its meaning, so that scripts may rely on it."""

    severity: Severity
    meaning: str
    remedy: str


def _error(meaning: str, remedy: str) -> ProblemCode:
    return ProblemCode("error", meaning, remedy)


def _warning(meaning: str, remedy: str) -> ProblemCode:
    return ProblemCode("warning", meaning, remedy)


_ERRORS = {
    "undecodable": _error(
        "the file holds a byte that is not UTF-8 text", "save the file with the encoding UTF-8"
    ),
    "control-character": _error("the file holds an invisible control character", "type the line anew"),
    "unknown-type": _error(
        "a line begins with a type that the model does not define", "begin it with `p` or `g`"
    ),
    "wrong-separator": _error(
        "the columns of a line are parted by another character than a comma, or the line is in quotes",
        "part them by commas, or run `rbac fmt`",
    ),
    "merge-conflict": _error(
        "a line is the mark of two versions that were not merged",
        "keep the lines of one version, and delete the marks",
    ),
    "wrong-width": _error(
        "a line has too many or too few columns", "add or delete columns, or run `rbac fmt`"
    ),
    "unknown-effect": _error("an effect is neither `allow` nor `deny`", "write `allow` or `deny`"),
    "unbalanced-bracket": _error("a bracket is not closed, or closes nothing", "close it, or delete it"),
    "model-syntax": _error("a line of the model is not `key = value` in a section", "write `key = value`"),
    "unknown-section": _error("Casbin ignores a section of that name", "correct the name"),
    "duplicate-section": _error("a section is opened twice", "write each section once"),
    "duplicate-key": _error("a key is defined twice, and Casbin uses the last", "keep one of the two"),
    "unknown-key": _error(
        "Casbin ignores a key of that name in that section", "correct the key or its section"
    ),
    "missing-definition": _error(
        "the model lacks a definition that it needs", "add the section and the line"
    ),
    "invalid-word": _error("a word of a request or a rule is no single word", "separate words by one comma"),
    "invalid-role-definition": _error(
        "a role definition does not say its columns", "write `_, _` or `_, _, _`"
    ),
    "unsupported-effect": _error("Casbin does not know the policy effect", "write one of its five effects"),
    "comment-cuts-matcher": _error(
        "a `#` cuts off the rest of a matcher", "give the comment a line of its own"
    ),
    "differs-from-casbin": _error("Casbin reads the model differently", "write one `key = value` a line"),
    "matcher-syntax": _error(
        "the matcher is no expression that Casbin can evaluate", "correct the expression"
    ),
    "unknown-word": _error("the matcher names a word that is not defined", "correct it, or define the word"),
    "unknown-function": _error(
        "the matcher calls a function that Casbin does not have, and that nobody gave",
        "use one of Casbin's, or give your own",
    ),
    "invalid-pattern": _error("a pattern is one that Casbin would fail over", "correct the pattern"),
    "mixed-priority": _error("priorities are partly numbers and partly not", "write whole numbers"),
    "role-cycle": _error("roles inherit from each other in a circle", "delete one of the links"),
    "role-chain-too-long": _error("a chain of roles is longer than Casbin follows", "link the ends directly"),
    "empty-policy": _error("the document has no rule at all", "add a rule, a line that begins with `p`"),
    "more-problems": _error(
        "a file has more problems than are told one by one", "look whether this is the right file"
    ),
    "no-rules": _error("the matcher reads its conditions from rules, and there is none", "add a rule"),
}
_WARNINGS = {
    "byte-order-mark": _warning("the file begins with a byte-order mark", "run `rbac fmt`"),
    "crlf": _warning("lines end in CRLF", "run `rbac fmt`"),
    "invalid-condition": _warning("the condition in a rule cannot be evaluated", "correct the condition"),
    "allows-by-default": _warning(
        "the model allows what no rule allows", "make rules allow, and deny the rest"
    ),
    "open-way": _warning(
        "on one way through the matcher a rule's columns are compared with nothing",
        "put the alternatives in parentheses",
    ),
    "anonymous-caller": _warning(
        "the matcher takes every caller for one who has signed in", 'compare the caller with `""`, too'
    ),
    "negated-comparison": _warning(
        "the matcher is true of what a rule does not name",
        "compare without the negation, and write a rule with `deny` for what is left out",
    ),
    "swapped-arguments": _warning(
        "a function of the matcher has its arguments the wrong way round", "write the request's word first"
    ),
    "unread-column": _warning(
        "the matcher never reads a column of the rules", "compare it, or delete the column"
    ),
    "unasked-definition": _warning("nothing asks what the model defines", "ask it in `m`, or delete it"),
    "effect-column": _warning("the column of the effect is not called `eft`", "call it `eft`"),
    "operator-in-text": _warning(
        "Casbin rewrites an operator inside quoted text", "write the text without it"
    ),
    "invisible-character": _warning(
        "a word or a comment holds a character that nobody sees", "delete the character"
    ),
    "empty-name": _warning("a rule or a link is for the empty name", "name the role"),
    "quoted-word": _warning("the quotes around a word are taken as part of it", "delete the quotes"),
    "comment-in-rule": _warning(
        "a comment behind a rule is taken as part of its last word", "give the comment a line of its own"
    ),
    "unknown-method": _warning(
        "no request asks with this method", "write a method in capitals, one on each line"
    ),
    "impossible-path": _warning(
        "no request has a path like this", "write the path alone, decoded, from its first `/` on"
    ),
    "foreign-placeholder": _warning(
        "a placeholder is written in another language than the one that the matcher reads",
        "write it as the hint says",
    ),
    "swapped-columns": _warning(
        "the words of a rule stand in another order than its columns", "write them in the order of the hint"
    ),
    "resembles-special-word": _warning(
        "a name resembles a word to which the model gives a meaning, and is none",
        "write the word of the model",
    ),
    "special-word-in-link": _warning(
        "a link names a word of the model as if it were a role", "write a rule with the word in its place"
    ),
    "negated-name": _warning(
        "a name is written as if it left out a role", "write a rule for each role that is meant"
    ),
    "several-names": _warning("several names stand where there is room for one", "write a line for each"),
    "look-alike-name": _warning("two names look alike, and are not the same", "write one of them alone"),
    "deceptive-letter": _warning(
        "a word holds a letter or a sign that is drawn like another", "type the word anew"
    ),
    "subject-as-role": _warning("a person's name is given as a role", "make a role, and give that"),
    "not-a-subject": _warning(
        "a name stands for a person, and is no `sub` as the issuer gives one",
        "write the person's `sub`, or say with `--subjects` what it looks like",
    ),
    "role-without-rules": _warning(
        "a link gives a role that no rule names", "add a rule, or delete the link"
    ),
    "dead-link": _warning("nothing can meet a link", "link the very names, in the very domain"),
    "role-not-granted": _warning("nothing gives anyone this role", "add a link, or delete the rule"),
    "unescaped-dot": _warning("a `.` in a pattern stands for any character", "write `\\.`"),
    "open-ended-regex": _warning("an expression also meets longer words", "end it with `$`"),
    "self-link": _warning("a link gives a name to itself", "name the role that is meant, or delete the line"),
    "slow-pattern": _warning(
        "a pattern can take seconds to compare with a long value", "write it without nested repetitions"
    ),
    "invalid-address": _warning("a rule names an address or a network that is none", "correct the address"),
    "wildcard-for-role": _warning(
        "every path is open to a role that is no administrator's", "name the paths"
    ),
    "ignored-tail": _warning("Casbin ignores what stands behind a `*`", "write one rule for each path"),
    "pattern-anchor": _warning(
        "a path is tied to its beginning or end once more", "delete the `^` and the `$`"
    ),
    "loose-alternative": _warning("a `|` splits a whole pattern in two", "write two rules, or `/(a|b)`"),
    "repeated-character": _warning(
        "a `*`, `+` or `?` repeats the character before it",
        "write `/pro.*`, or `\\+` for the character itself",
    ),
    "never-met": _warning("no path at all meets a pattern", "correct the pattern"),
    "duplicate-rule": _warning("a line is repeated", "delete one of the two"),
    "ignored-deny": _warning("the effect of the model never looks at a deny", "change the effect"),
    "ignored-allow": _warning("the effect of the model never looks at an allow", "change the effect"),
    "contradictory-rules": _warning("two lines say allow and deny of the same", "keep the one that is meant"),
    "pointless-rule": _warning(
        "a wider rule decides all that this one would", "delete it, or narrow the other"
    ),
    "overridden-rule": _warning("a deny covers all that this rule allows", "delete it, or narrow the deny"),
    "sweeping-deny": _warning("one deny takes away nearly everything that rules allow", "delete the line"),
    "idle-deny": _warning("a deny takes nothing from anyone", "correct the rule, or delete it"),
    "narrow-deny": _warning(
        "a deny that is to lock somebody out names one path alone", "write `/*` behind what it is to take"
    ),
    "unknown-role": _warning(
        "nobody is known to hold the role of a rule", "correct the name, or name it in a policy test"
    ),
    "unknown-domain": _warning(
        "no other line has a domain, and many have one that is written nearly the same", "correct the domain"
    ),
    "rule-without-route": _warning("no known endpoint meets the rule", "correct the path or the method"),
    "single-value": _warning(
        "a rule is about one value where the endpoint takes any",
        "write the endpoint's placeholder, if any is meant",
    ),
    "only-by-wildcard": _warning(
        "no rule but a wildcard opens an endpoint", "name it in a rule or a policy test, if that is meant"
    ),
}
# A running service meets these before there is a document to read.
_WHILE_READING = {
    "unreadable": _error(
        "a file or a directory of the policy cannot be read", "give the service a file that it may read"
    ),
    "unwritable-row": _error(
        "a row that an adapter gives cannot be written as a line: a comma, a blank at its end, a line break, no text",
        "correct the row where it is stored",
    ),
    "cache-refused": _error(
        "the document that was kept of an earlier time cannot be trusted",
        "mend the document itself: what is kept is written anew once that passes its gate",
    ),
    "unfinished": _error("a file is still being written", "close it, or write aside and rename"),
    "store-unreachable": _error(
        "the database that holds the document does not answer", "look whether it runs, and who may sign in"
    ),
    "store-empty": _error("nothing was published under this name yet", "publish a document: `rbac publish`"),
    "store-altered": _error(
        "a published version was changed: its digest is another",
        "publish a version again, and look who may change rows",
    ),
    "store-behind": _error(
        "the database knows less than what was in force here",
        "name the database that has it, or publish until its numbers have passed it",
    ),
    "store-forked": _error(
        "the database holds something else under a number that was in force here", "publish the next version"
    ),
    "store-not-set-up": _error(
        "the tables of the store are missing, or a right to read them", "run `rbac migrate` as their owner"
    ),
    "store-newer": _error(
        "the tables of the store are those of a newer version",
        "run the release that made them, or a later one",
    ),
    "store-failed": _error("the database refuses the question", "look into the database's log"),
    "no-policy-tests": _error(
        "not a single policy test was read", "put the tests back, or set `POLICY_GATE=lint` to go without"
    ),
    "test-not-read": _warning(
        "a file beside the policy tests is not read, for its name",
        "give it a name that ends in `.yaml` and does not begin with a `.`",
    ),
    "wrong-revocation": _error(
        "a line of `revocations.csv` is no row: its kind, its columns or its value",
        "write it as `sub|session|client|everyone, value, before, reason`",
    ),
    "wrong-time": _error(
        "the `before` of a revocation is no time in whole seconds with a time zone",
        "write it like `2026-11-28T09:30:00Z`",
    ),
    "revocation-ahead": _warning(
        "the `before` of a revocation is yet to come",
        "write the moment of now, or lock the person out in the policy",
    ),
    "reload-failed": _error("the reload itself failed", "look into the log"),
}
PROBLEM_CODES: Mapping[str, ProblemCode] = MappingProxyType({**_ERRORS, **_WARNINGS, **_WHILE_READING})
