"""That the ``casbin`` which is imported is the one whose answers are promised, and what an extra brings.

Two distributions install the package ``casbin``: ``pycasbin``, which this package needs, and its older namesake
``casbin``, which others require (fastapi-authz, casbin-sqlalchemy-adapter). Whichever is installed last overwrites the
other's files, and whichever is removed takes them along.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# What pycasbin has, and its older namesake has not.
_OWN: Final = "add_named_grouping_policies_ex"
# Where its files say that, and that what has it is what is imported.
_FILES: Final = {
    "__init__.py": "from .enforcer import *\n",
    "enforcer.py": "class Enforcer(ManagementEnforcer",
    "management_enforcer.py": f"def {_OWN}(",
}


def check_casbin() -> None:
    """Raise an ImportError that names the cure, unless ``casbin`` is pycasbin's.

    Its files say so sooner than an import of it, which ``import rbac`` leaves to what decides; it is imported where they do
    not.
    """
    if not (_reads_right() or _is_right()):
        raise ImportError(
            "the package `casbin` is not the one of `pycasbin`, by which `rbac` decides: the distribution `casbin` has "
            "overwritten or removed its files; run `pip uninstall -y casbin` and then "
            f"`pip install --force-reinstall --no-deps pycasbin{_version()}`",
            name="casbin",
        )


def _reads_right() -> bool:
    if "casbin" in sys.modules:
        return False
    found = find_spec("casbin")
    if found is None or found.origin is None:
        return False
    package = Path(found.origin)
    try:
        return all(
            text in (package.parent / name).read_text(encoding="utf-8") for name, text in _FILES.items()
        )
    except (OSError, ValueError):
        return False


def _is_right() -> bool:
    try:
        return hasattr(import_module("casbin").Enforcer, _OWN)
    except (ImportError, AttributeError):
        return False


@contextmanager
def brought_by(extra: str) -> Iterator[None]:
    """Around imports of what only ``extra`` brings: says so where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"`{error.name}` is not installed; it comes with the extra `{extra}`: pip install 'sekisho[{extra}]'",
            name=error.name,
        ) from None


def _version() -> str:
    from importlib import metadata  # a fifth of what importing `rbac` takes

    try:
        return f"=={metadata.version('pycasbin')}"
    except metadata.PackageNotFoundError:
        return ""


check_casbin()
