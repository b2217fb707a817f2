"""``python -m app.console.clerk``: works out the answers, in a process of its own that may be ended at any moment.

A question is a line of JSON on standard input, its answer a line ``ok`` or ``no`` with a length and so many bytes behind
it on standard output. The document comes with the first question about it, and is kept for those that follow.
"""

import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, BinaryIO

import orjson

from app.console import answers, drafts, publications
from app.console.answers import DocumentInForce
from app.console.wire import received
from app.policy_gate import own_gate
from rbac.errors import RbacError
from rbac.model.own_functions import named_functions
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route

_MOST_MEMORY = 4 << 30  # bytes of address space: a draft of 100,000 rules takes a tenth of it


def case_of(sent: Mapping[str, Any]) -> DocumentInForce:
    """The document that the service sends, read as the service read it."""
    snapshot = received(sent["snapshot"])
    compiled = partial(
        Policy.parse,
        model_name=snapshot.model_name,
        policy_name=snapshot.policy_name,
        subjects=sent["subjects"],
        functions=named_functions(sent["functions"]),
    )
    served, judged = (
        KnownRoutes(tuple(Route(*each) for each in sent[name]), "application")
        for name in ("routes", "judged_by")
    )
    gate = partial(own_gate, sent["mapping"], sent["several_roles"], judged)
    # A draft is asked about twice in a row, and two versions are compared.
    return DocumentInForce(
        compiled(snapshot.model, snapshot.policy),
        snapshot,
        served,
        judged,
        gate,
        lru_cache(maxsize=2)(compiled),
    )


_ANSWERS: Mapping[str, Callable[[DocumentInForce, Mapping[str, Any]], Any]] = {
    "document": lambda case, _: answers.document(case),
    "matrix": lambda case, _: answers.matrix_json(case),
    "matrix.csv": lambda case, _: answers.matrix_csv(case),
    "explain": answers.explain,
    "explain-recorded": lambda case, asked: answers.explain_recorded(case, asked["line"]),
    "draft": drafts.draft,
    "draft-difference": drafts.draft_difference,
    "publication": publications.publication,
    "comparison": publications.comparison,
}


def work(questions: BinaryIO, out: BinaryIO) -> None:
    """Answers until nobody asks any more."""
    case: DocumentInForce | None = None
    while line := questions.readline():
        asked = orjson.loads(line)
        if "case" in asked:
            case = None  # two documents at once are not needed
            case = case_of(asked["case"])
        if case is None:
            raise RuntimeError("asked before there was a document")
        try:
            found = _ANSWERS[asked["kind"]](case, asked)
        except RbacError as error:
            _put(out, b"no", str(error).encode("utf-8", "replace"))
        else:
            body = (
                found.encode()
                if isinstance(found, str)
                else orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS)
            )
            _put(out, b"ok", body)


def _put(out: BinaryIO, verdict: bytes, body: bytes) -> None:
    out.write(b"%s %d\n" % (verdict, len(body)))
    out.write(body)
    out.flush()


def main() -> None:
    """Works for the service that started it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this one
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = _MOST_MEMORY if hard == resource.RLIM_INFINITY else min(_MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a function of one's own prints is no answer
    work(sys.stdin.buffer, out)


if __name__ == "__main__":
    main()
