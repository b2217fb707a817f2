"""docs/store.md says what the code does: every failure's code, what each role may do, and the seconds."""

import re

from rbac.document.problem_codes import PROBLEM_CODES
from rbac.stores.postgres import following, migrations, session, store
from rbac.stores.postgres.versions import CONTENT_S
from tests.support.command import ROOT, rbac

PAGE = (ROOT / "docs" / "store.md").read_text(encoding="utf-8")


def test_every_failure_is_in_the_table_and_no_other() -> None:
    told = set(re.findall(r"`(store-[a-z-]+)`", PAGE))
    codes = {code.replace("_", "-") for code in store.HINTS}
    assert told == codes - {"store-empty", "store-failed"}  # which say no more than their names
    assert codes == {code for code in PROBLEM_CODES if code.startswith("store-")}


def test_the_seconds_are_those_of_the_code() -> None:
    assert f"every\n{following.POLL_S:g} seconds" in PAGE or f"every {following.POLL_S:g} seconds" in PAGE
    assert f"longer than {session.ANSWER_S:g} seconds ({CONTENT_S:g} for a document)" in PAGE


def test_every_command_that_it_names_is_there() -> None:
    named = set(re.findall(r"`rbac ([a-z]+)", PAGE)) | set(
        re.findall(r"^\$ rbac ([a-z]+)", PAGE, re.MULTILINE)
    )
    help_ = rbac("--help").out
    assert {"publish", "history", "show", "blame", "rollback", "status", "migrate", "diff"} <= named
    assert all(f" {name} " in help_ for name in named)


def test_no_role_is_granted_a_change_of_a_version() -> None:
    grants = " ".join((*migrations.SERVICE, *migrations.PUBLISHER))
    versions = [grant for grant in grants.split("GRANT ") if "sekisho.versions" in grant]
    assert versions
    assert not any(word in grant for grant in versions for word in ("UPDATE", "DELETE", "TRUNCATE", "ALL"))
