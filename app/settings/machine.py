"""What settings must be to this machine: files that are there, and places that can be written to."""

import os
import shlex
from pathlib import Path
from tempfile import TemporaryFile

from app.settings.derived import DerivedSettings
from app.settings.rules import Rules, are_one

surroundings = Rules()
"""Every way in which settings disagree with the files and directories of this machine."""

missing_documents = Rules()
"""Every file of a policy that is named and not there."""

_READ = (
    "policy_model",
    "policy_file",
    "policy_tests",
    "revocations_file",
    "shadow_policy_file",
    "pdp_model",
    "pdp_policy",
    "pdp_entities",
    "forward_auth_model",
    "forward_auth_policy",
    "forward_auth_tests",
)


@surroundings.about("decision_log", *_READ)
def _decisions_do_not_overwrite_the_policy(settings: DerivedSettings) -> str:
    return _is_read(settings, settings.decision_log_file)


@surroundings.about("log_file", *_READ)
def _the_log_does_not_overwrite_the_policy(settings: DerivedSettings) -> str:
    return _is_read(settings, settings.log_file)


@surroundings.about("decision_log")
def _decisions_stay_where_they_are_said_to_be(settings: DerivedSettings) -> str:
    return _leads_elsewhere(settings.decision_log_file)


@surroundings.about("log_file")
def _the_log_stays_where_it_is_said_to_be(settings: DerivedSettings) -> str:
    return _leads_elsewhere(settings.log_file)


@missing_documents.about("policy_model", "policy_store", "pdp_model", "pdp_policy")
def _model_is_there(settings: DerivedSettings) -> str:
    needed = settings.reads_files or (settings.pdp_policy is not None and settings.pdp_model is None)
    return _unreadable(settings.policy_model) if needed else ""


@missing_documents.about("policy_file", "policy_store")
def _policy_is_there(settings: DerivedSettings) -> str:
    return _unreadable(settings.policy_file) if settings.reads_files else ""


@missing_documents.about("policy_tests", "policy_gate", "policy_store")
def _tests_are_there(settings: DerivedSettings) -> str:
    if settings.policy_gate == "lint" or not settings.reads_files or settings.policy_tests.exists():
        return ""
    return f"does not exist: {_quoted(settings.policy_tests)}; write policy tests, or set POLICY_GATE=lint"


@missing_documents.about("revocations_file", "policy_store")
def _revocations_are_there(settings: DerivedSettings) -> str:
    if not settings.reads_files:
        return ""
    path = settings.revocations_file
    if path.exists() or path.is_symlink():
        return _unreadable(path)
    # INVARIANT: a file that is not there is no file without rows: whoever was sent away would be let in by a slip.
    begin = shlex.join(["touch", str(path)])
    return f"does not exist: {_quoted(path)}; where nobody was sent away it is an empty file: `{begin}`"


@missing_documents.about("pdp_model")
def _pdp_model_is_there(settings: DerivedSettings) -> str:
    return _unreadable(settings.pdp_model) if settings.pdp_model else ""


@missing_documents.about("pdp_policy")
def _pdp_policy_is_there(settings: DerivedSettings) -> str:
    return _unreadable(settings.pdp_policy) if settings.pdp_policy else ""


@missing_documents.about("forward_auth_policy")
def _rules_for_proxies_are_there(settings: DerivedSettings) -> str:
    return _unreadable(settings.forward_auth_policy) if settings.forward_auth_policy else ""


@missing_documents.about("forward_auth_model", "forward_auth_policy", "pdp_policy")
def _model_for_proxies_is_there(settings: DerivedSettings) -> str:
    own = settings.forward_auth_document
    return _unreadable(own[0]) if own is not None and own[1].exists() else ""


@missing_documents.about("forward_auth_tests", "forward_auth_policy", "pdp_policy", "policy_gate")
def _tests_for_proxies_are_there(settings: DerivedSettings) -> str:
    own = settings.forward_auth_document
    if settings.policy_gate == "lint" or own is None or not own[1].exists() or own[2].exists():
        return ""
    return f"does not exist: {_quoted(own[2])}; write policy tests, or set POLICY_GATE=lint"


@surroundings.about("pdp_entities")
def _pdp_entities_are_there(settings: DerivedSettings) -> str:
    return _unreadable(settings.pdp_entities) if settings.pdp_entities else ""


@surroundings.about("log_file")
def _log_can_be_written(settings: DerivedSettings) -> str:
    return _unwritable(settings.log_file) if settings.log_file else ""


@surroundings.about("decision_log")
def _decisions_can_be_written(settings: DerivedSettings) -> str:
    return _unwritable(settings.decision_log_file) if settings.decision_log_file else ""


@surroundings.about("policy_cache")
def _cache_can_be_written(settings: DerivedSettings) -> str:
    return _unwritable(settings.policy_cache, directory=True) if settings.policy_cache else ""


def _is_read(settings: DerivedSettings, written: Path | None) -> str:
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
        if are_one(written, read) or (
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
