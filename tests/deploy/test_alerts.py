"""The alert rules: Prometheus takes them, each goes off and keeps still when it should, and each has a page that helps."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.prometheus import panels, promtool
from tests.support.service import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"][
    0
]["rules"]
SCENARIOS = yaml.safe_load((FOLDER / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
NAMES = [rule["alert"] for rule in RULES]


def test_prometheus_takes_them() -> None:
    done = promtool("check", "rules", "alerts.yml", cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


def test_they_go_off_and_keep_still_as_the_scenarios_say() -> None:
    done = promtool("test", "rules", "alerts_test.yml", cwd=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scenarios_would_tell_of_a_rule_that_never_goes_off(tmp_path: Path) -> None:
    for name in ("alerts.yml", "alerts_test.yml"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(
            text.replace("sekisho_policy_current == 0", "sekisho_policy_current < 0")
        )
    assert promtool("test", "rules", "alerts_test.yml", cwd=tmp_path).returncode == 1


def test_every_alarm_goes_off_in_a_scenario() -> None:
    fired = {
        name
        for scenario in SCENARIOS
        for asked in scenario["promql_expr_test"]
        for sample in asked["exp_samples"]
        for name in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert fired == set(NAMES)
    assert any(not asked["exp_samples"] for scenario in SCENARIOS for asked in scenario["promql_expr_test"])


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_every_alarm_leads_to_a_page_that_helps(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    page = ROOT / rule["annotations"]["runbook_url"]
    assert page == RUNBOOKS / f"{rule['alert']}.md"
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {rule['alert']}\n\n*{rule['labels']['severity']}*: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Who notices", "Look", "Mend"]
    for target in re.findall(r"\]\(([^)#:]+)", text):
        assert (RUNBOOKS / target).exists(), target


def test_every_page_is_an_alarms_and_the_index_has_them_all() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == sorted([*NAMES, "README"])
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.MULTILINE) == NAMES


def test_every_panel_of_the_dashboard_asks_what_prometheus_understands(tmp_path: Path) -> None:
    asked = panels()
    assert len(asked) > 40
    assert not [expression for expression in asked if "$" in expression]
    rules = [{"record": f"panel_{number}", "expr": each} for number, each in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", "panels.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
