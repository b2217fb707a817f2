"""A document as JSON, byte for byte: how the service hands one to the process that answers about it."""

import base64
from collections.abc import Mapping
from typing import Any

from rbac.stores import Snapshot


def sent(snapshot: Snapshot) -> dict[str, Any]:
    """What :func:`received` makes a document of again; the endpoints that it was published with stay behind."""
    return {
        "model": _b64(snapshot.model),
        "policy": _b64(snapshot.policy),
        "tests": {name: _b64(content) for name, content in snapshot.tests.items()},
        "model_name": snapshot.model_name,
        "policy_name": snapshot.policy_name,
        "tests_name": snapshot.tests_name,
        "version": snapshot.version,
    }


def received(held: Mapping[str, Any]) -> Snapshot:
    """The document that :func:`sent` was given."""
    tests = {name: base64.b64decode(content) for name, content in held["tests"].items()}
    names = {name: held[name] for name in ("model_name", "policy_name", "tests_name", "version")}
    return Snapshot(base64.b64decode(held["model"]), base64.b64decode(held["policy"]), tests, **names)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
