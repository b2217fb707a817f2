"""The cost of one decision against the number of rules, for every engine, on requests they all answer alike."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import workload
from benchmarks.engines import ENGINES, read_rows
from benchmarks.engines.handwritten import TrieEngine
from benchmarks.remote import Remote, WorkerError
from benchmarks.timing import Timing, asking, interleave, ratio
from benchmarks.workload import Request

SIZES = (20, 1_000, 10_000, 100_000, 1_000_000)
OURS = ("policy", "keywords", "indexed")
QUICK_ONES = (*OURS, "trie", "dict")  # fast enough to share every round
PEERS = tuple(name for name in ENGINES if name not in QUICK_ONES)
CHECKING_SECONDS = 4.0


@dataclass(frozen=True)
class Effort:
    """How much time goes into a figure."""

    sizes: tuple[int, ...] = SIZES
    rounds: int = 9
    slice_seconds: float = 0.08
    at_most: float = 4.0


QUICK = Effort(sizes=(20, 1_000, 10_000), rounds=3, slice_seconds=0.03, at_most=1.0)
TINY = Effort(sizes=(20,), rounds=2, slice_seconds=0.001, at_most=0.1)


class WrongAnswerError(Exception):
    """Two engines disagree on the workload: what they cost cannot be compared."""


@dataclass(frozen=True)
class Questions:
    """A policy on disk, and requests about it with the answers that stock Casbin's rules give."""

    policy: Path
    kinds: dict[str, list[Request]]
    expected: dict[str, list[bool]]

    @classmethod
    def about(cls, rules: int, scratch: Path) -> "Questions":
        """Writes the policy and answers the requests by the trie, which is then itself held against stock."""
        policy = scratch / f"policy-{rules}.csv"
        workload.write_policy(rules, policy)
        kinds = {"mix": workload.mixed(rules, 2_000), **workload.worst(rules, 16)}
        kinds["first"] = workload.about_first(min(100, rules))
        trie = TrieEngine()
        trie.load(workload.MODEL, policy)
        expected = {
            kind: [trie.decide(trie.prepare(asked)) for asked in requests] for kind, requests in kinds.items()
        }
        return cls(policy, kinds, expected)

    def rows(self) -> int:
        """How many rules the file holds: measured, not assumed."""
        return len(read_rows(self.policy)[0])


def run(scratch: Path, effort: Effort, missing: dict[str, str], say: Callable[[str], None]) -> dict[str, Any]:
    """Every engine at every size: ``{"sizes": {rules: {engine: figures}}}``, and the growth of ours."""
    results: dict[str, Any] = {"sizes": {}, "missing": dict(missing)}
    for rules in effort.sizes:
        questions = Questions.about(rules, scratch)
        say(f"decisions: {rules:,} rules, {sum(questions.expected['mix']) / 20:.0f} % of the mix allowed")
        results["sizes"][str(rules)] = _size(rules, questions, scratch, effort, missing, say)
    results["growth"] = growth(scratch, effort)
    return results


def growth(scratch: Path, effort: Effort, few: int = 100) -> dict[str, Any]:
    """Our doors, and the trie: a policy that is larger by far, asked about the same hundred rules."""
    many = max(effort.sizes)
    results: dict[str, Any] = {"few": few, "many": many}
    small, large = Questions.about(few, scratch), Questions.about(many, scratch)
    for name in (*OURS, "trie"):
        with loaded(name, small, scratch) as (before, _), loaded(name, large, scratch) as (after, _):
            before.give("first", small.kinds["first"])
            after.give("first", small.kinds["first"])
            turns = {"few": asking(before, "first"), "many": asking(after, "first")}
            timed = _interleave(turns, effort)
            results[name] = {
                "few_us": timed["few"].median * 1e6,
                "many_us": timed["many"].median * 1e6,
                "ratio": ratio(timed["many"], timed["few"]),
            }
    return results


@contextmanager
def loaded(name: str, questions: Questions, scratch: Path) -> Iterator[tuple[Remote, dict[str, Any]]]:
    """An engine that has loaded the policy, has its requests, and was seen to answer them right."""
    with Remote(name, scratch) as engine:
        figures: dict[str, Any] = dict(
            engine.load(workload.MODEL, questions.policy, questions.kinds["mix"][0])
        )
        figures["checked"] = 0
        for kind, requests in questions.kinds.items():
            engine.give(kind, requests)
            answers = engine.answers(kind, CHECKING_SECONDS if kind == "mix" else CHECKING_SECONDS / 4)
            for request, answer, expected in zip(requests, answers, questions.expected[kind], strict=False):
                if answer is not expected:
                    raise WrongAnswerError(f"{name} says {answer} to {request}, others {expected}")
            figures["checked"] += len(answers)
        yield engine, figures


def _size(
    rules: int,
    questions: Questions,
    scratch: Path,
    effort: Effort,
    missing: dict[str, str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with ExitStack() as stack:
        quick = {}
        for name in QUICK_ONES:
            quick[name], results[name] = stack.enter_context(loaded(name, questions, scratch))
        for kind in ("mix", "last", "none"):
            timed = _interleave({name: asking(engine, kind) for name, engine in quick.items()}, effort)
            for name, timing in timed.items():
                _note(results[name], kind, timing)
                results[name][f"{kind}_over_trie"] = ratio(timing, timed["trie"])
        for name in PEERS:
            if name in missing:
                results[name] = {"unable": missing[name]}
                continue
            try:
                results[name] = _peer(name, questions, scratch, effort, quick["indexed"])
            except WorkerError as error:
                results[name] = {"unable": str(error)}
            say(f"  {name}: {results[name].get('mix_us', results[name].get('unable'))}")
    if questions.rows() != rules:
        raise WrongAnswerError(f"the policy of {rules} rules has {questions.rows()}")
    return results


def _peer(name: str, questions: Questions, scratch: Path, effort: Effort, ours: Remote) -> dict[str, Any]:
    with loaded(name, questions, scratch) as (engine, figures):
        for kind in ("mix", "last", "none"):
            timed = _interleave({name: asking(engine, kind), "ours": asking(ours, kind)}, effort)
            _note(figures, kind, timed[name])
            figures[f"{kind}_over_ours"] = ratio(timed[name], timed["ours"])
    return figures


def _interleave(turns: dict[str, Any], effort: Effort) -> dict[str, Timing]:
    return interleave(turns, rounds=effort.rounds, slice_seconds=effort.slice_seconds, at_most=effort.at_most)


def _note(figures: dict[str, Any], kind: str, timing: Timing) -> None:
    figures[f"{kind}_us"] = timing.median * 1e6
    figures[f"{kind}_rounds_us"] = [figure * 1e6 for figure in timing.rounds]
