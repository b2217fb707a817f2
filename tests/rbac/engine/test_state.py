"""What an enforcer publishes: answers, or that there are none."""

from rbac.engine.state import NOTHING


def test_a_state_that_is_left_to_casbin_answers_nothing() -> None:
    assert NOTHING.decide(("a", "/x", "GET")) is None
    assert NOTHING.arity < 0  # the length of no request
