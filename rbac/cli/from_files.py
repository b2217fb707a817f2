"""Settings that the command shares with the service, also from files: ``POLICY_STORE_FILE`` names one that holds
``POLICY_STORE``.

Container platforms mount secrets as files; an environment is seen by more eyes than a file.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import typer

_SUFFIX: Final = "_FILE"
_LARGEST: Final = 64 * 1024


def setting(name: str) -> str:
    """What the variable says, or the file that ``NAME_FILE`` names; "" where neither does.

    Raises typer.BadParameter for a file that cannot be used, and where both are set.
    """
    said = os.environ.get(name, "").strip()
    path = os.environ.get(name + _SUFFIX, "").strip()
    if not path:
        return said
    if said:
        raise typer.BadParameter(
            f"cannot stand beside {name} itself; keep one of the two", param_hint=name + _SUFFIX
        )
    return _text(Path(path), name + _SUFFIX)


def settings_from_files(parameters: Iterable[Any]) -> dict[str, Any]:
    """What files say of these parameters, by the parameter's name. Raises as :func:`setting`."""
    found: dict[str, Any] = {}
    for parameter in parameters:
        variable = parameter.envvar
        if isinstance(variable, str) and os.environ.get(variable + _SUFFIX, "").strip():
            text = setting(variable)
            found[parameter.name] = [text] if parameter.multiple else text
    return found


def _text(path: Path, variable: str) -> str:
    """The text of a file that holds one value; nothing of it is ever repeated."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            return content.decode("utf-8-sig").strip()
        reason = "it is larger than 64 KiB"
    except OSError as error:
        reason = error.strerror or str(error)
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    raise typer.BadParameter(f"names a file that cannot be used: {reason}", param_hint=variable)
