"""Each line is blamed on the version since which it has been there without a break."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.stores.blame import blame

TEXT = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=6).map(b"\n".join)


def test_a_line_that_moved_keeps_its_version_and_one_that_came_back_is_new() -> None:
    history = [b"a\nb\n", b"b\na\n", b"b\n", b"a\nb\nb\n"]
    versions = list(zip(range(4, 0, -1), reversed(history), strict=True))
    assert blame(versions) == [(b"a", 4), (b"b", 1), (b"b", 4)]


def test_without_a_version_there_is_nobody_to_blame() -> None:
    with pytest.raises(ValueError, match="no version"):
        blame([])


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_it_says_what_counting_each_text_in_every_version_says(history: list[bytes]) -> None:
    """Brute force: the k-th line of a text is as old as the versions in a row, from the last on, that hold k of them."""
    numbered = list(enumerate(history, 1))
    expected = []
    seen: Counter[bytes] = Counter()
    for line in history[-1].splitlines():
        seen[line] += 1
        since = len(history)
        while since > 1 and history[since - 2].splitlines().count(line) >= seen[line]:
            since -= 1
        expected.append((line, since))
    assert blame([(number, text) for number, text in reversed(numbered)]) == expected
