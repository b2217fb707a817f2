"""Every setting there is: name, shape, default and meaning. docs/settings.md is this as a table.

In its order, one subject after the other, because a default may follow from settings before it: ``service``,
``callers``, ``documents``, and what is left. ``app.config`` reads them from the environment and the env files.
"""

from typing import Any

from pydantic import Field
from pydantic_settings import PydanticBaseSettingsSource

from app.settings import defaults
from app.settings.documents import DocumentFields


class SettingFields(DocumentFields):
    """Every setting, in the order of docs/settings.md. People write its name in upper case."""

    decision_log: str = Field(
        "stdout",
        description="Where decisions are recorded: `stdout`, `off`, or a file, whose directory must exist.",
        examples=["/var/log/sekisho/decisions.jsonl"],
    )
    decision_log_required: bool = Field(
        default=False,
        description="Answers 503 rather than leave a decision unrecorded when the log cannot be written.",
        examples=["true"],
    )
    route_index: bool = Field(
        default=True,
        description="Looks endpoints up by their path instead of asking one after the other.",
        examples=["false"],
    )
    explain_denials: bool = Field(
        default_factory=defaults.in_development,
        description="A 403 names the roles and rules that were missing.",
        examples=["false"],
        json_schema_extra=defaults.says("`true` in development, else `false`"),
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: ``app.config`` reads the layers, and can say where each value came from."""
        return (sources["init_settings"],)
