"""What `module:name` names, imported from the working directory as uvicorn would."""

import importlib
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import ClassVar, Final

from rbac.errors import RbacError

REFERENCE: Final = re.compile(r"[\w.]+:[\w.]+")
"""What such a name looks like."""


class NotImportedError(RbacError):
    """What was named cannot be imported, or is not there."""

    code: ClassVar[str] = "not_imported"


def imported(reference: str) -> object:
    """The object that ``reference`` names, a :data:`REFERENCE`.

    What its module prints meanwhile goes to stderr. Raises NotImportedError, also for one that exits while it is
    imported.
    """
    module_name, _, attribute = reference.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr):
            found: object = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise NotImportedError(f"cannot import `{module_name}`: {type(error).__name__}: {error}") from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise NotImportedError(f"`{module_name}` has no `{attribute}`") from error
    return found
