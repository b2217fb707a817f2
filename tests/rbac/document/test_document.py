"""A document is read strictly: it means what stock Casbin says, or it is refused with every reason."""

import hashlib
from pathlib import Path

import pytest
from casbin import Enforcer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbac.document.document import Document, check_bytes, parse_definition
from rbac.document.rows import lines_of
from rbac.errors import PolicyError
from rbac.linting.lint import lint
from rbac.policy import Policy
from tests.support.documents import MODEL, POLICY, ROOT, casbin_documents, stock_enforcer, stock_rows

# What each refused document of Casbin's own tests has that stock Casbin does not understand either.
REFUSED = {
    "casbin@HEAD(12ac0c9) model_test.go:642": "unknown-effect",  # the effect `indeterminate`
    "casbin@HEAD(12ac0c9) model_test.go:662": "invalid-word",  # a comment that pycasbin reads as part of a word
    "pycasbin@v1.43.0 tests/test_enforcer.py:225": "unknown-effect",  # the effect `intdeterminate`
}


def rows_of(document: Document) -> dict[str, list[list[str]]]:
    return {ptype: list(rows) for ptype, rows in document.rows.items()}


def test_the_shipped_document_is_read_without_a_warning() -> None:
    document = Document.read(ROOT / "model.conf", ROOT / "policy.csv")
    assert document.warnings == ()
    assert document.definition.request_words == ("sub", "role", "obj", "act")
    assert document.definition.policy_words == ("role", "obj", "act", "eft")
    assert rows_of(document) == stock_rows(MODEL, POLICY)


def test_the_revision_is_over_model_zero_byte_and_policy() -> None:
    expected = hashlib.sha256(MODEL + b"\0" + POLICY).hexdigest()[:12]
    assert Document.parse(MODEL, POLICY).revision == expected


def test_every_rule_knows_its_line_and_rules_come_in_file_order() -> None:
    policy = b"# one\np, user, /user, GET, allow\n\ng, admin, user\n  p , admin ,/a,GET,allow\n"
    rules = list(Document.parse(MODEL, policy).rules())
    assert [(rule.line, rule.text) for rule in rules] == [
        (2, "p, user, /user, GET, allow"),
        (4, "g, admin, user"),
        (5, "p, admin, /a, GET, allow"),
    ]


def test_a_byte_order_mark_and_crlf_are_read_as_if_absent_and_told() -> None:
    windows = b"\xef\xbb\xbf" + POLICY.replace(b"\n", b"\r\n")
    document = Document.parse(b"\xef\xbb\xbf" + MODEL.replace(b"\n", b"\r\n"), windows)
    assert rows_of(document) == rows_of(Document.parse(MODEL, POLICY))
    assert document.definition == Document.parse(MODEL, POLICY).definition
    assert [problem.code for problem in document.warnings] == ["byte-order-mark", "crlf"] * 2


def test_all_problems_of_both_files_come_at_once_and_sorted() -> None:
    with pytest.raises(PolicyError) as refused:
        Document.parse(MODEL + b"\n[extra]\nk = v\n", b"p, user, /user\nx, y\np, a, /**, GET, allow\n")
    problems = refused.value.problems
    assert [(problem.file, problem.line, problem.code) for problem in problems] == [
        ("model.conf", MODEL.count(b"\n") + 2, "unknown-section"),
        ("policy.csv", 1, "wrong-width"),
        ("policy.csv", 3, "invalid-pattern"),
    ]


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        (b"\0" * 200_000, [1]),
        (POLICY.replace(b"\n", b"\r"), [1]),
        (
            b"p, user\r, /user, GET, allow\n\np, user, /us\0er\0, GET, allow\n" + b"#" * 70_000 + b"\0",
            [1, 3, 4],
        ),
        ("p, user, /a, GET, allow\n\n".encode("utf-16-le") * 3 + b"\n", [1, 2, 3, 4, 5, 6, 7]),
    ],
    ids=["zeros", "ends of lines as long ago", "here and there", "another encoding with a byte too many"],
)
def test_a_line_full_of_control_characters_is_one_problem(policy: bytes, lines: list[int]) -> None:
    document, problems = check_bytes(MODEL, policy)
    assert document is None
    assert [problem.line for problem in problems if problem.code == "control-character"] == lines


def test_a_problem_does_not_repeat_a_whole_file_that_stands_in_a_words_place() -> None:
    _, problems = check_bytes(
        MODEL, b"p, user, /user, GET, " + b"x" * 100_000 + b"\n" + b"y" * 100_000 + b"\n"
    )
    assert [problem.code for problem in problems] == ["unknown-effect", "unknown-type"]
    assert all(len(str(problem)) < 500 for problem in problems)
    assert "` is neither `allow` nor `deny`" in problems[0].message


def test_an_effect_that_is_none_is_told_in_every_type_of_rules_at_its_own_place() -> None:
    model = MODEL.replace(b"[role_definition]", b"p2 = eft, sub\n[role_definition]")
    rows = b"p, user, /user, GET, allow\np2, allow, a\n\n#, x\np2, , b\np2, deny, c\np2,  Allow , d\ng, a, user\n"
    _, problems = check_bytes(model, rows)
    assert [(each.line, each.column, each.code) for each in problems] == [
        (5, 5, "unknown-effect"),
        (7, 6, "unknown-effect"),
    ]
    assert [each.message.partition(" is ")[0] for each in problems] == [
        "the empty effect",
        "the effect `Allow`",
    ]


def test_a_model_alone_is_refused_for_what_a_document_with_it_is_refused_for() -> None:
    assert parse_definition(MODEL).request_words
    for model in (
        MODEL.replace(b"keyMatch3", b"nowhere"),
        b"\xff",
        b"",
        MODEL.replace(b"[matchers]", b"[m]"),
    ):
        document, problems = check_bytes(model, b"")
        assert document is None
        with pytest.raises(PolicyError) as refused:
            parse_definition(model)
        assert {each.code for each in refused.value.problems} == {each.code for each in problems}


def test_a_pattern_may_have_more_segments_than_python_has_frames() -> None:
    deep = "/{a}/b" * 2_000
    rows = f"p, user, {deep}, GET, allow\np, user, {deep.replace('b', '{b}')}, PUT, allow\n"
    document = Document.parse(MODEL, rows.encode())
    assert lint(document) == ()
    policy = Policy(document)
    assert policy.allows("user", "GET", "/x/b" * 2_000)
    assert policy.allows("user", "PUT", "/x/y" * 2_000)
    assert not policy.allows("user", "GET", "/x/y" * 2_000)


def test_a_missing_file_is_an_error_of_the_operating_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Document.read(ROOT / "model.conf", tmp_path / "policy.csv")


def test_problems_name_the_files_as_they_were_given(tmp_path: Path) -> None:
    policy = tmp_path / "mine.csv"
    policy.write_text("nonsense\n")
    with pytest.raises(PolicyError, match=r"mine\.csv:1:1: error"):
        Document.read(ROOT / "model.conf", policy)


def test_reading_pauses_every_few_hundred_lines() -> None:
    pauses: list[int] = []
    Document.parse(MODEL, b"p, user, /user, GET, allow\n" * 3000, pause=lambda: pauses.append(1))
    assert len(pauses) >= 5


def test_the_casbin_model_is_fresh_and_the_adapter_fills_it() -> None:
    document = Document.parse(MODEL, POLICY)
    enforcer = Enforcer(document.casbin_model(), document.adapter())
    assert document.casbin_model()["p"]["p"].policy == []
    assert enforcer.get_policy() == stock_enforcer(MODEL, POLICY).get_policy()
    enforcer.add_policy("user", "/more", "GET", "allow")
    assert len(enforcer.get_policy()) == len(document.rows["p"]) + 1


def test_a_model_alone_can_be_read_for_any_policy() -> None:
    assert parse_definition(MODEL).width("p") == 4
    assert parse_definition(MODEL).width("x") is None
    with pytest.raises(PolicyError, match="missing-definition"):
        parse_definition(b"")


@pytest.mark.parametrize(("source", "model", "policy"), casbin_documents(), ids=lambda value: str(value)[:60])
def test_documents_of_casbins_own_tests_are_read_as_stock_reads_them(
    source: str, model: bytes, policy: bytes
) -> None:
    document, problems = check_bytes(model, policy)
    errors = {problem.code for problem in problems if problem.severity == "error"}
    if source in REFUSED:
        assert REFUSED[source] in errors
        return
    assert not errors
    assert document is not None
    assert rows_of(document) == stock_rows(model, policy)


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("p, user, /user, GET, allow", ["user", "/user", "GET", "allow"]),
        ("p,user,/user,GET,allow", ["user", "/user", "GET", "allow"]),
        (" p\t,\u3000user ,/user , GET,allow ", ["user", "/user", "GET", "allow"]),
        ("p, user, /(a, [b, c]), GET, allow", ["user", "/(a, [b, c])", "GET", "allow"]),
        ("p, user, /[)(], GET, allow", ["user", "/[)(]", "GET", "allow"]),
        ('p, "user", /a#b, GET, allow', ['"user"', "/a#b", "GET", "allow"]),
        ("p, , , , allow", ["", "", "", "allow"]),
    ],
)
def test_a_line_is_split_as_stock_splits_it(line: str, row: list[str]) -> None:
    assert (
        rows_of(Document.parse(MODEL, line.encode()))["p"] == [row] == stock_rows(MODEL, line.encode())["p"]
    )


@pytest.mark.parametrize(
    "character", [*map(chr, (0, 8, 11, 12, 13, 27, 28, 31, 127, 128, 133, 159)), "\u2028", "\u2029"]
)
def test_a_control_character_is_refused_wherever_it_stands(character: str) -> None:
    for policy in (
        f"{character}p, a, /, GET, allow",
        f"# {character} note\n",
        f"p, a, /{character}, GET, allow",
    ):
        _, problems = check_bytes(MODEL, policy.encode())
        assert "control-character" in {problem.code for problem in problems}
    _, problems = check_bytes(MODEL.replace(b"# who", b"# who" + character.encode()), POLICY)
    assert "control-character" in {problem.code for problem in problems}


REQUESTS = [
    (sub, role, path, method)
    for sub, role in [("", ""), ("7f3c", ""), ("7f3c", "user"), ("7f3c", "admin"), ("", "use")]
    for path in ["/", "/user", "/admin", "/profile", "/nowhere", ""]
    for method in ["GET", "POST", ""]
]


def answers(enforcer: Enforcer) -> list[object]:
    def answer(request: tuple[str, ...]) -> object:
        try:
            return enforcer.enforce(*request)
        except Exception as error:  # noqa: BLE001 - whatever stock Casbin raises is its answer
            return type(error)

    return [answer(request) for request in REQUESTS]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.booleans(),
    st.integers(min_value=0),
    st.integers(0, 255),
    st.sampled_from(["replace", "insert", "delete"]),
)
def test_a_document_with_one_damaged_byte_means_what_stock_says_or_is_refused(
    in_model: bool, at: int, byte: int, how: str
) -> None:
    whole = MODEL if in_model else POLICY
    at %= len(whole)
    damaged = whole[:at] + (b"" if how == "delete" else bytes([byte])) + whole[at + (how != "insert") :]
    model, policy = (damaged, POLICY) if in_model else (MODEL, damaged)
    document, problems = check_bytes(model, policy)
    if document is None:
        assert any(problem.severity == "error" for problem in problems)
        return
    assert rows_of(document) == stock_rows(model, policy)
    ours = Enforcer(document.casbin_model(), document.adapter())
    assert answers(ours) == answers(stock_enforcer(model, policy))


LINES = st.text(alphabet="pg2 ,,,()[]#\t\"'\\/*{}:.|+=\u3000\u00a0\ufeffаadenylow\r\x0b\x00\x85", max_size=24)
ROWS = st.sampled_from(
    ["p, a, /x, GET, allow", "g, a, b", " p,a,/(x,y),GET,deny ", "# note", "", "p, é, [a,b], *, allow"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(LINES, ROWS), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_any_text_is_read_as_stock_reads_it_or_refused(lines: list[str], end: str) -> None:
    policy = end.join(lines).encode()
    document, problems = check_bytes(MODEL, policy)
    if document is None:
        assert any(problem.severity == "error" for problem in problems)
        return
    if not any(problem.code == "byte-order-mark" for problem in problems):
        assert rows_of(document) == stock_rows(MODEL, policy)
    assert sum(map(len, document.rows.values())) == sum(
        bool(line.strip()) and line.strip()[0] != "#"
        for line in policy.decode().removeprefix("\ufeff").split("\n")
    )


MODEL_LINES = st.sampled_from(
    [
        *MODEL.decode().split("\n"),
        "g2 = _, _, _",
        "m2 = g(r.sub, p.role) \\",
        "&& r.obj == p.obj",
        "e = some(where (p.eft == allow))",
        "r = sub, obj",
        "; note",
        "p2 = role, obj",
        "[matchers]",
        "[ matchers ]",
        "m = r.sub == p.role # \\",
        "M = true",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(MODEL_LINES, max_size=3), st.integers(0, 30))
def test_a_model_with_other_lines_in_it_means_what_stock_says_or_is_refused(
    extra: list[str], at: int
) -> None:
    lines = MODEL.decode().split("\n")
    model = "\n".join([*lines[:at], *extra, *lines[at:]]).encode()
    document, _ = check_bytes(model, POLICY)
    if document is None:
        return
    stock = stock_enforcer(model, POLICY).model
    assert dict(document.definition.matchers) == {key: ast.value for key, ast in stock["m"].items()}
    assert dict(document.definition.effects) == {key: ast.value for key, ast in stock["e"].items()}
    for section, ours in (("r", document.definition.requests), ("p", document.definition.policies)):
        assert {key: [f"{key}_{word}" for word in words] for key, words in ours.items()} == {
            key: ast.tokens for key, ast in stock[section].items()
        }


@given(text=st.text("ab\n\r", max_size=30), piece=st.integers(1, 8))
def test_lines_are_the_same_in_pieces_of_any_size(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rbac.document.rows._PIECE", piece)
        assert list(lines_of(text)) == text.split("\n")


def test_no_large_text_is_split_in_one_go() -> None:
    """Nobody else in the process runs meanwhile."""

    class Whole(str):
        __slots__ = ()

        def split(self, *_: object) -> list[str]:
            raise AssertionError("the whole text at once")

    text = "p, role, /x, GET, allow\n" * 5_000
    assert list(lines_of(Whole(text))) == text.split("\n")
