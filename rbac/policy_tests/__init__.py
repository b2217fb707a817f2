"""Policy tests: what must stay true of a policy, written as YAML.

Face: :mod:`~rbac.policy_tests.run`. Read ``suite`` and ``scenario_file`` (how a file is read), ``questions`` (what a
test asks, by ``asked_callers`` and ``asked_endpoints``), ``run``, ``coverage``.
"""
