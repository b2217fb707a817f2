"""What is told apart inside a template is asked for each action by itself, in whichever order."""

from itertools import permutations

import pytest

from rbac import Policy
from rbac.routes import KnownRoutes, Route
from rbac.space.space import Space
from tests.support.service import ROOT

TEMPLATE = "/secrets/{name}"
ROUTES = KnownRoutes(
    (Route("GET", "/secrets/key"), *(Route(act, TEMPLATE) for act in ("GET", "PUT", "DELETE"))), "test"
)
RULES = b"""p, a, /secrets/key, GET, allow
p, b, /secrets/key, PUT, allow
p, c, /secrets/old, GET, allow
"""


@pytest.mark.parametrize("order", list(permutations(("GET", "PUT", "DELETE"))))
def test_a_path_that_is_another_route_for_one_action_is_a_part_of_the_template_for_the_others(
    order: tuple[str, ...],
) -> None:
    policy = Policy.parse((ROOT / "model.conf").read_bytes(), RULES)
    paths = Space((policy,), ROUTES).template_paths
    found = {act: set(paths.others(act, TEMPLATE)) for act in order}
    assert found == {
        "GET": {"/secrets/old"},
        "PUT": {"/secrets/key", "/secrets/old"},
        "DELETE": {"/secrets/key", "/secrets/old"},
    }


@pytest.mark.parametrize("rule", [r"/\.well-known/x", r"/\.well-known/*", r"/v1\.2/{id}", r"/a\.b"])
def test_a_pattern_with_a_written_dot_divides_no_template_that_begins_otherwise(rule: str) -> None:
    policy = Policy.parse((ROOT / "model.conf").read_bytes(), f"p, a, {rule}, GET, allow\n".encode())
    paths = Space((policy,), ROUTES).template_paths
    assert paths._dividing == {}
