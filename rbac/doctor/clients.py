"""The app clients. Users may sign in through any client of the pool, so whoever may write a role is asked of all of them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from rbac.doctor.aws import Description, NotThere, PoolReader
from rbac.doctor.commands import aws, change_client
from rbac.doctor.finding import Finding, Weight
from rbac.doctor.issuer_setup import IssuerSetup
from rbac.guard.identity.addresses import is_loopback
from rbac.text.wording import quoted

HOUR: Final = 3600
DAY: Final = 24 * HOUR
LONGEST_TOKEN_S: Final = HOUR
LONGEST_SESSION_S: Final = 30 * DAY
_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": HOUR, "days": DAY}
# What AWS lets through where a client names nothing.
_USUAL_FLOWS: Final = ("ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
_PLAIN_FLOWS: Final = {
    "ALLOW_USER_PASSWORD_AUTH": "the application sends the password itself",
    "USER_PASSWORD_AUTH": "the application sends the password itself",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH": "a server of yours sees and sends the password",
    "ADMIN_NO_SRP_AUTH": "a server of yours sees and sends the password",
}
_NEVER_WRITABLE: Final = frozenset({"sub", "email_verified", "phone_number_verified", "identities"})


def check_clients_there(reader: PoolReader) -> Iterator[Finding]:
    """Every client whose tokens are accepted is one of the pool's."""
    setup = reader.setup
    _ = reader.pool
    for client_id in setup.audiences:
        try:
            reader.described(client_id)
        except NotThere:
            yield Finding(
                "client_missing",
                "error",
                f"client {client_id}",
                "the pool has no app client of that id: nobody's token can be for it",
                aws(setup, "list-user-pool-clients", max_results="60"),
            )


def check_writable(reader: PoolReader) -> Iterator[Finding]:
    """Users cannot write what the policy decides by, through whichever client they sign in."""
    setup, pool = reader.setup, reader.pool
    schema = {each["Name"]: each for each in pool.get("SchemaAttributes", ())}
    deciding = [claim for claim in setup.deciding if claim in schema and claim not in _NEVER_WRITABLE]
    sign_up = not pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False)
    at_risk = [claim for claim in deciding if schema[claim].get("Mutable", True) or sign_up]
    for client in reader.clients:
        written = [claim for claim in at_risk if _may_write(client, claim)]
        if not written or not signs_people_in(client):
            continue
        once = [claim for claim in written if not schema[claim].get("Mutable", True)]
        how = "when they sign up" if once == written else "with their own access token"
        unnamed = (
            "" if client.get("WriteAttributes") else "; a client that names no WriteAttributes has them all"
        )
        yield Finding(
            "attribute_writable",
            _gravity(client),
            _called(client),
            f"whoever signs in through it can write {quoted(written)} {how}, and so choose their own role{unnamed}",
            change_client(
                setup, client["ClientId"], {"WriteAttributes": _writable_left(client, schema, written)}
            ),
        )


def check_readable(reader: PoolReader) -> Iterator[Finding]:
    """What the policy decides by is in the ID tokens of the accepted clients."""
    setup = reader.setup
    if not setup.takes_ids:
        return
    there = {each["Name"] for each in reader.pool.get("SchemaAttributes", ())}
    for client in _accepted(reader):
        readable: list[str] = client.get("ReadAttributes") or []  # naming none is naming all
        missing = [claim for claim in setup.deciding if claim in there and readable and claim not in readable]
        if missing and signs_people_in(client):
            yield Finding(
                "attribute_unreadable",
                "error",
                _called(client),
                f"its ID tokens do not hold {quoted(missing)}: everybody who signs in through it has no role",
                change_client(setup, client["ClientId"], {"ReadAttributes": [*readable, *missing]}),
            )


def check_lifetimes(reader: PoolReader) -> Iterator[Finding]:
    """A withdrawn role ends soon, and a session some day."""
    setup = reader.setup
    for client in _accepted(reader):
        used = ["IdToken"] * setup.takes_ids + ["AccessToken"] * setup.takes_access
        lifetimes = {kind: _lifetime(client, kind, "hours") for kind in used}
        long = {kind: seconds for kind, seconds in lifetimes.items() if seconds > LONGEST_TOKEN_S}
        if long:
            units = {**client.get("TokenValidityUnits", {}), **dict.fromkeys(long, "hours")}
            yield Finding(
                "token_lives_long",
                "warning",
                _called(client),
                f"its tokens live for {_span(max(long.values()))}: a withdrawn role lives as long, unless it is revoked",
                change_client(
                    setup,
                    client["ClientId"],
                    {**{f"{kind}Validity": 1 for kind in long}, "TokenValidityUnits": units},
                ),
            )
        session = _lifetime(client, "RefreshToken", "days")
        if session > LONGEST_SESSION_S and signs_people_in(client):
            units = {**client.get("TokenValidityUnits", {}), "RefreshToken": "days"}
            yield Finding(
                "session_lives_long",
                "warning",
                _called(client),
                f"a sign-in lasts {_span(session)}: so long does a lost device get new tokens",
                change_client(
                    setup, client["ClientId"], {"RefreshTokenValidity": 30, "TokenValidityUnits": units}
                ),
            )


def check_revocable(reader: PoolReader) -> Iterator[Finding]:
    """Tokens say which session they are of, so that one can be sent away."""
    for client in _accepted(reader):
        if client.get("EnableTokenRevocation") is False and signs_people_in(client):
            yield Finding(
                "revocation_off",
                "warning",
                _called(client),
                "its tokens have no `origin_jti`: `rbac revoke --session` cannot name a session, and a sign-out ends none",
                change_client(reader.setup, client["ClientId"], {"EnableTokenRevocation": True}),
            )


def check_flows(reader: PoolReader) -> Iterator[Finding]:
    """Passwords are proven and not sent, and tokens do not come in URLs."""
    for client in _accepted(reader):
        flows = list(client.get("ExplicitAuthFlows") or _USUAL_FLOWS)
        plain = [flow for flow in flows if flow in _PLAIN_FLOWS]
        if plain:
            kept = [flow for flow in flows if flow not in plain]
            kept += [flow for flow in ("ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH") if flow not in kept]
            kept = [flow for flow in kept if flow.startswith("ALLOW_")]
            yield Finding(
                "password_in_clear",
                "warning",
                _called(client),
                f"{quoted(plain)}: {_PLAIN_FLOWS[plain[0]]}; `ALLOW_USER_SRP_AUTH` proves it without sending it",
                change_client(reader.setup, client["ClientId"], {"ExplicitAuthFlows": kept}),
            )
        grants = _grants(client)
        if "implicit" in grants:
            kept = [grant for grant in grants if grant != "implicit"] or ["code"]
            yield Finding(
                "implicit_grant",
                "warning",
                _called(client),
                "the grant `implicit` puts tokens in a URL, where histories and logs keep them",
                change_client(reader.setup, client["ClientId"], {"AllowedOAuthFlows": kept}),
            )


def check_callbacks(reader: PoolReader) -> Iterator[Finding]:
    """A sign-in, and with it a token, leads to addresses of yours alone."""
    for client in _accepted(reader):
        yield from _about_callbacks(reader.setup, client, "callback_insecure", "error", _leads_anywhere)
        if reader.setup.production:
            yield from _about_callbacks(reader.setup, client, "callback_local", "warning", _leads_here)


def _about_callbacks(
    setup: IssuerSetup, client: Description, code: str, weight: Weight, wrong: Callable[[str], bool]
) -> Iterator[Finding]:
    addresses = [*client.get("CallbackURLs", ()), *client.get("LogoutURLs", ())]
    found = [address for address in dict.fromkeys(addresses) if wrong(address)]
    if not found:
        return
    changes: dict[str, Any] = {
        name: [address for address in client[name] if address not in found]
        for name in ("CallbackURLs", "LogoutURLs")
        if not set(client.get(name, ())).isdisjoint(found)
    }
    if changes.get("CallbackURLs") == []:  # a client with grants must keep one
        changes["CallbackURLs"] = ["https://YOUR-APPLICATION/"]
    if client.get("DefaultRedirectURI") in found:
        changes["DefaultRedirectURI"] = changes["CallbackURLs"][0]
    said = {
        "callback_insecure": "whoever listens in, or has a host that fits, is handed the sign-in",
        "callback_local": "whatever listens on the user's machine is handed the sign-in",
    }[code]
    yield Finding(
        code,
        weight,
        _called(client),
        f"{quoted(found)}: {said}",
        change_client(setup, client["ClientId"], changes),
    )


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _leads_anywhere(address: str) -> bool:
    """Plain http but on this machine, or a wildcard. An application's own scheme (``shop://``) is its own."""
    plain = address.lower().startswith("http:") and not is_loopback(_host(address))
    return plain or "*" in address


def _leads_here(address: str) -> bool:
    return address.lower().startswith(("http:", "https:")) and is_loopback(_host(address))


def signs_people_in(client: Description) -> bool:
    """Whether anybody can sign in through the client, and not only a program."""
    flows = set(client.get("ExplicitAuthFlows") or _USUAL_FLOWS) - {"ALLOW_REFRESH_TOKEN_AUTH"}
    return bool(flows) or not {"code", "implicit"}.isdisjoint(_grants(client))


def _grants(client: Description) -> list[str]:
    return list(client.get("AllowedOAuthFlows", ())) if client.get("AllowedOAuthFlowsUserPoolClient") else []


def _gravity(client: Description) -> Weight:
    """A program's client that nobody closed to people takes its secret to sign in through: it is in fewer hands."""
    programs = _grants(client) == ["client_credentials"] and client["ClientSecret"]
    return "warning" if programs else "error"


def _accepted(reader: PoolReader) -> Iterator[Description]:
    """The clients whose tokens are accepted; that one is missing is said elsewhere."""
    _ = reader.pool
    for client_id in reader.setup.audiences:
        try:
            yield reader.described(client_id)
        except NotThere:
            continue


def _may_write(client: Description, claim: str) -> bool:
    """Whoever names no attributes, or an empty list of them, has all: so AWS has it, whatever its reference says of custom
    ones."""
    named = client.get("WriteAttributes")
    return not named or claim in named


def _writable_left(client: Description, schema: dict[str, Description], taken: Iterable[str]) -> list[str]:
    """What the client may write afterwards: never nothing, which would be everything."""
    closed = {*taken, *_NEVER_WRITABLE}
    named = [name for name in client.get("WriteAttributes") or () if name not in closed]
    return named or sorted(name for name in schema if name not in closed and not name.startswith("dev:"))


def _lifetime(client: Description, kind: str, usual_unit: str) -> int:
    """Seconds that a kind of token lives; AWS's defaults where the client says nothing."""
    unit = client.get("TokenValidityUnits", {}).get(kind, usual_unit)
    usual = 30 if kind == "RefreshToken" else 1
    said = client.get(f"{kind}Validity")
    if not said:  # also 0, which AWS takes for the default
        return usual * (DAY if kind == "RefreshToken" else HOUR)
    return int(said) * _SECONDS[unit]


def _span(seconds: int) -> str:
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _called(client: Description) -> str:
    name = client.get("ClientName")
    return f"client {client['ClientId']}" + (f" ({name})" if name else "")
