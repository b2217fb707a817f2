"""Names: what the policy names that nobody has, and what somebody has that the policy does not name."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from rbac.doctor.aws import PoolReader
from rbac.doctor.commands import aws
from rbac.doctor.finding import CannotSee, Finding
from rbac.document.names import CLIENT, SCOPE
from rbac.document.role_links import walk
from rbac.guard.identity.principal import RoleClaim, flaw, listed
from rbac.policy import Policy
from rbac.text.wording import quoted

GROUPS = "cognito:groups"
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Inhabitants:
    """Who is in the pool, as far as it was looked at: their ``sub``, and what roles somebody has.

    ``whole`` where everybody was looked at: only then does a name that was not met belong to nobody.
    """

    subs: frozenset[str]
    roles: frozenset[str]
    whole: bool


def check_names(reader: PoolReader) -> Iterator[Finding]:
    """Roles and persons of the policy are in the pool, and its roles in the policy."""
    setup = reader.setup
    policy = _policy_of(reader)
    there = _inhabitants(reader)
    names = policy.names()
    roles = {name for name in names.roles if not name.startswith((CLIENT, SCOPE))} - set(names.singled_out)
    people = {name for name in (*names.subjects, *names.singled_out) if not name.startswith((CLIENT, SCOPE))}
    unknown = sorted(there.roles - set(names.roles) - set(policy.relations.constants))
    if unknown:
        yield Finding(
            "role_without_rules",
            "warning",
            "the policy",
            f"users or groups have {_shown(unknown)}, which the policy does not name: they may what every valid token may",
            f"rbac can --role {unknown[0]}; then write rules for it, or take it from them",
        )
    if not there.whole:
        raise CannotSee(
            f"the pool has more than {setup.most_users} users, and who is not met need not be missing",
            f"--users {setup.most_users * 10}",
        )
    reached = _reached(policy, there.roles | there.subs | reader.scopes_named | reader.clients_named)
    idle = sorted(roles - reached)
    if idle:
        yield Finding(
            "role_of_nobody",
            "warning",
            "the policy",
            f"no user and no group has {_shown(idle)}, by itself or by a role that inherits it",
            _given(reader, idle[0]),
        )
    missing = sorted(people - there.subs)
    if missing:
        yield Finding(
            "person_of_nobody",
            "warning",
            "the policy",
            f"nobody in the pool has the `sub` {_shown(missing)}",
            f"take the lines out that name them: grep -n {missing[0]} policy.csv",
        )


def check_programs(reader: PoolReader) -> Iterator[Finding]:
    """Programs and scopes of the policy are clients and resource servers of the pool."""
    setup = reader.setup
    names = _policy_of(reader).names()
    named = {*names.roles, *names.subjects}
    clients = sorted(name for name in named if name.startswith(CLIENT) and name not in reader.clients_named)
    if clients:
        yield Finding(
            "client_of_nobody",
            "warning",
            "the policy",
            f"no app client of the pool is {_shown(clients)}",
            aws(setup, "list-user-pool-clients", max_results="60"),
        )
    scopes = sorted(name for name in named if name.startswith(SCOPE) and name not in reader.scopes_named)
    if scopes:
        yield Finding(
            "scope_of_nobody",
            "warning",
            "the policy",
            f"no resource server of the pool has {_shown(scopes)}",
            _scope_made(reader, scopes[0].removeprefix(SCOPE)),
        )


def _policy_of(reader: PoolReader) -> Policy:
    if reader.setup.policy is None:
        raise CannotSee("no policy was given", "--model FILE --policy FILE")
    return reader.setup.policy


def _inhabitants(reader: PoolReader) -> Inhabitants:
    """Who is in the pool. Roles that nothing but a Lambda function of the pool adds are not seen."""
    setup = reader.setup
    there = {each["Name"] for each in reader.pool.get("SchemaAttributes", ())}
    claims = [claim for claim in setup.role_claims if claim.name in there]
    roles: set[str] = set(reader.groups if any(claim.name == GROUPS for claim in setup.role_claims) else ())
    subs: set[str] = set()
    users = reader.users(["sub", *(claim.name for claim in claims)])
    for user in islice(users, setup.most_users):
        subs.add(user["sub"])
        roles |= {role for claim in claims for role in _roles(claim, user.get(claim.name))}
    return Inhabitants(frozenset(subs), frozenset(roles), next(users, None) is None)


def _roles(claim: RoleClaim, text: str | None) -> list[str]:
    if text is None:
        return []
    return [role for role in (listed(text) if claim.is_list else [text]) if not flaw(role)]


def _reached(policy: Policy, held: Collection[str]) -> set[str]:
    """The names that are held, and every role that they inherit, in whichever domain."""
    links: dict[str, list[str]] = {}
    for row in policy.document.rows.get("g", ()):
        links.setdefault(row[0], []).append(row[1])
    return set(walk(lambda name: links.get(name, ()), held))


def _given(reader: PoolReader, role: str) -> str:
    """How somebody is given ``role``."""
    setup = reader.setup
    if any(claim.name == GROUPS for claim in setup.role_claims):
        return aws(setup, "create-group", group_name=role)
    claim = next((claim.name for claim in setup.role_claims), "custom:role")
    give = aws(setup, "admin-update-user-attributes", user_attributes=f"Name={claim},Value={role}")
    return f"{give} --username NAME; or take its rules out of the policy"


def _scope_made(reader: PoolReader, scope: str) -> str:
    server, _, name = scope.rpartition("/")
    if not server:
        return "write the scope as tokens have it: `scope:SERVER/NAME`"
    scopes = f"ScopeName={name},ScopeDescription={name}"
    return aws(reader.setup, "create-resource-server", identifier=server, name=server, scopes=scopes)


def _shown(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return quoted(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
