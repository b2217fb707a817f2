"""The rows of the service's table: which application, with how many rules, how it is asked, and what it is held against."""

from dataclasses import dataclass

from benchmarks.service.apps import APPS, FIRST_PATH, asked_of


@dataclass(frozen=True)
class Variant:
    """One row: an application, how many rules it decides by, how many workers serve it, and whether tokens repeat.

    ``beside`` is the row that takes turns with this one, and that it is divided by; a row beside itself has no turns of
    its own. ``path``: the one that is asked for, where it is not all that the application is made for.
    """

    key: str
    app: str
    rules: int = 0
    fresh_tokens: bool = False
    guarded: bool = True
    workers: int = 1
    beside: str = "plain"
    path: str = ""

    @property
    def paths(self) -> list[str]:
        """What is asked for, in order."""
        return [self.path] if self.path else asked_of(self.app)

    @property
    def server(self) -> tuple[str, int, int]:
        """Which server answers for it: rows that differ in their tokens alone share one."""
        return self.app, self.rules, self.workers


_NEW = "plain, every token new"
_SEKISHO = "sekisho 10000"
_LAST = "sekisho-last 10000"

VARIANTS = (
    Variant("plain", "plain", guarded=False),
    Variant(_NEW, "plain", fresh_tokens=True, guarded=False, beside=_NEW),
    Variant("plain-without-telemetry", "plain-without-telemetry", guarded=False),
    Variant("starlette", "starlette", guarded=False),
    *(Variant(f"sekisho {rules}", "sekisho", rules) for rules in (20, 1_000, 10_000, 100_000)),
    *(
        Variant(f"sekisho {rules}, every token new", "sekisho", rules, fresh_tokens=True, beside=_NEW)
        for rules in (20, 10_000)
    ),
    Variant(_LAST, "sekisho-first", 10_000, beside=_LAST),
    Variant("sekisho-first 10000", "sekisho-first", 10_000, beside=_LAST, path=FIRST_PATH),
    Variant("sekisho-without-log 10000", "sekisho-without-log", 10_000),
    Variant("sekisho-two-workers 10000", "sekisho", 10_000, workers=2, beside=_SEKISHO),
    Variant("plain-hundred", "plain-hundred", guarded=False, beside="plain-hundred"),
    Variant("sekisho-hundred 10000", "sekisho-hundred", 10_000, beside="plain-hundred"),
    Variant("plain-github", "plain-github", guarded=False, beside="plain-github"),
    Variant("sekisho-github 10000", "sekisho-github", 10_000, beside="plain-github"),
    Variant("cloudauth", "cloudauth"),
    *(Variant(f"cloudauth-casbin {rules}", "cloudauth-casbin", rules) for rules in (20, 1_000)),
    *(Variant(f"fastapi-authz {rules}", "fastapi-authz", rules) for rules in (20, 1_000)),
)

SMALLEST = {app: next((each for each in VARIANTS if each.app == app), Variant(app, app, 20)) for app in APPS}
"""One row for each application, for whoever only asks whether it answers."""
