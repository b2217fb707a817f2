"""A text as it has to be written in a file of policy tests; what writes hints does not load YAML for it."""

import json
import re
from typing import Final

# What YAML reads as the same text without quotes, also inside `[…]`.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9/_.~ -]*(?<! )")
_WORDS_OF_YAML: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def yaml_text(value: str) -> str:
    """``value`` as YAML, in quotes where it would be read as something else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return json.dumps(value, ensure_ascii=False)
