"""What an AuthZEN request asks: a subject, an action, a resource and a context, checked once and never changed."""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeGuard

LONGEST = 8192  # characters of an id, a type, a name, or any other word of a question

_ABSENT: Any = object()
# What each must have. The last of them is what it is known by.
_ENTITY = ("type", "id")
_ACTION = ("name",)
_NOTHING: Mapping[str, Any] = {}


class MalformedRequest(ValueError):  # noqa: N818 - what the standard calls it
    """A request that is not what the standard asks for: answered 400, with this text."""

    code = "malformed_request"
    status = 400


class AuthZenQuestion(NamedTuple):
    """One question: may this subject do this action to this resource? Each as the request wrote it."""

    subject: Mapping[str, Any]
    action: Mapping[str, Any]
    resource: Mapping[str, Any]
    context: Mapping[str, Any] = _NOTHING


def read_question(members: Mapping[str, Any]) -> AuthZenQuestion:
    """The question in a request's members. Raises :class:`MalformedRequest` for one that is missing or mistyped."""
    subject, action, resource = members.get("subject"), members.get("action"), members.get("resource")
    if "context" not in members and _is_entity(subject) and _is_action(action) and _is_entity(resource):
        return AuthZenQuestion(subject, action, resource)
    return Defaults(_NOTHING, _NOTHING).question(members)


class Defaults(NamedTuple):
    """What the items of a batch may leave out, because the batch says it for all of them.

    ``whole`` are the defaults that need nothing from an item.
    """

    members: Mapping[str, Any]
    whole: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> "Defaults":
        """The defaults in a batch's members; a member of theirs may be missing, but not mistyped."""
        whole = {}
        for kind, names in (("subject", _ENTITY), ("action", _ACTION), ("resource", _ENTITY)):
            if kind in members:
                found = _object(members, kind, ())
                given = [name for name in names if name in found]
                _object(members, kind, given)
                if len(given) == len(names):
                    whole[kind] = found
        _context(members)
        return cls(members, whole)

    def question(self, item: object) -> AuthZenQuestion:
        """The question of one item. Raises :class:`MalformedRequest`.

        An item's object takes the place of the default; only a ``type``, ``id`` or ``name`` that it lacks is the
        default's.
        """
        if type(item) is not dict:
            raise MalformedRequest("an evaluation must be an object")
        subject, action, resource = item.get("subject"), item.get("action"), item.get("resource")
        return AuthZenQuestion(
            subject if _is_entity(subject) else self._object(item, "subject", _ENTITY),
            action if _is_action(action) else self._object(item, "action", _ACTION),
            resource if _is_entity(resource) else self._object(item, "resource", _ENTITY),
            _context(item if "context" in item else self.members),
        )

    def _object(self, item: Mapping[str, Any], kind: str, required: tuple[str, ...]) -> Mapping[str, Any]:
        if kind not in item:
            return self.whole.get(kind) or _object(self.members, kind, required)
        own = item[kind]
        if type(own) is dict:
            default = self.members.get(kind, _NOTHING)
            for name in required:
                if name not in own and name in default:
                    own = {**own, name: default[name]}
                    item = {kind: own}
        return _object(item, kind, required)


Part = Mapping[str, Any] | list[Mapping[str, Any]]
Texts = str | list[str]


class Alike(NamedTuple):
    """Several questions that give the same parts: of each part what all of them share, or a list with each one's own.

    The same of what is asked about: the subject's id, the action's name, the resource's id.
    """

    subject: Part
    action: Part
    resource: Part
    context: Part
    asked: tuple[Texts, Texts, Texts]

    @classmethod
    def read(cls, items: Sequence[Any], defaults: Defaults) -> "Alike | None":
        """The questions of ``items``, as :meth:`Defaults.question` reads each. ``None`` where one needs a closer look.

        All of them are looked at in each step, so that a step costs about as much for many as for one.
        """
        if {*map(type, items)} != {dict}:
            return None
        shapes: set[tuple[str, ...]] = {*map(tuple, items)}
        if len(shapes) != 1:
            return None
        given = shapes.pop()
        parts: list[Part] = []
        asked: list[Texts] = []
        for kind, names in (("subject", _ENTITY), ("action", _ACTION), ("resource", _ENTITY)):
            if kind in given:
                own = [*map(itemgetter(kind), items)]
                texts = _texts_of(own, names)
                if texts is None:
                    return None
                parts.append(own)
                asked.append(texts)
            elif kind in defaults.whole:
                shared = defaults.whole[kind]
                parts.append(shared)
                asked.append(shared[names[-1]])
            else:
                return None
        context: Part = defaults.members.get("context", _NOTHING)
        if "context" in given:
            context = [*map(itemgetter("context"), items)]
            if {*map(type, context)} != {dict}:
                return None
        subject, action, resource = parts
        return cls(subject, action, resource, context, (asked[0], asked[1], asked[2]))


def _texts_of(found: Sequence[Any], names: Sequence[str]) -> list[str] | None:
    """The last of ``names`` of each of ``found``; ``None`` where one is no object as :func:`_object` wants it."""
    if {*map(type, found)} != {dict}:
        return None
    if "properties" in {*chain.from_iterable(found)}:
        properties = [each["properties"] for each in found if "properties" in each]
        if {*map(type, properties)} != {dict}:
            return None
    texts: list[str] = []
    try:
        for name in names:
            texts = [*map(itemgetter(name), found)]
            if len("".join(texts)) > LONGEST and max(map(len, texts)) > LONGEST:
                return None
    except (KeyError, TypeError):  # there is none, or it is no text
        return None
    return texts


def read_searched(members: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The subject or resource that is searched for: of a type, whatever its id. Raises :class:`MalformedRequest`."""
    return _object(members, kind, ("type",))


def read_given(members: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A subject, action or resource that a search is about. Raises :class:`MalformedRequest`."""
    return _object(members, kind, _ACTION if kind == "action" else _ENTITY)


def read_context(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The context, empty when there is none. Raises :class:`MalformedRequest`."""
    return _context(members)


def _is_entity(found: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a subject or a resource is as they are as a rule. :func:`_object` takes each that is right, and says what is
    wrong with any other."""
    if type(found) is not dict or ("properties" in found and type(found["properties"]) is not dict):
        return False
    try:
        return len("".join((found["type"], found["id"]))) <= LONGEST
    except (KeyError, TypeError):  # there is none, or it is no text
        return False


def _is_action(found: Any) -> TypeGuard[Mapping[str, Any]]:
    """The same of an action."""
    if type(found) is not dict or ("properties" in found and type(found["properties"]) is not dict):
        return False
    name = found.get("name")
    return type(name) is str and len(name) <= LONGEST


def _object(members: Mapping[str, Any], kind: str, required: Sequence[str]) -> Mapping[str, Any]:
    found = members.get(kind)
    if type(found) is not dict or type(found.get("properties", _NOTHING)) is not dict:
        raise _malformed(members, kind, required)
    for name in required:
        value = found.get(name)
        if type(value) is not str or len(value) > LONGEST:
            raise _malformed(members, kind, required)
    return found


def _malformed(members: Mapping[str, Any], kind: str, required: Sequence[str]) -> MalformedRequest:
    """What is wrong with the object ``kind``, in words: looked for only where something is."""
    found = members.get(kind, _ABSENT)
    if type(found) is not dict:
        return MalformedRequest(f"`{kind}` is missing" if found is _ABSENT else f"`{kind}` must be an object")
    for name in required:
        value = found.get(name, _ABSENT)
        if type(value) is not str:
            return MalformedRequest(
                f"`{kind}.{name}` is missing" if value is _ABSENT else f"`{kind}.{name}` must be a string"
            )
        if len(value) > LONGEST:
            return MalformedRequest(f"`{kind}.{name}` is longer than {LONGEST} characters")
    return MalformedRequest(f"`{kind}.properties` must be an object")


def _context(members: Mapping[str, Any]) -> Mapping[str, Any]:
    context = members.get("context", _NOTHING)
    if type(context) is not dict:
        raise MalformedRequest("`context` must be an object")
    return context
