"""What settings must be to each other and to the machine: each rule is one function that names what it reads.

A rule answers with what is wrong, or "" when nothing is. It never repeats a value that may be a secret.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from app.setting_shapes import POOL_ID, mapping_pairs, widest_network

if TYPE_CHECKING:  # Settings applies these rules to itself
    from app.config import Settings


class Conflict(NamedTuple):
    """A broken rule: the settings it read, the one to mend first, and what is wrong with it."""

    fields: tuple[str, ...]
    message: str


class ContradictionError(ValueError):
    """Settings that are each well-formed and cannot be true together."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        self.conflicts = conflicts
        super().__init__(
            "; ".join(f"{conflict.fields[0].upper()} {conflict.message}" for conflict in conflicts)
        )


_Check = Callable[["Settings"], str]


class _Rule(NamedTuple):
    fields: tuple[str, ...]
    check: _Check


_contradictions: list[_Rule] = []
_surroundings: list[_Rule] = []
_documents: list[_Rule] = []


def _rule(*fields: str, among: list[_Rule] = _contradictions) -> Callable[[_Check], _Check]:
    def register(check: _Check) -> _Check:
        among.append(_Rule(fields, check))
        return check

    return register


def contradictions(settings: "Settings") -> list[Conflict]:
    """Every way in which the settings disagree with each other."""
    return _broken(_contradictions, settings)


def surroundings(settings: "Settings") -> list[Conflict]:
    """Every way in which the settings disagree with the files and directories of this machine."""
    return _broken(_surroundings, settings)


def missing_documents(settings: "Settings") -> list[Conflict]:
    """Every file of a policy that is named and not there."""
    return _broken(_documents, settings)


def _broken(rules: list[_Rule], settings: "Settings") -> list[Conflict]:
    found = [Conflict(rule.fields, rule.check(settings)) for rule in rules]
    return [conflict for conflict in found if conflict.message]


# AWS keeps apart what it runs for China, for Europe and for governments: other hosts, other accounts.
_PARTITIONS = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
_DEFAULT_PARTITION = "amazonaws.com"


def cognito_host(region: str) -> str:
    """The host that issues a region's tokens and publishes their keys."""
    suffix = next(
        (host for prefix, host in _PARTITIONS.items() if region.startswith(prefix)), _DEFAULT_PARTITION
    )
    return f"cognito-idp.{region}.{suffix}"


def _is_cognito(url: str, region: str) -> bool:
    parts = urlsplit(url)
    hosts = {f"cognito-idp.{region}.{suffix}" for suffix in {_DEFAULT_PARTITION, *_PARTITIONS.values()}}
    return parts.scheme == "https" and parts.netloc in hosts


def issuer_host(settings: "Settings") -> str:
    """The host in ``iss``: the endpoint's when that is Cognito, else the one that an emulator claims."""
    if _is_cognito(settings.cognito_endpoint_url, settings.cognito_region):
        return urlsplit(settings.cognito_endpoint_url).netloc
    return cognito_host(settings.cognito_region)


def _needed(field: str, provider: str, advice: str) -> None:
    @_rule(field, "identity_provider", "environment")
    def check(settings: "Settings") -> str:
        missing = settings.identity_provider == provider and not getattr(settings, field)
        return f"is missing; {advice}" if missing else ""


_needed("cognito_user_pool_id", "cognito", "set it to the id of the user pool, like `eu-west-1_AbC123xyz`")
_needed("cognito_app_client_id", "cognito", "set it to the id of the app client whose users sign in here")
_needed("auth0_domain", "auth0", "set it to the tenant, like `example.eu.auth0.com`")
_needed("auth0_client_id", "auth0", "set it to the client id of the application whose users sign in here")
_needed("firebase_project_id", "firebase", "set it to the id of the project")


@_rule("debug", "environment")
def _no_debugging_in_production(settings: "Settings") -> str:
    return "must be `false` in production" if settings.debug and settings.environment == "production" else ""


@_rule("cognito_region", "cognito_user_pool_id")
def _region_is_the_pools(settings: "Settings") -> str:
    pool = POOL_ID.fullmatch(settings.cognito_user_pool_id)
    if pool is None or pool["region"] == settings.cognito_region:
        return ""
    return f"disagrees with the user pool, which is in `{pool['region']}`; leave it out, or write that"


@_rule("cognito_endpoint_url", "environment", "cognito_region", "cognito_user_pool_id")
def _keys_come_from_the_issuer(settings: "Settings") -> str:
    url, region = settings.cognito_endpoint_url, settings.cognito_region
    if settings.is_development or not url:
        return ""
    if not url.startswith("https://"):
        return (
            f"must be https outside development; leave it out to use AWS (this is `{settings.environment}`)"
        )
    if _is_cognito(url, region):
        return ""
    return f"must be Cognito itself outside development: `https://{cognito_host(region or 'REGION')}`"


@_rule("allowed_origins", "environment")
def _origins_are_named(settings: "Settings") -> str:
    if settings.environment != "production" or "*" not in settings.allowed_origins:
        return ""
    return "must name the origins in production: `*` lets any page call with a visitor's credentials"


@_rule("forwarded_allow_ips", "policy_request")
def _client_address_is_not_the_callers_word(settings: "Settings") -> str:
    decides = any(source == "client_ip" for _, source in mapping_pairs(settings.policy_request))
    wide = widest_network(settings.forwarded_allow_ips) if decides else ""
    if not wide:
        return ""
    return f"must name the proxies: with `{wide}` any caller chooses the `client_ip` that POLICY_REQUEST decides by"


@_rule("pdp_model", "pdp_policy")
def _a_model_has_rules(settings: "Settings") -> str:
    return "needs PDP_POLICY beside it" if settings.pdp_model and not settings.pdp_policy else ""


@_rule("forward_auth_tests", "forward_auth_policy", "pdp_policy")
def _tests_have_a_document(settings: "Settings") -> str:
    own = settings.forward_auth_document
    return "needs FORWARD_AUTH_POLICY beside it" if settings.forward_auth_tests and own is None else ""


@_rule("decision_log_required", "decision_log")
def _a_required_log_is_kept(settings: "Settings") -> str:
    contradicts = settings.decision_log_required and settings.decision_log == "off"
    return "cannot be `true` while DECISION_LOG is `off`" if contradicts else ""


@_rule("decision_log", "log_file")
def _logs_have_files_of_their_own(settings: "Settings") -> str:
    path = settings.decision_log_file
    same = path is not None and settings.log_file is not None and _are_one(path, settings.log_file)
    return "must be another file than LOG_FILE, which is rotated away" if same else ""


_READ = (
    "policy_model",
    "policy_file",
    "policy_tests",
    "shadow_policy_file",
    "pdp_model",
    "pdp_policy",
    "pdp_entities",
    "forward_auth_model",
    "forward_auth_policy",
    "forward_auth_tests",
)


@_rule("decision_log", *_READ, among=_surroundings)
def _decisions_do_not_overwrite_the_policy(settings: "Settings") -> str:
    return _is_read(settings, settings.decision_log_file)


@_rule("log_file", *_READ, among=_surroundings)
def _the_log_does_not_overwrite_the_policy(settings: "Settings") -> str:
    return _is_read(settings, settings.log_file)


@_rule("decision_log", among=_surroundings)
def _decisions_stay_where_they_are_said_to_be(settings: "Settings") -> str:
    return _leads_elsewhere(settings.decision_log_file)


@_rule("log_file", among=_surroundings)
def _the_log_stays_where_it_is_said_to_be(settings: "Settings") -> str:
    return _leads_elsewhere(settings.log_file)


@_rule("policy_model", among=_documents)
def _model_is_there(settings: "Settings") -> str:
    return _unreadable(settings.policy_model)


@_rule("policy_file", among=_documents)
def _policy_is_there(settings: "Settings") -> str:
    return _unreadable(settings.policy_file)


@_rule("policy_tests", "policy_gate", among=_documents)
def _tests_are_there(settings: "Settings") -> str:
    if settings.policy_gate == "lint" or settings.policy_tests.exists():
        return ""
    return f"does not exist: {_quoted(settings.policy_tests)}; write policy tests, or set POLICY_GATE=lint"


@_rule("pdp_model", among=_documents)
def _pdp_model_is_there(settings: "Settings") -> str:
    return _unreadable(settings.pdp_model) if settings.pdp_model else ""


@_rule("pdp_policy", among=_documents)
def _pdp_policy_is_there(settings: "Settings") -> str:
    return _unreadable(settings.pdp_policy) if settings.pdp_policy else ""


@_rule("forward_auth_policy", among=_documents)
def _rules_for_proxies_are_there(settings: "Settings") -> str:
    return _unreadable(settings.forward_auth_policy) if settings.forward_auth_policy else ""


@_rule("forward_auth_model", "forward_auth_policy", "pdp_policy", among=_documents)
def _model_for_proxies_is_there(settings: "Settings") -> str:
    own = settings.forward_auth_document
    return _unreadable(own[0]) if own is not None and own[1].exists() else ""


@_rule("forward_auth_tests", "forward_auth_policy", "pdp_policy", "policy_gate", among=_documents)
def _tests_for_proxies_are_there(settings: "Settings") -> str:
    own = settings.forward_auth_document
    if settings.policy_gate == "lint" or own is None or not own[1].exists() or own[2].exists():
        return ""
    return f"does not exist: {_quoted(own[2])}; write policy tests, or set POLICY_GATE=lint"


@_rule("pdp_entities", among=_surroundings)
def _pdp_entities_are_there(settings: "Settings") -> str:
    return _unreadable(settings.pdp_entities) if settings.pdp_entities else ""


@_rule("log_file", among=_surroundings)
def _log_can_be_written(settings: "Settings") -> str:
    return _unwritable(settings.log_file) if settings.log_file else ""


@_rule("decision_log", among=_surroundings)
def _decisions_can_be_written(settings: "Settings") -> str:
    return _unwritable(settings.decision_log_file) if settings.decision_log_file else ""


@_rule("policy_cache", among=_surroundings)
def _cache_can_be_written(settings: "Settings") -> str:
    return _unwritable(settings.policy_cache, directory=True) if settings.policy_cache else ""


def _are_one(path: Path, other: Path) -> bool:
    """Whether both name one file, however they are spelled or linked, also one that is not there yet."""
    with suppress(OSError):  # hard links
        if path.samefile(other):
            return True
    return path.resolve() == other.resolve()


def _is_read(settings: "Settings", written: Path | None) -> str:
    """Whether a log would be written into what the service reads."""
    if written is None or written.is_dir():
        return ""
    own = settings.forward_auth_document or (None, None, None)
    defaults = dict(
        zip(("forward_auth_model", "forward_auth_policy", "forward_auth_tests"), own, strict=True)
    )
    for name in _READ:
        read: Path | None = defaults[name] if name in defaults else getattr(settings, name)
        if read is None:
            continue
        if _are_one(written, read) or (
            name.endswith("_tests") and read.resolve() in written.resolve().parents
        ):
            return f"must be another file than {name.upper()}, which is read"
    return ""


def _leads_elsewhere(path: Path | None) -> str:
    """Whether a log is a link to a file: it would be written there, and renamed here. Links to devices are usual."""
    if path is None or not path.is_symlink() or path.is_relative_to("/dev"):
        return ""
    if path.exists() and not path.is_file():
        return ""
    return f"must not be a link to another file: {_quoted(path)}; name that file itself"


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb"):
            return ""
    except OSError as error:
        return f"cannot be read: {_quoted(path)}: {error.strerror}"


def _unwritable(path: Path, *, directory: bool = False) -> str:
    """Tries it, without leaving anything behind: permission bits say nothing of a read-only file system."""
    if not path.parent.is_dir():
        return f"cannot be written: there is no directory {_quoted(path.parent)}"
    if path.is_dir() and not directory:
        return f"cannot be written: {_quoted(path)} is a directory"
    try:
        if path.is_dir() or not path.exists():
            _write_in(path if path.is_dir() else path.parent)
        elif path.is_file():
            path.open("ab").close()
            _write_in(path.parent)  # where it is renamed to when it is rotated
        elif not os.access(path, os.W_OK):  # a device or a pipe: opening one can block
            return f"cannot be written: {_quoted(path)}"
    except OSError as error:
        return f"cannot be written: {_quoted(path)}: {error.strerror}"
    return ""


def _write_in(directory: Path) -> None:
    with TemporaryFile(dir=directory):
        pass


def _quoted(path: Path) -> str:
    return f"`{path}`"
