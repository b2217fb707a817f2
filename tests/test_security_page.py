"""Each promise of SECURITY.md names the tests that hold it; a promise without one, or with one that is gone, is red."""

import re

import pytest

from tests.support.service import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^- \*\*(.+?)\.\*\*", PAGE[: PAGE.index("## What it does not promise")], re.MULTILINE)

HELD: dict[str, list[str]] = {
    "Deny by default": [
        "app/auth/test_middleware.py::test_what_no_rule_opens_is_closed",
        "app/auth/test_middleware.py::test_a_mount_is_reached_because_a_rule_says_so",
        "app/auth/test_middleware.py::test_a_websocket_that_no_rule_opens_is_refused",
    ],
    "Tokens": [
        "e2e/test_hostile_tokens.py::test_every_hostile_token_is_401_with_a_challenge_everywhere",
        "app/auth/test_middleware.py::test_credentials_that_mean_nothing_are_401_also_where_none_are_needed",
        "app/auth/test_key_outage.py::test_keys_that_could_not_be_fetched_for_a_day_are_no_keys",
    ],
    "Documents": [
        "rbac/test_document.py::test_any_text_is_read_as_stock_reads_it_or_refused",
        "rbac/test_document.py::test_a_document_with_one_damaged_byte_means_what_stock_says_or_is_refused",
        "e2e/test_checkpoint.py::test_a_broken_line_changes_nothing_and_the_log_says_which_line",
    ],
    "Limits": [
        "e2e/test_limits.py::test_a_head_without_end_is_refused_while_it_comes",
        "e2e/test_limits.py::test_a_body_may_be_as_large_as_the_limit_however_it_is_announced",
        "e2e/test_limits.py::test_a_flood_of_idle_connections_keeps_nobody_out",
    ],
    "Logs": [
        "e2e/test_hostile_tokens.py::test_no_hostile_token_gets_into_the_log_nor_a_stack_trace",
        "e2e/test_checkpoint.py::test_no_log_line_of_a_websocket_handshake_holds_its_query_or_calls_a_refusal_an_error",
        "app/test_redaction.py::test_a_credential_is_written_nowhere_also_at_debug",
        "app/test_decision_record.py::test_a_token_is_never_written_wherever_the_caller_puts_it",
        "app/test_decision_record.py::test_the_callers_email_is_never_written",
        "app/test_decision_record.py::test_no_path_makes_a_second_line_or_another_member",
        "app/test_logging_config.py::test_only_the_owner_and_the_group_may_read_the_file",
    ],
    "The gate": [
        "e2e/test_gate.py::test_a_refused_edit_stays_out_when_its_tests_vanish_and_when_they_come_back",
        "e2e/test_gate.py::test_a_document_whose_tests_vanished_is_a_refused_start",
    ],
    "Behind a proxy": [
        "app/test_request_target.py::test_no_server_reads_a_denied_path_in_a_target_whose_readings_do_not_say_so",
        "e2e/test_tomcat.py::test_no_spelling_reaches_what_is_denied",
        "e2e/test_forward_auth_questions.py::test_a_preflight_is_decided_by_the_policy",
        "e2e/test_proxies.py::test_nobody_becomes_somebody_by_saying_so",
        "e2e/test_proxies.py::test_a_client_cannot_put_the_question",
        "e2e/test_proxies.py::test_a_client_changes_to_no_other_protocol",
        "e2e/test_proxies.py::test_the_token_stays_with_the_proxy",
    ],
    "Addresses": [
        "app/test_client_address.py::test_an_address_is_kept_in_its_usual_spelling_and_other_text_is_dropped",
        "e2e/test_proxies.py::test_the_address_in_the_log_is_not_the_clients_word",
    ],
}


def test_every_promise_has_its_tests() -> None:
    assert list(HELD) == PROMISES


@pytest.mark.parametrize("held_by", sorted({test for tests in HELD.values() for test in tests}))
def test_the_tests_that_hold_a_promise_are_there(held_by: str) -> None:
    file, _, name = held_by.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE), held_by
