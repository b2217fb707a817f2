"""A policy is tried on real traffic before it is put in force, while people edit both."""

import json
from pathlib import Path

from tests.support.issuer import Issuer
from tests.support.service import ROOT, serving
from tests.support.waiting import comes_true, written


def test_a_shadow_is_edited_broken_and_mended_and_no_answer_ever_changes(
    issuer: Issuer, tmp_path: Path
) -> None:
    rules = (ROOT / "policy.csv").read_text()
    log, shadow = tmp_path / "decisions.jsonl", tmp_path / "next.csv"
    shadow.write_text(rules)
    settings = {"DECISION_LOG": str(log), "SHADOW_POLICY_FILE": str(shadow)}
    user = issuer.token(**{"custom:role": "user"})
    with serving(issuer, tmp_path, **settings) as service:

        def told(text: str) -> bool:
            """Whether the shadow's part in the log comes to hold ``text`` while the service answers as ever."""
            assert service.get("/admin", user).status_code == 403
            return service.eventually_logs(text)

        def differs() -> bool:
            """Whether an answer that is as ever comes out differently in the shadow; its line follows in a moment."""
            assert service.get("/admin", user).status_code == 403
            return "shadow_allowed" in written(log)

        assert service.get("/admin", user).status_code == 403
        # compared in the log's thread: only once its line is there may the shadow change
        assert comes_true(lambda: '"/admin"' in written(log))
        shadow.write_text(rules + "p, user, /admin, GET, allow\n")
        assert comes_true(differs)
        shadow.write_text("p, user /admin GET\n")
        assert told("shadow policy refused")
        service.stop()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    asked = [line for line in lines if line["obj"] == "/admin"]
    assert not any(line["allowed"] for line in asked)
    differing = [line for line in asked if "shadow_allowed" in line]
    assert differing
    assert {(line["shadow_allowed"], line["shadow_rule_line"]) for line in differing} == {
        (True, len(rules.splitlines()) + 1)
    }
    assert "shadow_allowed" not in asked[0]
