"""Run pycasbin's own tests with IndexedEnforcer in Enforcer's place.

    git clone --branch v2.8.0 https://github.com/apache/casbin-pycasbin CHECKOUT
    python -m benchmarks.casbin_suite CHECKOUT [pytest arguments]

The tests are run from the checkout; the casbin they test is the installed one. Exits as pytest does.
"""

import os
import sys
from pathlib import Path

import casbin
import pytest

from rbac.engine.enforcer import IndexedEnforcer


def main(checkout: Path, arguments: list[str]) -> int:
    """Run the suite of ``checkout``; the exit status of pytest."""
    for module in (casbin, casbin.enforcer, casbin.synced_enforcer):
        vars(module)["Enforcer"] = IndexedEnforcer
    os.chdir(checkout)
    settings = ["-c", os.devnull, "--rootdir", str(checkout), "-p", "no:cacheprovider", "-p", "no:rbac"]
    return pytest.main([*settings, *(arguments or ["-q", "tests"])])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
