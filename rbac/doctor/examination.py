"""The examination: every check by itself, so that one that cannot be made does not hide the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

from rbac.doctor import clients, issuer, names, pool
from rbac.doctor.aws import PoolReader
from rbac.doctor.finding import CannotSee, Finding, Unseen
from rbac.doctor.issuer import IssuerReader
from rbac.doctor.issuer_setup import IssuerSetup

Check = Callable[[], Iterator[Finding]]

OF_ISSUERS: Final = {
    "https": issuer.check_address,
    "discovery": issuer.check_discovery,
    "algorithms": issuer.check_algorithms,
    "keys": issuer.check_keys,
    "clock": issuer.check_clock,
}
OF_POOLS: Final = {
    "pool": pool.check_there,
    "deletion": pool.check_guarded,
    "second factor": pool.check_mfa,
    "attributes": pool.check_attributes,
    "app clients": clients.check_clients_there,
    "written attributes": clients.check_writable,
    "read attributes": clients.check_readable,
    "lifetimes": clients.check_lifetimes,
    "revocation": clients.check_revocable,
    "sign-in flows": clients.check_flows,
    "callbacks": clients.check_callbacks,
    "domain": pool.check_domain,
    "names": names.check_names,
    "programs": names.check_programs,
}
_GRAVEST_FIRST: Final = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, gravest first; what was looked at; what could not be, or not in full."""

    findings: tuple[Finding, ...]
    seen: tuple[str, ...]
    unseen: tuple[Unseen, ...]

    @property
    def complete(self) -> bool:
        """Whether every check could be made."""
        return not self.unseen

    def to_json(self) -> dict[str, object]:
        """The outcome as ``rbac doctor --format json`` shows it, beside the issuer."""
        return {
            "complete": self.complete,
            "findings": [asdict(each) for each in self.findings],
            "seen": self.seen,
            "unseen": [asdict(each) for each in self.unseen],
        }


def examine(
    setup: IssuerSetup, pool_reader: PoolReader | None = None, issuer_reader: IssuerReader | None = None
) -> Examination:
    """Makes every check of ``setup``. The readers, of the same setup, are what it is seen through."""
    over_http = issuer_reader or IssuerReader(setup)
    checks: list[tuple[str, Check]] = [
        (name, partial(check, over_http)) for name, check in OF_ISSUERS.items()
    ]
    if setup.provider == "cognito":
        by_api = pool_reader or PoolReader(setup)
        checks += [(name, partial(check, by_api)) for name, check in OF_POOLS.items()]
    return _made(checks)


def _made(checks: Sequence[tuple[str, Check]]) -> Examination:
    findings: list[Finding] = []
    seen: list[str] = []
    unseen: list[Unseen] = []
    for name, check in checks:
        try:
            findings.extend(check())  # what was found before something could not be seen stays
        except CannotSee as error:
            unseen.append(Unseen(name, error.reason, error.fix))
        else:
            seen.append(name)
    findings.sort(key=lambda each: _GRAVEST_FIRST.index(each.weight))
    return Examination(tuple(findings), tuple(seen), tuple(unseen))
