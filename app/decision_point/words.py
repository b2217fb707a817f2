"""How an AuthZEN question becomes the words that a model asks with: the ``PDP_REQUEST`` setting, made into functions.

``word=path``, where a path leads with dots into ``subject``, ``action``, ``resource`` or ``context``. A dot always
parts: a property whose own name holds one cannot be reached, because a request could then give it in two ways.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter, methodcaller
from typing import Any

import orjson

from app.decision_point.entities import NO_ENTITIES, Entities, Properties
from app.decision_point.point import Word
from app.decision_point.question import LONGEST, Alike, AuthZenQuestion, MalformedRequest
from app.settings.values import mapping_pairs
from rbac.text.visible import has_control

MOST_VALUES = 100  # of one word, such as roles: each is asked about in turn
LONGEST_OF_SEVERAL = 256  # characters

ValueReader = Callable[[Properties], Any]
"""Reads from a question's subject, action, resource or context."""


# What a question always gives.
_ALWAYS = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_ROOTS = {"subject": 0, "action": 1, "resource": 2, "context": 3}
_ABSENT: Any = object()
_NOTHING: Properties = {}
_EXACT = 1 << 53  # below it every whole number is a double of its own


class PdpRequestError(ValueError):
    """A mapping that does not fit the model of the decision point."""

    code = "pdp_request"


@dataclass(frozen=True, slots=True)
class PdpRequest:
    """Reads a model's words from questions, and from ``entities`` what a question leaves out.

    ``sources`` says for each word the path that fills it. ``unfit`` says why no question can be asked at all.
    """

    sources: Mapping[str, str]
    entities: Entities
    readers: tuple[tuple[str, str, int, ValueReader], ...]
    unfit: str = ""

    @classmethod
    def none(cls, reason: str) -> "PdpRequest":
        """For a document that nobody said how to ask: every question is refused, for this ``reason``."""
        return cls({}, NO_ENTITIES, (), reason)

    @classmethod
    def parse(
        cls, mapping: str, model_words: Sequence[str], entities: Entities = NO_ENTITIES
    ) -> "PdpRequest":
        """The reader for ``mapping``. Raises :class:`PdpRequestError` unless it fills exactly ``model_words``."""
        sources = dict(mapping_pairs(mapping))
        faults = [f"`{word}` of the model is not mapped" for word in model_words if word not in sources]
        faults += [
            f"`{word}` is mapped, but the model has no such word"
            for word in sources
            if word not in model_words
        ]
        faults += [
            f"`{source}` fills `{word}`, and is an object"
            for word, source in sources.items()
            if source.endswith(".properties") and source.count(".") == 1
        ]
        if faults:
            raise PdpRequestError("; ".join(faults))
        readers = tuple(
            (word, source, _ROOTS[source.partition(".")[0]], _reader(source, entities))
            for word, source in sources.items()
        )
        return cls(sources, entities, readers)

    def read(self, question: AuthZenQuestion) -> dict[str, Word]:
        """The words of ``question``. Raises :class:`MalformedRequest` for a value that cannot be one."""
        if self.unfit:
            raise MalformedRequest(self.unfit)
        words: dict[str, Any] = {}
        for word, _, root, reader in self.readers:
            words[word] = reader(question[root])
        try:
            text = "".join(words.values())
            if len(text) <= LONGEST and text.isprintable():
                return words
        except TypeError:  # a value that is no text
            pass
        return {word: _word(words[word], source) for word, source in self.sources.items()}

    def read_each(self, questions: Alike) -> dict[str, Word | list[str]] | None:
        """The words of several questions: of each word what it is in all of them, or a list with each question's own.

        ``None`` where one cannot be a word, or is of a question's own and a list.
        """
        if self.unfit:
            return None
        words: dict[str, Word | list[str]] = {}
        parts = questions[: len(_ROOTS)]
        try:
            for word, source, root, reader in self.readers:
                part: Any = parts[root]
                if isinstance(part, list):
                    own = _texts([*map(reader, part)], source)
                    if own is None:
                        return None
                    words[word] = own
                else:
                    words[word] = _word(reader(part), source)
        except MalformedRequest:
            return None
        return words

    def words_from(self, source: str) -> tuple[str, ...]:
        """The words that ``source`` fills."""
        return tuple(word for word, path in self.sources.items() if path == source)


def _texts(values: list[Any], source: str) -> list[str] | None:
    """The words that ``values`` are, ``None`` where one is a list. Raises :class:`MalformedRequest`."""
    try:
        text = "".join(values)
    except TypeError:
        text = "\0"
    if text.isprintable() and (len(text) <= LONGEST or max(map(len, values)) <= LONGEST):
        return values
    words = [_word(value, source) for value in values]
    return None if any(type(word) is tuple for word in words) else words  # type: ignore[return-value]  # as it says


def _reader(source: str, entities: Entities) -> ValueReader:
    kind, *steps = source.split(".")
    if steps[0] == "properties" and kind != "context":
        known: Callable[[Mapping[str, Any]], Properties] = getattr(entities, kind)
        return _property_reader(steps[1], tuple(steps[2:]), known)
    if len(steps) == 1:
        return itemgetter(steps[0]) if steps[0] in _ALWAYS.get(kind, ()) else methodcaller("get", steps[0])
    return lambda part: _follow(part, steps)


def _property_reader(
    name: str, steps: tuple[str, ...], known: Callable[[Mapping[str, Any]], Properties]
) -> ValueReader:
    """A property as the request gives it, else as it is known; one that is given as ``null`` is given."""

    def read(entity: Properties) -> Any:
        value = entity.get("properties", _NOTHING).get(name, _ABSENT)
        if value is _ABSENT:
            value = known(entity).get(name)
        return _follow(value, steps) if steps else value

    return read


def _follow(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _word(value: Any, source: str) -> Word:
    if type(value) is str:
        return _checked(value, source, LONGEST)
    if type(value) is not list:
        return _text(value, source)
    if len(value) > MOST_VALUES:
        raise MalformedRequest(f"`{source}` has more than {MOST_VALUES} values")
    texts = [_checked(_text(each, source), source, LONGEST_OF_SEVERAL) for each in value]
    return tuple(dict.fromkeys(texts))


def _text(value: Any, source: str) -> str:
    """A string as it is, true, false and numbers as their JSON text, ``null`` as no value."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise MalformedRequest(f"`{source}` must be a string, a number, true, false, or a list of these")
    if type(value) is float and abs(value) >= _EXACT:
        raise MalformedRequest(
            f"`{source}` is a number too large to be told from others; write it as a string"
        )
    return orjson.dumps(value).decode("ascii")


def _checked(text: str, source: str, longest: int) -> str:
    if len(text) > longest:
        raise MalformedRequest(f"`{source}` is longer than {longest} characters")
    # The `$` of a rule's pattern matches before a trailing newline, and no name needs one.
    if has_control(text):
        raise MalformedRequest(f"`{source}` holds a control character")
    return text
