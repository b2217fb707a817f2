"""The AuthZEN interop decisions, from a checkout of `openid/authzen`, against this decision point.

    python -m tests.interop CHECKOUT

Not collected by pytest, because the decisions are not ours to copy; the models, policies and entities for them are in
tests/data/authzen. Exit code 1 if any decision differs.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.application import served, settings_for
from tests.support.authzen import decision_point, enforcement_point
from tests.support.issuer import Issuer

# Scenario -> endpoint -> the file of its decisions.
SCENARIOS = {
    "api-gateway": "interop/authzen-api-gateways/test-harness/test/decisions.json",
    "todo": "interop/authzen-todo-backend/test/decisions-authorization-api-1_0-02.json",
    "search/subject": "interop/authzen-search-demo/test-harness/src/subject/results.json",
    "search/resource": "interop/authzen-search-demo/test-harness/src/resource/results.json",
    "search/action": "interop/authzen-search-demo/test-harness/src/action/results.json",
}


def cases(name: str, content: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Endpoint, request and expected answer of each case in a file."""
    for kind, entries in content.items():
        endpoint = (
            "/access/v1/search/" + name.partition("/")[2]
            if name.startswith("search")
            else f"/access/v1/{kind}"
        )
        for entry in entries:
            yield endpoint, entry["request"], entry["expected"]


def agrees(found: dict[str, Any], expected: Any) -> bool:
    """Whether an answer is the expected one; the order of what a search finds does not count."""
    if isinstance(expected, bool):
        return found["decision"] is expected
    if isinstance(expected, list):
        return [item["decision"] for item in found["evaluations"]] == [item["decision"] for item in expected]
    key = "results" if "results" in expected else "evaluations"
    if key == "evaluations":
        return [item["decision"] for item in found[key]] == [item["decision"] for item in expected[key]]
    return {json.dumps(item, sort_keys=True) for item in found[key]} == {
        json.dumps(item, sort_keys=True) for item in expected[key]
    }


def main(checkout: Path) -> int:
    """Asks every decision of every scenario; prints how many agree."""
    differing = 0
    with Issuer() as issuer:
        for name, file in SCENARIOS.items():
            content = json.loads((checkout / file).read_text(encoding="utf-8"))
            settings = settings_for(
                issuer, Path(tempfile.mkdtemp()), **decision_point(name.partition("/")[0])
            )
            asked, wrong = 0, []
            with served(settings) as client:
                for endpoint, request, expected in cases(name, content):
                    asked += 1
                    answer = client.post(endpoint, json=request, headers=enforcement_point(issuer))
                    if answer.status_code != 200 or not agrees(answer.json(), expected):
                        wrong.append((request, expected, answer.text))
            sys.stdout.write(f"{name}: {asked - len(wrong)} of {asked} as expected\n")
            for case in wrong[:5]:
                sys.stdout.write(f"  {case}\n")
            differing += len(wrong)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
