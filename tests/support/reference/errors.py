"""docs/errors.md: every code that an answer of the service can carry in ``error``."""

from typing import Final

from app.http.problems import PROBLEMS
from tests.support.reference.tables import code, table

HEAD: Final = """# Errors over HTTP

Every refusal is a problem document ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). `error` is one of these codes, which never change their
meaning; `detail` is for people, in English, or in Japanese where `Accept-Language` prefers it. `request_id` is always there, and on a 403 also the
`decision_id` and the `policy_revision` to quote when you ask why.

An endpoint's own errors have the code of their status, such as `not_found` or `method_not_allowed`. Answers under `/access/v1` to what is malformed are a
text, as [AuthZEN](authzen.md) says.

"""
# What somebody who meets it does.
DO: Final = {
    "invalid_path": "ask for a path without control characters",
    "invalid_host": "send one `Host` header",
    "uri_too_long": "ask for a path of 8 KiB at most",
    "authentication_required": "send a token: `Authorization: Bearer …`",
    "invalid_token": "get a new token; `WWW-Authenticate` says what was wrong",
    "access_denied": "ask the security team, quoting the `decision_id`",
    "insufficient_scope": "get a token with the scope that `WWW-Authenticate` names",
    "internal_error": "tell the operator, quoting the `request_id`",
    "decision_log_unavailable": "wait for `Retry-After`",
    "keys_unavailable": "wait for `Retry-After`; the issuer cannot be reached",
    "bad_request": "send what HTTP and the endpoint understand",
    "ambiguous_target": "spell the target plainly: [behind a proxy](forward-auth.md#what-is-refused)",
    "request_timeout": "send the whole request within its time",
    "payload_too_large": "send a body of 2 MiB at most",
    "request_header_fields_too_large": "send headers of 64 KiB at most",
    "validation_failed": "send what the endpoint's description asks for; `errors` names each place",
    "no_versions": "set `POLICY_STORE`, or publish as files are delivered",
    "publishing_off": "set `POLICY_PUBLISH_STORE`, or publish with `rbac publish`",
    "version_missing": "ask for one of `GET /policy/versions`",
    "version_outdated": "look at `newer` and `diff`, and publish on top of theirs",
    "policy_refused": "mend what `problems` names",
    "store_unavailable": "wait for `Retry-After`",
    "too_many_connections": "wait for `Retry-After`",
}


def page() -> str:
    """The page."""
    rows = [
        (str(said.status), code(name), said.english, DO[name])
        for name, said in sorted(PROBLEMS.items(), key=lambda each: (each[1].status, each[0]))
    ]
    return HEAD + table(("status", "`error`", "meaning", "what to do"), rows) + "\n"
