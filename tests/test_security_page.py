"""Each promise of SECURITY.md names the tests that hold it; a promise without one, or with one that is gone, is red."""

import re

import pytest

from tests.support.service import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^- \*\*(.+?)\.\*\*", PAGE[: PAGE.index("## What it does not promise")], re.MULTILINE)

HELD: dict[str, list[str]] = {
    "Deny by default": [
        "app/test_middleware.py::test_what_no_rule_opens_is_closed",
        "app/test_middleware.py::test_a_mount_is_reached_because_a_rule_says_so",
        "app/test_middleware.py::test_a_websocket_that_no_rule_opens_is_refused",
    ],
    "Tokens": [
        "e2e/test_hostile_tokens.py::test_every_hostile_token_is_401_with_a_challenge_everywhere_and_gets_into_no_log",
        "rbac/guard/issuers/test_openid.py::test_every_hostile_token_is_refused_for_its_reason",
        "rbac/guard/issuers/test_openid.py::test_keys_of_every_algorithm_stand_side_by_side_and_none_verifies_for_another",
        "rbac/guard/issuers/test_discovery.py::test_a_document_that_lies_is_refused",
        "app/test_middleware.py::test_credentials_that_mean_nothing_are_401_also_where_none_are_needed",
        "rbac/guard/issuers/test_key_outage.py::test_keys_that_could_not_be_fetched_for_a_day_are_no_keys",
    ],
    "Kinds of tokens": [
        "rbac/guard/issuers/test_kinds.py::test_what_is_accepted",
        "rbac/guard/issuers/test_kinds.py::test_a_token_in_disguise_is_refused",
        "app/test_access_tokens.py::test_no_claim_of_a_person_gives_a_word_of_access_tokens",
        "app/test_access_tokens.py::test_no_claim_that_fills_a_word_gives_one_either",
    ],
    "Agents": [
        "app/test_access_tokens.py::test_who_is_allowed_by_which_rules",
        "app/test_access_tokens.py::test_who_is_allowed_by_what_the_token_holds",
        "app/test_access_tokens.py::test_an_agent_is_never_more_than_its_human_nor_more_than_itself",
    ],
    "Documents": [
        "rbac/document/test_document.py::test_any_text_is_read_as_stock_reads_it_or_refused",
        "rbac/document/test_document.py::test_a_document_with_one_damaged_byte_means_what_stock_says_or_is_refused",
        "e2e/test_checkpoint.py::test_a_broken_line_changes_nothing_and_the_log_says_which_line",
    ],
    "Revocations": [
        "e2e/test_revocations.py::test_a_remembered_token_is_401_on_each_worker_within_a_second_under_load",
        "e2e/test_revocations.py::test_revocations_that_cannot_be_read_are_a_refused_start",
        "rbac/revocations/test_live.py::test_a_file_that_cannot_be_read_keeps_the_last_one_and_says_so",
        "rbac/revocations/test_reading.py::test_any_bytes_are_read_whole_or_refused",
        "rbac/revocations/test_table.py::test_the_table_says_what_reading_every_row_would",
        "rbac/guard/test_revocations.py::test_a_stream_is_cut_whichever_task_it_sends_from",
        "rbac/guard/test_revocations.py::test_a_websocket_is_closed_with_the_code_for_it_and_that_of_another_is_not",
    ],
    "Limits": [
        "e2e/test_limits.py::test_a_head_without_end_is_refused_while_it_comes",
        "e2e/test_limits.py::test_a_body_may_be_as_large_as_the_limit_however_it_is_announced",
        "e2e/test_limits.py::test_a_flood_of_idle_connections_keeps_nobody_out",
    ],
    "Logs": [
        "e2e/test_hostile_tokens.py::test_every_hostile_token_is_401_with_a_challenge_everywhere_and_gets_into_no_log",
        "e2e/test_checkpoint.py::test_no_log_line_of_a_websocket_handshake_holds_its_query_or_calls_a_refusal_an_error",
        "rbac/decision_log/test_redaction.py::test_a_credential_is_written_nowhere_also_at_debug",
        "rbac/decision_log/test_record.py::test_a_token_is_never_written_wherever_the_caller_puts_it",
        "rbac/decision_log/test_record.py::test_the_callers_email_is_never_written",
        "rbac/decision_log/test_record.py::test_no_path_makes_a_second_line_or_another_member",
        "app/logs/test_setup.py::test_only_the_owner_and_the_group_may_read_the_file",
    ],
    "The gate": [
        "e2e/test_gate.py::test_a_refused_edit_stays_out_when_its_tests_vanish_and_when_they_come_back",
        "e2e/test_gate.py::test_a_document_whose_tests_vanished_is_a_refused_start",
    ],
    "Many replicas": [
        "rbac/stores/postgres/test_faults.py::test_a_database_that_was_killed_and_came_back_is_caught_up_with_first",
        "rbac/stores/postgres/test_faults.py::test_a_database_that_is_frozen_is_waited_for_and_holds_up_nobody",
        "rbac/stores/postgres/test_faults.py::test_whatever_the_network_does_the_last_good_document_decides",
        "rbac/stores/postgres/test_faults.py::test_a_notification_that_is_lost_costs_a_poll",
        "rbac/stores/postgres/test_faults.py::test_a_row_that_was_changed_is_refused_until_a_version_is_published",
        "rbac/stores/postgres/test_faults.py::test_a_row_whose_digest_was_changed_with_it_is_refused_where_it_was_in_force",
        "rbac/stores/postgres/test_faults.py::test_a_failover_to_a_copy_that_is_behind_never_goes_back_silently",
        "rbac/stores/postgres/test_versions.py::test_the_rows_refuse_every_change_also_by_their_owner",
        "rbac/stores/postgres/test_versions.py::test_a_role_may_do_what_its_task_takes_and_no_more",
        "rbac/stores/postgres/test_versions.py::test_the_author_is_who_signed_in_whatever_the_row_says",
        "rbac/stores/postgres/test_versions.py::test_of_two_publishers_at_once_one_wins_each_time_and_none_is_lost",
        "rbac/stores/postgres/test_address.py::test_no_failure_tells_the_password",
        "rbac/cli/test_store_commands.py::test_what_fails_lint_or_its_tests_is_not_published",
        "rbac/cli/test_store_commands.py::test_a_password_among_the_arguments_is_refused_and_no_trouble_repeats_one",
        "e2e/test_postgres_store.py::test_the_database_may_go_and_come_back",
        "e2e/test_postgres_store.py::test_a_start_without_the_database_uses_the_kept_document_and_heals",
        "e2e/test_postgres_store.py::test_no_log_and_no_command_line_holds_the_password",
    ],
    "Behind a proxy": [
        "rbac/guard/http/test_target.py::test_no_server_reads_a_denied_path_in_a_target_whose_readings_do_not_say_so",
        "e2e/test_tomcat.py::test_no_spelling_reaches_what_is_denied",
        "e2e/test_forward_auth_questions.py::test_a_preflight_is_decided_by_the_policy",
        "e2e/test_proxies.py::test_nobody_becomes_somebody_by_saying_so",
        "e2e/test_proxies.py::test_a_client_cannot_put_the_question",
        "e2e/test_proxies.py::test_a_client_changes_to_no_other_protocol",
        "e2e/test_proxies.py::test_the_token_stays_with_the_proxy",
    ],
    "The console": [
        "browser/test_console.py::test_hostile_names_are_text_everywhere",
        "browser/test_console.py::test_who_signs_in_next_sees_nothing_of_who_was_there_before",
        "browser/test_console.py::test_bob_is_told_what_it_takes_and_sees_nothing",
        "browser/test_console.py::test_the_page_forbids_what_it_does_not_need",
        "app/console/test_policy_api.py::test_a_question_is_for_the_security_team_alone",
        "app/console/test_desk.py::test_a_question_that_takes_too_long_is_given_up_and_the_next_is_answered",
    ],
    "Addresses": [
        "app/http/test_client_address.py::test_an_address_is_kept_in_its_usual_spelling_and_other_text_is_dropped",
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
