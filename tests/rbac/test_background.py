"""Heavy work beside a running event loop."""

import gc
import itertools
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac.background import Pace, Teardown, beside_others, breathe, in_order, paced, take_apart


class Row(dict[str, int]):
    """A part that can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]


class Table:
    """An owner that can be watched; it holds its rows in a function too, as a compiled policy does."""

    def __init__(self, size: int) -> None:
        rows = [[Row()] for _ in range(size)]
        self.rows = rows
        self.find = lambda place: rows[place]


def test_a_pace_sleeps_only_when_its_slice_of_time_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    pace = Pace()
    for now[0] in (0.0002, 0.0009, 0.0011, 0.0012, 0.0022):
        pace()
    assert len(slept) == 2


class Nap:
    """A clock that only sleeping moves, by what was asked for and how late one wakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.late, self.naps = 0.0, 0.0, 0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.now += seconds + self.late

    def works_until_it_rests(self, pace: Pace) -> float:
        """The seconds of work before the next rest."""
        began, naps = self.now, self.naps
        while self.naps == naps:
            worked = self.now - began
            pace()
            self.now += 0.0001 if self.naps == naps else 0
        return worked


def test_slices_grow_while_nobody_waits_and_are_short_again_when_somebody_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Nap(monkeypatch)
    pace = Pace()
    alone = [round(clock.works_until_it_rests(pace) * 1000, 1) for _ in range(5)]
    assert alone == pytest.approx([0.5, 1.0, 2.0, 2.0, 2.0], abs=0.11)
    clock.late = 0.001
    beside = [round(clock.works_until_it_rests(pace) * 1000, 1) for _ in range(3)]
    assert beside == pytest.approx([2.0, 0.5, 0.5], abs=0.11)


def test_beside_others_the_collector_rests_and_the_lock_changes_hands_sooner() -> None:
    interval = sys.getswitchinterval()
    with beside_others():
        with beside_others():
            assert not gc.isenabled()
        assert not gc.isenabled()
        assert sys.getswitchinterval() < interval
    assert gc.isenabled()
    assert sys.getswitchinterval() == pytest.approx(interval)


def test_two_threads_beside_others_leave_the_process_as_it_was() -> None:
    interval = sys.getswitchinterval()
    both = threading.Barrier(2)

    def work() -> None:
        with beside_others():
            both.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.isenabled()
    assert sys.getswitchinterval() == pytest.approx(interval)


def test_what_was_made_beside_others_is_old_at_once() -> None:
    """The next pass over the young objects has nothing of it to look at."""
    with beside_others():
        made = [[number] for number in range(5_000)]
    young = {id(one) for generation in (0, 1) for one in gc.get_objects(generation)}
    assert not young & {id(one) for one in made}


def test_remains_outlive_their_owner_and_are_then_given_back_in_bits() -> None:
    table = Table(1_000)
    rows = [weakref.ref(row[0]) for row in table.rows]
    left: list[int] = []
    remains = Teardown(table, lambda: None)
    del table
    assert all(row() is not None for row in rows)
    remains.give_back(lambda: left.append(sum(row() is not None for row in rows)))
    assert left[-1] == 0
    assert len(left) >= 4
    assert max(before - after for before, after in itertools.pairwise([1_000, *left])) <= 256


class Owner:
    """An owner of anything, and of a function that holds it too, and is met first."""

    def __init__(self, held: object) -> None:
        self.find = lambda: held
        self.held = held


@pytest.mark.parametrize("seal", [tuple, frozenset])
def test_what_cannot_be_emptied_is_given_back_in_bits_too(seal: Callable[[list[Row]], object]) -> None:
    """A document's names are in tuples of tens of thousands of texts."""
    rows = [Row() for _ in range(1_000)]
    watched = [weakref.ref(row) for row in rows]
    left: list[int] = []
    owner = Owner(seal(rows))
    remains = Teardown(owner, lambda: None)
    del owner, rows
    remains.give_back(lambda: left.append(sum(row() is not None for row in watched)))
    assert left[-1] == 0
    assert max(before - after for before, after in itertools.pairwise([1_000, *left])) <= 256


class Finder:
    """Holds its rows, and so does a list that is met after them."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.others = [[rows]]


def test_what_two_hold_is_given_back_in_bits_when_the_second_is_gone() -> None:
    rows = [Row() for _ in range(1_000)]
    watched = [weakref.ref(row) for row in rows]
    left: list[int] = []
    owner = Finder(rows)
    remains = Teardown(owner, lambda: None)
    del owner, rows
    remains.give_back(lambda: left.append(sum(row() is not None for row in watched)))
    assert left[-1] == 0
    assert max(before - after for before, after in itertools.pairwise([1_000, *left])) <= 256


def test_who_lets_go_of_much_when_it_goes_pauses_meanwhile() -> None:
    """As a graph of roles does, which undoes its links."""
    pauses: list[str] = []
    at = [""]

    class Undoing:
        def __del__(self) -> None:
            at[0] = "undoing"
            for _ in paced(range(320)):
                pass
            at[0] = ""

    owner = Owner(Undoing())
    remains = Teardown(owner, lambda: None)
    del owner
    remains.give_back(lambda: pauses.append(at[0]))
    del remains
    assert pauses.count("undoing") == 10


def test_an_owner_who_is_still_needed_keeps_its_parts() -> None:
    table = Table(10)
    Teardown(table, lambda: None).give_back(lambda: None)
    assert len(table.rows) == 10


def test_a_thread_that_wakes_late_leaves_the_lock_to_others_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds + (0.0004 if len(slept) == 1 else 0)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    pace = Pace()
    now[0] = 0.001
    pace()
    assert len(slept) == 2


def test_however_busy_others_are_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 2 * seconds + 0.001))
    pace = Pace()
    now[0] = 0.001
    pace()
    assert now[0] < 0.01


def test_items_are_paced_beside_others_and_as_they_were_elsewhere() -> None:
    items = list(range(100))
    pauses: list[int] = []

    class Counted(Pace):
        def __call__(self) -> None:
            pauses.append(1)

    assert paced(items) is items
    with beside_others(Counted()):
        assert list(paced(items, every=10)) == items
        breathe()
    breathe()
    assert len(pauses) == 11


@pytest.mark.parametrize(
    "large",
    [list(range(1_000)), set(range(1_000)), dict.fromkeys(range(1_000))],
    ids=["list", "set", "dict"],
)
def test_a_large_container_is_taken_apart_bit_by_bit(large: list[int] | set[int] | dict[int, None]) -> None:
    left: list[int] = []
    take_apart(large, lambda: left.append(len(large)))
    assert left == [744, 488, 232, 0]


def test_what_requests_leave_to_the_collector_is_not_kept_for_ever_by_a_reload() -> None:
    program = """
import gc, weakref
from rbac.background import beside_others
class Circle:
    def __init__(self):
        self.me = self
gc.freeze()
before = weakref.ref(Circle())
with beside_others():
    within = weakref.ref(Circle())
print(before(), within(), gc.get_freeze_count() > 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "None None True\n"


def test_a_process_that_has_frozen_what_it_has_keeps_what_a_reload_makes_out_of_collections_too() -> None:
    program = """
import gc
from rbac.background import beside_others
def young():
    return sum(type(one) is list and one[:1] == ["made"] for each in (0, 1, 2) for one in gc.get_objects(each))
for frozen in (False, True):
    if frozen:
        gc.freeze()
    with beside_others():
        made = [["made", []] for _ in range(1000)]
    print(young(), gc.get_freeze_count() > 0)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["1000 False", "0 True"]


def test_who_keeps_what_it_has_is_not_counted_again() -> None:
    """To count what is frozen takes as long as a pass over it, and no other thread runs meanwhile."""
    program = """
import gc
from rbac import background
def counted():
    raise SystemExit("counted")
background.freeze()
gc.get_freeze_count = counted
for _ in range(2):
    with background.beside_others():
        made = [["made", []] for _ in range(1000)]
print(sum(type(one) is list and one[:1] == ["made"] for each in (0, 1, 2) for one in gc.get_objects(each)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers())), st.booleans(), st.integers(1, 5))
def test_what_is_put_in_order_in_pieces_is_in_the_order_that_python_gives_it(
    items: list[tuple[int, int]], by_first: bool, piece: int
) -> None:
    key = (lambda one: one[0]) if by_first else None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("rbac.background._PIECE", piece)
        with beside_others(Pace()):
            found = in_order(iter(items), key)
    assert found == in_order(items, key) == sorted(items, key=key)


def test_many_items_are_put_in_order_with_pauses() -> None:
    pauses: list[int] = []

    class Counted(Pace):
        def __call__(self) -> None:
            pauses.append(1)

    with beside_others(Counted()):
        assert in_order(range(10_000, 0, -1)) == list(range(1, 10_001))
    assert len(pauses) > 5 + 10_000 / 32
