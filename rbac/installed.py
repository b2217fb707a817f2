"""That the ``casbin`` which is imported is the one whose answers are promised, and what an extra brings.

Two distributions install the package ``casbin``: ``pycasbin``, which this package needs, and its older namesake
``casbin``, which others require (fastapi-authz, casbin-sqlalchemy-adapter). Whichever is installed last overwrites the
other's files, and whichever is removed takes them along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

# What pycasbin has, and its older namesake has not.
_OWN = "add_named_grouping_policies_ex"


def check_casbin() -> None:
    """Raise an ImportError that names the cure, unless ``casbin`` is pycasbin's."""
    try:
        found = hasattr(import_module("casbin").Enforcer, _OWN)
    except (ImportError, AttributeError):
        found = False
    if not found:
        raise ImportError(
            "the package `casbin` is not the one of `pycasbin`, by which `rbac` decides: the distribution `casbin` has "
            "overwritten or removed its files; run `pip uninstall -y casbin` and then "
            f"`pip install --force-reinstall --no-deps pycasbin{_version()}`",
            name="casbin",
        )


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
