"""A checkpoint begins and ends its parts as one."""

from typing import Any

import pytest

from rbac.guard.checkpoint import Checkpoint


class Part:
    """Tells when it begins and ends; ``fails`` instead of beginning."""

    revocations = None

    def __init__(self, name: str, told: list[str], *, fails: bool = False) -> None:
        self.name, self.told, self.fails = name, told, fails

    async def __aenter__(self) -> None:
        if self.fails:
            raise OSError(self.name)
        self.told.append(f"{self.name} begins")

    async def __aexit__(self, *_: object) -> None:
        self.told.append(f"{self.name} ends")


def made_of(told: list[str], *, broken: str = "") -> Checkpoint:
    live, recognition, log = (
        Part(name, told, fails=name == broken) for name in ("policy", "recognition", "log")
    )
    checkpoint: Any = Checkpoint()
    checkpoint.take_up(live, recognition, None, log=log)
    return checkpoint  # type: ignore[no-any-return]  # its parts are not the real ones


async def test_records_are_kept_before_anybody_is_let_in_and_until_after_the_last() -> None:
    told: list[str] = []
    checkpoint = made_of(told)
    for _ in range(2):  # it may be opened again
        async with checkpoint:
            told.append("open")
    once = [
        "log begins",
        "recognition begins",
        "policy begins",
        "open",
        "policy ends",
        "recognition ends",
        "log ends",
    ]
    assert told == once * 2


@pytest.mark.parametrize(
    ("broken", "begun"),
    [("log", []), ("recognition", ["log"]), ("policy", ["log", "recognition"])],
)
async def test_what_has_begun_ends_where_a_later_part_cannot_begin(broken: str, begun: list[str]) -> None:
    told: list[str] = []
    with pytest.raises(OSError, match=broken):
        await made_of(told, broken=broken).open()
    assert told == [f"{each} begins" for each in begun] + [f"{each} ends" for each in reversed(begun)]
