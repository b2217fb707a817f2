"""Which of the service's two languages a caller reads: English, or Japanese where ``Accept-Language`` prefers it."""

from typing import Literal

Language = Literal["en", "ja"]

_LONGEST_HEADER = 1000


def preferred_language(accept_language: str) -> Language:
    """The language that an ``Accept-Language`` header (RFC 9110, section 12.5.4) asks for; English in any doubt."""
    if not accept_language:
        return "en"
    best: dict[str, float] = {"en": 0.0, "ja": 0.0}
    wildcard = 0.0
    for part in accept_language[:_LONGEST_HEADER].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        primary = tag.strip().lower().split("-")[0]
        if primary in best:
            best[primary] = max(best[primary], weight)
        elif primary == "*":
            wildcard = weight
    return "ja" if best["ja"] > max(best["en"], wildcard) else "en"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0
