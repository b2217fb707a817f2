"""That the ``casbin`` which is imported is the one whose answers are promised.

Two distributions install the package ``casbin``: ``pycasbin``, which this package needs, and its older namesake
``casbin``, which others require (fastapi-authz, casbin-sqlalchemy-adapter). Whichever is installed last overwrites the
other's files, and whichever is removed takes them along.
"""

from importlib import import_module, metadata

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


def _version() -> str:
    try:
        return f"=={metadata.version('pycasbin')}"
    except metadata.PackageNotFoundError:
        return ""


check_casbin()
