"""What one setting's value may look like: each function takes it and gives it back, or raises ``ValueError``.

The message says what is expected. It never repeats the value: whoever reports the fault knows whether it may
be shown.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from rbac.document.names import PRESETS, Subjects
from rbac.guard.identity.addresses import issuer_address
from rbac.model.imported import REFERENCE
from rbac.text.wording import quoted

_STORE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
POOL_ID = re.compile(r"(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+)_[0-9A-Za-z]+")
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")
_CLIENT_ID = re.compile(r"[\w.+@-]{1,128}", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_AUDIENCE = re.compile(r"[!-~]{1,256}")
_RESOURCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!\"$-~]{1,2000}")  # RFC 8707, section 2
_PREFIX = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[\w.~-]+)+", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REQUEST_SOURCE = re.compile(r"claims\..+|roles|path|method|host|client_ip")
_PDP_SOURCE = re.compile(r"(?:subject|action|resource|context)(?:\.[^.]+)+")


def comma_separated(value: object) -> object:
    """Text into its items, without blanks and repetitions; anything else is left to the field's own type."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(item for item in (part.strip() for part in value.split(",")) if item))


def upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def pool_id(value: str) -> str:
    if value and not (POOL_ID.fullmatch(value) and len(value) <= 55):
        raise ValueError(
            "is not a user pool id; copy it from the Cognito console, it looks like `eu-west-1_AbC123xyz`"
        )
    return value


def region(value: str) -> str:
    if value and not _REGION.fullmatch(value):
        raise ValueError("is not an AWS region, which looks like `eu-west-1`")
    return value


def client_ids(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _CLIENT_ID.fullmatch(value) or POOL_ID.fullmatch(value):
            raise ValueError(
                "is not a list of app client ids; copy them from the app client, separated by commas"
            )
    return values


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(comma_separated)]
ClientIds = Annotated[CommaSeparated, AfterValidator(client_ids)]


def host(value: str) -> str:
    if value and not _HOST.fullmatch(value):
        raise ValueError("is not a host name; write it without `https://` and without a path, in lower case")
    return value


def project_id(value: str) -> str:
    if value and not _PROJECT_ID.fullmatch(value):
        raise ValueError("is not a Firebase project id, which looks like `my-project-1a2b`")
    return value


def issuer(value: str) -> str:
    if value:
        try:
            issuer_address(value)
        except ValueError:
            raise ValueError(
                "is not an issuer; it is an https URL without query and fragment, as `iss` in the tokens has it"
            ) from None
    return value


def audiences(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _AUDIENCE.fullmatch(value):
            raise ValueError("is not a list of client ids; copy them from the issuer, separated by commas")
    return values


def resource(value: str) -> str:
    if value and not _RESOURCE.fullmatch(value):
        raise ValueError(
            "is not a resource; it is an absolute URI without a fragment, as `aud` in the tokens has it"
        )
    return value


def listen_address(value: str) -> str:
    """An address of this machine to listen on, not a name of it."""
    if value != "localhost":
        try:
            ip_address(value)
        except ValueError:
            raise ValueError("must be an IP address to listen on, such as `127.0.0.1` or `0.0.0.0`") from None
    return value


def proxies(values: tuple[str, ...]) -> tuple[str, ...]:
    """uvicorn takes what is no address for a socket's name, and then believes nobody: here it is a fault."""
    for value in values:
        if value != "*":
            try:
                ip_network(value)
            except ValueError:
                raise ValueError("must be addresses or networks like `10.0.0.0/8`, or `*`") from None
    return values


# The fewest leading bits of a network that can be somebody's own; IPv6 has one that is wider and everybody's (RFC 4193).
_FEWEST_BITS = {4: 8, 6: 16}
_PRIVATE = IPv6Network("fc00::/7")


def widest_network(proxies: tuple[str, ...]) -> str:
    """The first of ``proxies`` that takes in strangers, alone or together with the others; "" when none does."""
    if "*" in proxies:
        return "*"
    networks = [ip_network(proxy) for proxy in proxies]
    old = collapse_addresses(network for network in networks if isinstance(network, IPv4Network))
    new = collapse_addresses(network for network in networks if isinstance(network, IPv6Network))
    wide = [
        *(each for each in old if each.prefixlen < _FEWEST_BITS[4]),
        *(each for each in new if each.prefixlen < _FEWEST_BITS[6] and not each.subnet_of(_PRIVATE)),
    ]
    return str(wide[0]) if wide else ""


def _split(value: str) -> SplitResult | None:
    try:
        url = urlsplit(value)
        plain = url.scheme in {"http", "https"} and _host_of(url) and url.port != 0
    except ValueError:  # an unclosed bracket, or a port that is no number
        return None
    return url if plain and url.username is None and not (url.query or url.fragment) else None


def _host_of(url: SplitResult) -> bool:
    name = url.hostname or ""
    return (
        ":" in name or _HOST.fullmatch(name) is not None
    )  # a colon: an IPv6 address, which urlsplit has checked


def endpoint_url(value: str) -> str:
    """A base address: scheme, host, and a port or none. A closing slash is dropped."""
    if not value:
        return value
    url = _split(value)
    if url is None or url.path not in {"", "/"}:
        raise ValueError(
            "is not a base address; write `https://host` or `http://host:port`, with nothing after it"
        )
    return f"{url.scheme}://{url.netloc}"


def origins(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        url = None if value == "*" else _split(value)
        if value != "*" and (url is None or url.path or value != value.lower()):
            raise ValueError(
                "is not a list of origins; an origin is `https://host` or `https://host:port`, "
                "in lower case and without a closing slash"
            )
    return values


def tokens(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _TOKEN.fullmatch(value):
            raise ValueError("is not a comma-separated list of names as HTTP allows them")
    return values


def api_prefix(value: str) -> str:
    if value and not _PREFIX.fullmatch(value):
        raise ValueError(
            "must start with `/`, must not end with one, and holds only letters, digits and `._~-`"
        )
    return value


def at_least_one(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("must name at least one")
    return values


def request_mapping(value: str) -> str:
    _check_mapping(
        value, _REQUEST_SOURCE, "`claims.<name>`, `roles`, `path`, `method`, `host` or `client_ip`"
    )
    return value


def subjects(value: str) -> str:
    try:
        Subjects.of(value)
    except re.error as error:
        known = quoted(PRESETS)
        raise ValueError(f"is neither {known} nor a regular expression: {error}") from None
    return value


def references(values: tuple[str, ...]) -> tuple[str, ...]:
    """What is imported is looked at when the policy is loaded."""
    for value in values:
        if not REFERENCE.fullmatch(value):
            raise ValueError("is not a list of `module:name`, separated by commas")
    return values


def pdp_mapping(value: str) -> str:
    _check_mapping(value, _PDP_SOURCE, "a dotted path into `subject`, `action`, `resource` or `context`")
    return value


def mapping_pairs(value: str) -> list[tuple[str, str]]:
    """``word=source, word=source`` as pairs; the source keeps any further ``=``."""
    pairs = [tuple(piece.strip() for piece in part.partition("=")) for part in value.split(",")]
    return [(word, source) for word, _, source in pairs]


def _check_mapping(value: str, sources: re.Pattern[str], expected: str) -> None:
    pairs = mapping_pairs(value)
    if not all(_WORD.fullmatch(word) and source for word, source in pairs):
        raise ValueError("must be `word=source` pairs, separated by commas")
    repeated = _first_repeated(word for word, _ in pairs)
    if repeated is not None:
        raise ValueError(f"fills the word `{repeated}` twice")
    for word, source in pairs:
        if not sources.fullmatch(source):
            raise ValueError(f"fills `{word}` from something unknown; a source is {expected}")


def _first_repeated(words: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            return word
        seen.add(word)
    return None


def policy_store(value: SecretStr) -> SecretStr:
    """``file``, or where PostgreSQL is. What was written may hold a password, and is not repeated."""
    text = value.get_secret_value()
    if text != "file":
        _database(text, "must be `file`, or `postgresql://USER@HOST/DATABASE`")
    return value


def publish_store(value: SecretStr) -> SecretStr:
    """Where PostgreSQL is, or nothing."""
    text = value.get_secret_value()
    if text:
        _database(text, "must be `postgresql://USER@HOST/DATABASE`")
    return value


def _database(text: str, expected: str) -> None:
    from rbac.stores.postgres.address import SCHEMES, Address, AddressError

    if not text.startswith(SCHEMES):
        raise ValueError(expected)
    try:
        Address.parse(text)
    except AddressError as error:
        raise ValueError(f"is refused: {error}") from None


def store_name(value: str) -> str:
    """What a document in a database may be called."""
    if not _STORE_NAME.fullmatch(value):
        raise ValueError("must be of lower-case letters, digits, `.`, `_` and `-`, 63 of them at most")
    return value
