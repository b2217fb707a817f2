"""`rbac fmt` tidies a document without changing what it means, or leaves it alone."""

import stat

import pytest

from rbac.document.document import Document
from tests.support.command import Workshop

UNTIDY = b"\xef\xbb\xbf# who may do what\r\np, user, /user, GET, allow,,\r\np,admin,/admin,GET,allow\r\n\r\ng, admin, user\r\n"
TIDY = "# who may do what\np, user,  /user,  GET, allow\np, admin, /admin, GET, allow\n\ng, admin, user\n"


def test_the_policy_is_rewritten_tidied_and_then_there_is_nothing_to_do(workshop: Workshop) -> None:
    workshop.write("policy.csv", UNTIDY)
    first = workshop.rbac("fmt")
    assert (first.code, workshop.policy.read_text(encoding="utf-8")) == (0, TIDY)
    assert f"{workshop.policy}: tidied" in first.out
    assert "nothing to tidy" in workshop.rbac("fmt").out


def test_check_says_what_would_change_and_changes_nothing(workshop: Workshop) -> None:
    workshop.write("policy.csv", UNTIDY)
    done = workshop.rbac("fmt", "--check", "--format", "json")
    assert (done.code, done.json) == (1, {"changed": [str(workshop.policy)]})
    assert workshop.policy.read_bytes() == UNTIDY
    workshop.write("policy.csv", TIDY)
    assert workshop.rbac("fmt", "--check").code == 0


def test_stdout_gets_the_tidied_policy_and_the_file_stays(workshop: Workshop) -> None:
    workshop.write("policy.csv", UNTIDY)
    done = workshop.rbac("fmt", "--stdout")
    assert (done.code, done.out) == (0, TIDY)
    assert workshop.policy.read_bytes() == UNTIDY


def test_the_meaning_stays(workshop: Workshop) -> None:
    workshop.write("policy.csv", b"p,  user ,/user,GET,   allow\np, admin,/a b,(x, y),deny\ng,admin,user\n")
    before = [rule.fields for rule in Document.read(workshop.model, workshop.policy).rules()]
    assert workshop.rbac("fmt").code == 0
    assert [rule.fields for rule in Document.read(workshop.model, workshop.policy).rules()] == before


def test_a_line_that_cannot_be_read_stays_as_it_is(workshop: Workshop) -> None:
    workshop.rules("p,user,/user,GET,allow", "this is (no rule", "p,user")
    assert workshop.rbac("fmt").code == 0
    assert "this is (no rule\n" in workshop.policy.read_text(encoding="utf-8")
    assert workshop.rbac("check").code == 1


@pytest.mark.parametrize("content", [b"p, us\xffer, /, GET, allow\n", b"p, us\x00er, /, GET, allow\n"])
def test_what_is_no_text_is_a_2_and_stays(workshop: Workshop, content: bytes) -> None:
    workshop.write("policy.csv", content)
    done = workshop.rbac("fmt")
    assert (done.code, done.out) == (2, "")
    assert "policy.csv:1:6" in done.err
    assert workshop.policy.read_bytes() == content


def test_a_link_and_the_permissions_of_the_file_are_kept(workshop: Workshop) -> None:
    target = workshop.write("elsewhere/real.csv", UNTIDY)
    target.chmod(0o640)
    workshop.policy.unlink()
    workshop.policy.symlink_to(target)
    assert workshop.rbac("fmt").code == 0
    assert workshop.policy.is_symlink()
    assert target.read_text(encoding="utf-8") == TIDY
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [path.name for path in target.parent.iterdir()] == ["real.csv"]
