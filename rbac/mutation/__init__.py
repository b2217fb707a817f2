"""Would the policy tests notice a mistake? The policy is broken one rule at a time.

Read ``mutants`` (what is broken), ``pool`` (which mutants differ at all), ``run``, ``suggestion`` (the test that
would notice).
"""
