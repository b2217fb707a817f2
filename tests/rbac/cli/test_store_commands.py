"""Publishing and looking back from the command line, on a real database, as each of its roles."""

import json
import tempfile
from pathlib import Path

import pytest

from tests.support.command import Outcome, Workshop, rbac, rbac_process
from tests.support.forwarding import forwarder
from tests.support.postgres import OWNER, PASSWORD, PASSWORD_IN_URL, PUBLISHER, SERVICE, Cluster, Database

FIRST = ("p, user, /user, GET, allow", "p, admin, /admin, GET, allow", "g, admin, user")
OPENED = (*FIRST, "p, user, /open, GET, allow")
TEST = "{name: users read, role: user, can: [GET /user], cannot: [GET /admin]}"


class Desk:
    """Alice's working copy, and the store that she publishes to."""

    def __init__(self, workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workshop = workshop
        self.database = database
        self._patch = monkeypatch
        workshop.tests(TEST)
        self.sign_in(PUBLISHER)
        monkeypatch.setenv("PGPASSWORD", PASSWORD)

    def sign_in(self, role: str) -> None:
        self._patch.setenv("POLICY_STORE", self.database.url(role))

    def publish(self, *arguments: object) -> Outcome:
        return self.workshop.rbac("publish", "--reason", "a test", *arguments)


@pytest.fixture
def desk(workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(workshop, database, monkeypatch)


def test_what_is_published_is_shown_byte_for_byte(desk: Desk, tmp_path: Path) -> None:
    desk.workshop.write("policy.csv", b"# caf\xc3\xa9\r\np, user, /user, GET, allow\r\n")
    routes = desk.workshop.write(
        "routes.json", '[{"act": "GET", "obj": "/user"}, {"act": "GET", "obj": "/admin"}]'
    )
    done = desk.publish("--routes", routes)
    assert done.code == 0, done.err
    assert "published version 1 of policy as alice" in done.out
    shown = rbac_process("show", "--into", str(tmp_path / "copy"))
    assert shown.code == 0, shown.err
    for name in ("policy.csv", "model.conf", "policy_tests/tests.yaml"):
        assert (tmp_path / "copy" / name).read_bytes() == (desk.workshop.folder / name).read_bytes()
    assert json.loads((tmp_path / "copy" / "routes.json").read_text())[1]["obj"] == "/user"
    assert (
        rbac_process("show", "--part", "policy.csv", "--version", "1").out.encode()
        == desk.workshop.policy.read_bytes()
    )
    assert "holds no `x.yaml`" in rbac("show", "--part", "x.yaml").err


def test_what_fails_lint_or_its_tests_is_not_published(desk: Desk) -> None:
    desk.workshop.rules("p, user, /user, GET, alow")
    assert (desk.publish().code, desk.publish("--dry-run").code) == (1, 1)
    desk.workshop.rules("p, everyone, /admin, GET, allow", *FIRST)
    done = desk.publish()
    assert done.code == 1
    assert "users read" in done.err
    desk.workshop.rules(*FIRST)
    (desk.workshop.folder / "policy_tests" / "tests.yaml").unlink()
    done = desk.publish()
    assert (done.code, "no-policy-tests" in done.err) == (1, True)
    desk.workshop.tests(TEST)
    desk.workshop.write(
        "model.conf", desk.workshop.model.read_text().replace("some(where (p.eft == allow)) && ", "")
    )
    assert desk.publish().code == 1
    assert rbac("history", "--format", "json").json["versions"] == []


def test_there_is_no_way_to_force_it(desk: Desk) -> None:
    assert desk.publish("--force").code == 2


def test_the_next_version_names_the_one_it_began_with(desk: Desk) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules(*OPENED)
    done = desk.publish()
    assert (
        done.code,
        "the newest is 1, by alice: a test" in " ".join(done.err.replace("│", " ").split()),
    ) == (2, True)
    dry = desk.publish("--based-on", "1", "--dry-run")
    assert (dry.code, "/open" in dry.out, "would publish version 2" in dry.out) == (0, True, True)
    assert rbac("history", "--format", "json").json["versions"][0]["version"] == 1
    assert desk.publish("--based-on", "1").code == 0
    again = desk.publish("--based-on", "2", "--format", "json")
    assert (again.code, again.json["unchanged"], again.json["version"]["version"]) == (0, True, 2)


def test_who_comes_second_is_told_who_published_what_and_what_theirs_would_change(desk: Desk) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules(*FIRST, "p, user, /theirs, GET, allow")
    desk.sign_in(OWNER)
    assert desk.publish("--based-on", "1").code == 0
    desk.sign_in(PUBLISHER)
    desk.workshop.rules(*FIRST, "p, user, /mine, GET, allow")
    lost = desk.publish("--based-on", "1")
    assert lost.code == 1
    assert "version 2 was published by keeper" in lost.err
    assert "/mine" in lost.out
    assert "/theirs" in lost.out
    as_json = desk.publish("--based-on", "1", "--format", "json").json
    assert (as_json["published"], as_json["newer"][0]["author"]) == (False, OWNER)
    assert as_json["diff"]["equivalent"] is False
    assert [each["version"] for each in rbac("history", "--format", "json").json["versions"]] == [2, 1]


@pytest.mark.parametrize(
    ("delivered", "code", "told"),
    [(True, 0, "published version 1 of policy as alice"), (False, 2, "whether version 1 was stored")],
)
def test_who_hears_nothing_of_what_they_published_is_told_whether_it_is_stored(
    desk: Desk, postgres: Cluster, monkeypatch: pytest.MonkeyPatch, delivered: bool, code: int, told: str
) -> None:
    desk.workshop.rules(*FIRST)
    with forwarder(postgres.port) as way:
        monkeypatch.setenv("POLICY_STORE", desk.database.url(PUBLISHER, port=way.port))
        way.cut_at(b"INSERT INTO sekisho.versions", delivered=delivered)
        outcome = desk.publish()
    assert outcome.code == code, outcome.err
    assert told in outcome.out + outcome.err
    stored = desk.database.execute("SELECT version FROM sekisho.versions")
    assert stored == ([(1,)] if delivered else [])


def test_a_rollback_is_the_next_version_and_gated(desk: Desk) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules(*OPENED)
    assert desk.publish("--based-on", "1").code == 0
    assert "/open" in rbac("rollback", "1", "--reason", "too wide", "--dry-run").out
    done = rbac("rollback", "1", "--reason", "too wide")
    assert done.code == 0, done.err
    versions = rbac("history", "--format", "json").json["versions"]
    assert (versions[0]["version"], versions[0]["restores"], versions[0]["reason"]) == (3, 1, "too wide")
    assert versions[0]["revision"] == versions[2]["revision"]
    assert rbac("rollback", "9", "--reason", "x").code == 2
    assert "version 1 again" in rbac("history").out


def test_a_version_is_named_wherever_a_document_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules(*OPENED)
    assert desk.publish("--based-on", "1").code == 0
    monkeypatch.chdir("/")
    changed = rbac("diff", "pg:1", "pg:2", "--format", "json")
    assert (changed.code, {each["obj"] for each in changed.json["granted"]}) == (1, {"/open"})
    assert rbac("diff", "pg:2", "pg:").code == 0
    who = ("--role", "user", "--format", "json")
    assert "/open" not in rbac("can", "--policy", "pg:1", *who).out
    assert "/open" in rbac("can", "--policy", "pg:policy@2", *who).out
    asked = ("explain", "--role", "user", "--obj", "/open", "--act", "GET")
    assert rbac(*asked, "--policy", "pg:1").code == 1
    assert rbac(*asked, "--policy", "pg:").code == 0
    assert rbac("test", "--policy", "pg:1").code == 0
    assert rbac("check", "--policy", "pg:2").code == 0
    assert rbac("matrix", "--policy", "pg:2", "--format", "csv").code == 0
    for wrong in ("pg:9", "pg:x", "pg:other@1"):
        assert rbac("can", "--policy", wrong).code == 2


OPEN = ("--role", "user", "--obj", "/open", "--act", "GET")


@pytest.mark.parametrize(
    "command",
    [
        *(("check", "--format", each) for each in ("text", "json", "sarif", "github")),
        *(("explain", *OPEN, "--format", each) for each in ("text", "json")),
        *(("test", "--format", each) for each in ("text", "json")),
        ("test", "--coverage", "--mutate"),
        ("unused", "log.jsonl"),
        ("who-can", "GET", "/open"),
    ],
)
def test_a_version_goes_by_its_own_name(
    desk: Desk, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by that of the place where its files lie for as long as the command runs."""
    desk.workshop.rules(*OPENED, "p, user, /usr, GET, deny")
    desk.workshop.write("log.jsonl", "")
    assert desk.publish().code == 0
    monkeypatch.chdir(desk.workshop.folder)
    told = rbac(*command, "--policy", "pg:1")
    assert told.out
    assert f"{tempfile.gettempdir()}/rbac-" not in told.out + told.err
    if command[0] in {"check", "explain"} and "text" in command:
        assert "pg:policy@1/policy.csv" in told.out


def test_a_line_is_blamed_on_the_version_that_brought_it(desk: Desk) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules("p, user, /open, GET, allow", *FIRST)
    assert desk.publish("--based-on", "1").code == 0
    found = rbac("blame", "--format", "json").json["lines"]
    assert [each["brought_by"]["version"] for each in found] == [2, 1, 1, 1]
    assert "a test" in rbac("blame", "1").out
    assert rbac("blame", "77").code == 2


def changed(desk: Desk, number: int) -> None:
    """Somebody who may do everything changes a row."""
    desk.database.execute(
        "ALTER TABLE sekisho.versions DISABLE TRIGGER only_grows;"
        f"UPDATE sekisho.versions SET policy = 'p, user, /theirs, GET, allow' WHERE version = {number};"
        "ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER only_grows"
    )


def test_a_version_that_was_changed_is_shown_by_no_command_and_may_be_published_again(desk: Desk) -> None:
    for number, rules in enumerate((FIRST, OPENED, FIRST)):
        desk.workshop.rules(*rules)
        assert desk.publish(*(("--based-on", number) if number else ())).code == 0
    changed(desk, 1)
    for command in (
        ("show", "--version", "1"),
        ("blame", "--version", "1"),
        ("blame", "1", "--version", "2"),
        ("diff", "pg:1", "pg:2"),
        ("rollback", "1", "--reason", "again"),
        ("can", "--policy", "pg:1"),
    ):
        told = rbac(*command)
        assert (told.code, told.out, "version 1 of `policy` is not what was published" in told.err) == (
            2,
            "",
            True,
        )
    assert rbac("show", "--version", "2").code == 0
    assert rbac("history").code == 0
    changed(desk, 3)
    again = desk.publish("--based-on", "3")
    assert (again.code, "published version 4" in again.out) == (0, True)
    assert "version 3 of `policy` is not what was published" in again.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("publish", "--reason", ""), "say why"),
        (("publish", "--reason", " \n "), "say why"),
        (("publish", "--reason", "x" * 2001), "say why"),
        (("rollback", "1", "--reason", " "), "say why"),
        (("publish", "--reason", "caf\udce9"), "no text in UTF-8"),
        (("publish", "--reason", "x", "--name", "Not A Name"), "is called by small letters"),
        (("publish", "--reason", "x", "--name", ""), "is called by small letters"),
        (("show", "--name", "Nope"), "is called by small letters"),
        (("history", "--name", "a" * 64), "is called by small letters"),
        (("history", "--limit", "99999999999999999999"), "less than or equal"),
        (("show", "--version", "99999999999999999999"), "of `policy`: the newest is 1"),
        (("rollback", "7", "--reason", "x"), "there is no version 7 of `policy`: the newest is 1"),
        (("diff", "pg:12", "pg:15"), "there is no version 12 of `policy`: the newest is 1"),
        (("show", "--name", "other", "--version", "1"), "no version 1 of `other`: nothing was published yet"),
        (("show", "--name", "other"), "nothing was published as `other`"),
        (("diff", "pg:0", "pg:"), "`pg:0` is no version in a store"),
        (("diff", "pg:@1", "pg:"), "`pg:@1` is no version in a store"),
        (("diff", "pg:Nope@1", "pg:"), "`pg:Nope@1` is no version in a store"),
        (("diff", "pg:01", "pg:"), "`pg:01` is no version in a store"),
        (("blame", "0"), "has no line 0"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(desk: Desk, arguments: tuple[str, ...], told: str) -> None:
    assert desk.publish().code == 0
    publishes = arguments[0] == "publish"
    outcome = desk.workshop.rbac(*arguments, "--based-on", "1") if publishes else rbac(*arguments)
    assert outcome.code == 2
    assert told in " ".join(outcome.err.replace("│", " ").split())


def test_a_reason_of_several_lines_stands_on_one(desk: Desk) -> None:
    assert desk.workshop.rbac("publish", "--reason", "two\n lines ").code == 0
    (line,) = rbac("history").out.splitlines()
    assert line.endswith("two lines")


def test_where_nothing_is_published_or_no_replica_reports_it_says_so(desk: Desk) -> None:
    empty = rbac("history")
    assert (empty.code, "nothing was published as `policy`" in empty.err) == (0, True)
    assert rbac("history", "--format", "json").json == {"name": "policy", "versions": []}
    assert desk.publish().code == 0
    alone = rbac("status", "--format", "json")
    assert (alone.code, alone.json["replicas"], "no replica has reported" in alone.err) == (1, [], True)


REPORTS = {
    "api-1:7": (2, "", 1),
    "api-2:7": (1, "", 1),
    "api-3:7": (2, "", 100),
    "api-10:7": (2, "the reload failed", 1),
}
"""What replicas say: the version, what troubles them, and how many seconds ago."""

SAID = {
    "api-1:7": "newest",
    "api-2:7": "1 version behind",
    "api-3:7": "newest  silent for 100 s",
    "api-10:7": "newest  the reload failed",
}


@pytest.mark.parametrize(
    ("replicas", "current"),
    [
        (["api-1:7"], 1),
        *((["api-1:7", other], 1) for other in REPORTS if other != "api-1:7"),
        ([*REPORTS], 1),
    ],
    ids=["all", "behind", "silent", "troubled", "of_each"],
)
def test_each_replica_is_on_a_line_and_all_must_run_the_newest_version(
    desk: Desk, replicas: list[str], current: int
) -> None:
    assert desk.publish().code == 0
    desk.workshop.rules(*OPENED)
    assert desk.publish("--based-on", "1").code == 0
    for replica in replicas:
        version, trouble, age = REPORTS[replica]
        desk.database.execute(
            "INSERT INTO sekisho.replicas (name, replica, version, revision, trouble, since, reported_at) VALUES "
            f"('policy', '{replica}', {version}, 'abcdef012345', '{trouble}', now(), "
            f"clock_timestamp() - interval '{age} s')"
        )
    done = rbac("status")
    width = max(map(len, replicas))
    *lines, last = done.out.splitlines()
    assert sorted(lines) == sorted(
        f"{each:<{width}}  {REPORTS[each][0]}  abcdef012345  {SAID[each]}" for each in replicas
    )
    assert "behind" not in "".join(lines[1:])
    number = f"{len(replicas)} replica{'s' if len(replicas) > 1 else ''}"
    assert last == f"version 2 of policy: {current} of {number}"
    assert done.code == (0 if len(replicas) == current else 1)
    told = rbac("status", "--format", "json")
    assert (
        told.code,
        {
            each["replica"]: (each["behind"], each["silent"], each["trouble"])
            for each in told.json["replicas"]
        },
    ) == (
        done.code,
        {each: (2 - REPORTS[each][0], REPORTS[each][2] > 45, REPORTS[each][1] or None) for each in replicas},
    )


def test_a_role_that_may_only_read_cannot_publish(desk: Desk) -> None:
    desk.sign_in(SERVICE)
    done = desk.publish()
    assert (done.code, "permission denied" in done.err) == (2, True)


def test_the_tables_are_made_once_and_by_their_owner(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.database()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("POLICY_STORE", database.url(SERVICE))
    assert rbac("history").err.count("rbac migrate") == 1
    refused = rbac("migrate")
    assert (refused.code, "by the owner of the database" in refused.err) == (2, True)
    monkeypatch.setenv("POLICY_STORE", database.url(OWNER))
    assert rbac("migrate", "--check").code == 1
    assert rbac("migrate", "--service", SERVICE, "--publisher", PUBLISHER).code == 0
    assert rbac("migrate", "--check").code == 0
    assert rbac("migrate", "--format", "json").json == {"made": True, "steps": []}


def test_a_password_among_the_arguments_is_refused_and_no_trouble_repeats_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = desk.database.secret_url(SERVICE)
    done = rbac("history", "--store", url)
    assert (done.code, "POLICY_STORE" in done.err) == (2, True)
    assert rbac("history", "--store", desk.database.url(SERVICE)).code == 0
    monkeypatch.setenv("POLICY_STORE", url)
    assert rbac("history").code == 0
    monkeypatch.setenv("POLICY_STORE", url.replace("127.0.0.1", "no.such.host.invalid"))
    monkeypatch.delenv("PGPASSWORD")
    failed = rbac("history")
    assert failed.code == 2
    for said in (done, failed, rbac("history", "--help")):
        assert PASSWORD_IN_URL not in said.out + said.err
        assert PASSWORD not in said.out + said.err


@pytest.mark.parametrize(
    ("password", "change", "told"),
    [
        ("wrong", ("", ""), "give the role's password in PGPASSWORD"),
        (None, ("", ""), "give the role's password in PGPASSWORD"),
        (PASSWORD, ("/test", "/no-such-test"), "see that POLICY_STORE names it rightly"),
    ],
    ids=["wrong", "none", "no such database"],
)
def test_what_does_not_let_somebody_in_is_told_in_one_line_with_what_to_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, password: str | None, change: tuple[str, str], told: str
) -> None:
    assert desk.publish().code == 0
    url = desk.database.url(SERVICE)
    monkeypatch.setenv("POLICY_STORE", url.replace(*change) if change[0] else url)
    if password is None:
        monkeypatch.delenv("PGPASSWORD")
    else:
        monkeypatch.setenv("PGPASSWORD", password)
    for command in (
        ("status",),
        ("show",),
        ("blame", "1"),
        ("rollback", "1", "--reason", "x"),
        ("diff", "pg:1", "pg:"),
    ):
        done = rbac(*command)
        assert (done.code, told in done.err, done.err.count("\n")) == (2, True, 1), done


@pytest.mark.parametrize("store", ["", "file"])
def test_without_a_database_it_says_which_setting_names_one(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICY_STORE", store)
    for command in (
        ("history",),
        ("show",),
        ("blame",),
        ("status",),
        ("migrate",),
        ("can", "--policy", "pg:1"),
    ):
        done = rbac(*command)
        assert (done.code, "POLICY_STORE" in done.err) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        ("publish", "--reason", "x", "--based-on", 1),
        ("publish", "--reason", "x", "--based-on", 1, "--dry-run"),
        ("history",),
        ("show",),
        ("status",),
        ("blame",),
        ("rollback", 1, "--reason", "x"),
    ],
    ids=lambda command: " ".join(map(str, command)),
)  # fmt: skip
def test_tables_that_are_newer_than_the_command_are_left_alone(
    desk: Desk, command: tuple[object, ...]
) -> None:
    assert desk.publish().code == 0
    desk.database.execute(
        "INSERT INTO sekisho.migrations (number, name, digest) SELECT max(number) + 1, 'x', 'x' FROM sekisho.migrations"
    )
    done = desk.workshop.rbac(*map(str, command)) if command[0] == "publish" else rbac(*command)
    assert done.code == 2, done.out + done.err
    assert "the tables are those of a newer version" in done.err
    assert desk.database.execute("SELECT count(*) FROM sekisho.versions") == [(1,)]
