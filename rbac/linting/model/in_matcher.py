"""Warnings about what the matcher and its neighbours leave out: columns, definitions, and ways that compare too little."""

import ast
import re
from collections.abc import Iterator

from rbac.background import paced
from rbac.errors import Problem
from rbac.linting.model.negations import check_negations
from rbac.linting.model.ways import Way, compared, constants, ways_through, written
from rbac.linting.reading.subject import Reading
from rbac.model.expression import calls, evaluated
from rbac.model.functions import MATCHING
from rbac.text.wording import listed

_OF_CASBIN = frozenset(("eft", "priority"))
_FOR_READERS = re.compile(
    r"desc(?:ription)?|comments?|notes?|remarks?|reason|why|title|label|ticket|(?:rule_?)?(?:id|name)",
    re.IGNORECASE,
)
_EFFECT = re.compile(r"eff(?:ect)?s?|eft", re.IGNORECASE)
_EFFECTS = frozenset(("allow", "deny"))
_SIGNED_IN = re.compile(
    r"(?:any[-_ ]?)?(?:authenticated|authed|logged[-_ ]?(?:in|on)|signed[-_ ]?(?:in|on)|registered)(?:[-_ ]?users?)?",
    re.IGNORECASE,
)


def check_matcher(reading: Reading) -> Iterator[Problem]:
    """What the matcher does not compare, or compares the wrong way round."""
    ways = ways_through(reading.tree)
    yield from _effect_column(reading)
    yield from _unread_columns(reading)
    yield from _uncalled_roles(reading)
    yield from _domains_left_out(reading)
    yield from _unasked_definitions(reading)
    yield from _swapped(reading)
    yield from _open_ways(reading, ways)
    yield from check_negations(reading, ways)
    yield from _callers_without_a_token(reading, ways)


def _read_columns(reading: Reading) -> frozenset[str]:
    """The columns of ``p`` that the matcher reads, also through the conditions that it evaluates."""
    matcher = reading.document.definition.matcher
    named = {node.id for node in ast.walk(reading.tree) if isinstance(node, ast.Name)} | {*evaluated(matcher)}
    found = {name.removeprefix("p_") for name in named if name.startswith("p_")}
    columns = [reading.column(name.removeprefix("p_")) for name in evaluated(matcher)]
    for _, row in reading.rules() if columns else ():
        for column in columns:
            if column is not None:
                found.update(re.findall(r"\bp\d*\.(\w+)", row[column]))
    return frozenset(found)


def _effect_like(reading: Reading) -> str:
    """The column that says allow or deny and is not Casbin's ``eft``; ``""`` if there is none."""
    words = reading.document.definition.policy_words
    if "eft" in words:
        return ""
    read = _read_columns(reading)
    for column, word in enumerate(words):
        if word in read:
            continue
        values = {row[column] for row in paced(reading.document.rows["p"])}
        if (values and values <= _EFFECTS) or (_EFFECT.fullmatch(word) and values & _EFFECTS):
            return word
    return ""


def _effect_column(reading: Reading) -> Iterator[Problem]:
    word = _effect_like(reading)
    if word:
        message = (
            f"Casbin reads the effect of a rule from a column called `eft`: with `{word}` a `deny` allows"
        )
        yield reading.in_model(
            "p", word, "effect-column", message, f"call the column `eft` instead of `{word}`"
        )


def _unread_columns(reading: Reading) -> Iterator[Problem]:
    read = _read_columns(reading)
    told = {*_OF_CASBIN, _effect_like(reading)}
    unread = [
        word
        for word in reading.document.definition.policy_words
        if word not in read and word not in told and not _FOR_READERS.fullmatch(word)
    ]
    if not unread:
        return
    names = listed([f"p.{word}" for word in unread])
    message = f"the matcher never reads {names}: whatever a rule says there changes nothing"
    hint = f"compare it in the matcher, as in `r.{unread[0]} == p.{unread[0]}`, or delete the column"
    yield reading.in_model("p", unread[0], "unread-column", message, hint)


def _uncalled_roles(reading: Reading) -> Iterator[Problem]:
    called = {function for function, _ in calls(reading.tree)}
    if evaluated(reading.document.definition.matcher):
        called |= {name for name in reading.document.definition.roles if f"{name}(" in reading.policy_text}
    for name in reading.document.definition.roles:
        if name not in called:
            message = f"the matcher never asks `{name}`, so its links give nobody anything"
            hint = f"ask it in the matcher, as in `{name}(r.sub, p.sub)`, or delete it and its links"
            yield reading.in_model(name, "_", "unasked-definition", message, hint)


def _domains_left_out(reading: Reading) -> Iterator[Problem]:
    """A definition of links in domains that the matcher only asks without one: what it finds are links in no domain."""
    definition = reading.document.definition
    called = [*calls(reading.tree)]
    for name in sorted(definition.domains):
        asked = [arguments for function, arguments in called if function == name]
        if not asked or any(len(arguments) > 2 for arguments in asked) or not reading.document.rows.get(name):
            continue
        text = f"{name}({', '.join(ast.unparse(one).replace('_', '.', 1) for one in asked[0])}"
        message = (
            f"`{text})` leaves the domain of `{name}` out, so its links in a domain give nobody anything"
        )
        hint = f"ask with the domain, as in `{text}, r.dom)`, or define `{name} = _, _`"
        yield reading.in_model("m", f"{name}(", "unasked-definition", message, hint)


def _unasked_definitions(reading: Reading) -> Iterator[Problem]:
    definition = reading.document.definition
    keys = [*definition.requests, *definition.policies, *definition.effects, *definition.matchers]
    numbers: dict[str, list[str]] = {}
    for key in keys:
        numbers.setdefault(key[1:], []).append(key)
    for number, found in numbers.items():
        if number:
            message = f"nothing asks {listed(found)}: `r`, `p`, `e` and `m` alone decide a request"
            hint = (
                "bring it into `r`, `p`, `e` and `m`, or delete it; only a program that names it can ask it"
            )
            yield reading.in_model(found[0], "", "unasked-definition", message, hint)


def _swapped(reading: Reading) -> Iterator[Problem]:
    told: set[str] = set()
    for function, arguments in calls(reading.tree):
        names = [argument.id if isinstance(argument, ast.Name) else "" for argument in arguments[:2]]
        if len(names) < 2 or not names[0].startswith("p_") or not names[1].startswith("r_"):
            continue
        mine, theirs = names[0].replace("_", ".", 1), names[1].replace("_", ".", 1)
        text = f"{function}({mine}, {theirs}"
        if text in told:
            continue
        told.add(text)
        rest = ", …" if len(arguments) > 2 else ""
        if function in reading.document.definition.roles:
            message = f"`{text}{rest})` asks whether the rule's name leads to the request's: roles are inherited upside down"
        elif function in MATCHING:
            message = f"`{text}{rest})` takes the pattern from the request: who asks can send one that fits every rule"
        else:
            continue
        hint = f"write `{function}({theirs}, {mine}{rest})`"
        yield reading.in_model("m", function, "swapped-arguments", message, hint)


def _open_ways(reading: Reading, ways: tuple[Way, ...]) -> Iterator[Problem]:
    """A way on which no word of the request but the caller's is compared, or nothing of the caller, while other ways
    compare some."""
    definition = reading.document.definition
    caller = {f"r_{word}" for word in definition.shape.caller}
    asked = [compared(way, "r_") - caller for way in ways]
    read = [compared(way, "p_") for way in ways]
    every = frozenset().union(*read)
    role = reading.relations.role_column
    whom = frozenset() if role is None else {f"p_{definition.policy_words[role]}"} & every
    for way, words, columns in zip(ways, asked, read, strict=True):
        left = [word for word in definition.policy_words if f"p_{word}" in every - columns]
        spelled = any(True for name in caller for _ in constants(way, name))
        condition = any(isinstance(atom.node, ast.Constant) for atom in way)
        anybody = bool(whom - columns) and not compared(way, "r_") & caller
        same_for_all = bool(words) or not any(asked)
        if (same_for_all and not anybody) or not columns or not left or spelled or condition:
            continue
        text = written(way)
        rule = _rule_on(reading, way)
        opened = f", so line {rule} opens everything" if rule else ""
        if anybody:
            opened = ", whoever asks"
        compares = listed([f"p.{word}" for word in left])
        message = f"on the way `{text}` the matcher compares {compares} with nothing{opened}"
        hint = f"put the alternative in parentheses, so that what follows holds for it: `({text} || …) && …`"
        if anybody:
            together = f"`… && (… || {text})`"
            hint = (
                f"put the alternatives in parentheses, so that what stands before holds for each: {together}"
            )
        needle = next((f'"{value}"' for name in sorted(columns) for value in constants(way, name)), "||")
        yield reading.in_model("m", needle, "open-way", message, hint)


def _rule_on(reading: Reading, way: Way) -> int:
    """The line of the first rule that has what a way spells; 0 if there is none."""
    words = reading.document.definition.policy_words
    wanted = [(at, set(constants(way, f"p_{word}"))) for at, word in enumerate(words)]
    spelled = [(at, texts) for at, texts in wanted if texts]
    for line, row in reading.rules() if spelled else ():
        if all(row[at] in texts for at, texts in spelled):
            return line
    return 0


def _callers_without_a_token(reading: Reading, ways: tuple[Way, ...]) -> Iterator[Problem]:
    """A word such as ``authenticated`` that the matcher gives to every caller, whoever that is."""
    definition = reading.document.definition
    column = reading.relations.role_column
    if column is None:
        return
    name = f"p_{definition.policy_words[column]}"
    caller = {f"r_{word}" for word in definition.shape.caller}
    told: set[str] = set()
    for way in ways:
        for text in constants(way, name):
            if text in told or not _SIGNED_IN.fullmatch(text) or compared(way, "r_") & caller:
                continue
            told.add(text)
            who = min(caller).replace("_", ".", 1) if len(caller) == 1 else f"r.{definition.shape.sub}"
            written_name = name.replace("_", ".", 1)
            message = f"the matcher takes every caller for `{text}`, also one without a token"
            hint = f'write `({written_name} == "{text}" && {who} != "")`'
            yield reading.in_model("m", f'"{text}"', "anonymous-caller", message, hint)
