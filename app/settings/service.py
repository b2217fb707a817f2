"""The settings of the service itself: where it runs, how it listens and logs, and what it shows."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.settings import defaults
from app.settings import values as shapes


class ServiceFields(BaseSettings):
    """Where the service runs, how it listens and logs, and what it shows."""

    # hide_input_in_errors: a fault must never print what may be a password.
    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    environment: Literal["development", "staging", "production"] = Field(
        description=(
            "Which deployment this is. It chooses the env file and several defaults. Read from the process "
            "environment or `.env`; `make run` sets it."
        ),
        examples=["production"],
        json_schema_extra=defaults.says("none: it must be set"),
    )
    debug: bool = Field(
        default=False,
        description=(
            "Puts details into the answer to an internal error and, in development, serves `/debug/token`. "
            "Refused in production."
        ),
        examples=["true"],
    )

    listen_address: Annotated[str, AfterValidator(shapes.listen_address)] = Field(
        "127.0.0.1",
        description="Address that `python -m app` listens on; `0.0.0.0` for every interface (a container).",
        examples=["0.0.0.0"],
    )
    port: int = Field(
        8000, ge=1, le=65535, description="Port that `python -m app` listens on.", examples=["8080"]
    )
    workers: int = Field(
        1, ge=1, le=256, description="Processes that `python -m app` serves with.", examples=["4"]
    )
    forwarded_allow_ips: Annotated[shapes.CommaSeparated, AfterValidator(shapes.proxies)] = Field(
        ("127.0.0.1",),
        description=(
            "Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: addresses, networks, or "
            "`*`."
        ),
        examples=["10.0.0.0/8"],
    )

    keep_alive: int = Field(
        75,
        ge=1,
        le=3600,
        description=(
            "Seconds that a connection stays open between requests. Longer than a load balancer in front keeps its own: "
            "AWS ALB 60, Google Cloud 600."
        ),
        examples=["620"],
    )
    shutdown_delay: int = Field(
        default_factory=defaults.shutdown_delay,
        ge=0,
        le=300,
        description=(
            "Seconds that a stop goes on answering while `/readyz` says that it is not ready, before the listener closes."
        ),
        examples=["15"],
        json_schema_extra=defaults.says("`0` in development, else `5`"),
    )
    limit_target: int = Field(
        8_192,
        ge=256,
        le=65_536,
        description="Bytes of a request target; longer ones are 414, and so is a path of more than 8 KiB.",
        examples=["4096"],
    )
    limit_head: int = Field(
        65_536,
        ge=8_192,
        le=1_048_576,
        description="Bytes of a request's target and headers together; larger ones are 431.",
        examples=["32768"],
    )
    limit_head_seconds: int = Field(
        10, ge=1, le=300, description="Seconds for a head to come; later is 408.", examples=["5"]
    )
    limit_body: int = Field(
        2_097_152,
        ge=0,
        le=1_073_741_824,
        description="Bytes of a request's body; larger ones are 413. AuthZEN takes at most a mebibyte.",
        examples=["10485760"],
    )
    limit_body_seconds: int = Field(
        30,
        ge=1,
        le=3600,
        description="Seconds for a body to come, or for an answer to be taken; later is 408, or the end.",
        examples=["60"],
    )
    limit_connections: int = Field(
        1000,
        ge=1,
        le=100_000,
        description=(
            "Connections of one worker. One more takes the place of the one that has been idle longest, or is 503 where "
            "none is."
        ),
        examples=["4000"],
    )

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(shapes.upper)
    ] = Field(
        "INFO", description="Least severity that is logged. Access lines are INFO.", examples=["WARNING"]
    )
    log_format: Literal["text", "json"] = Field(
        default_factory=defaults.log_format,
        description="One readable line a record, or one JSON object a record.",
        examples=["json"],
        json_schema_extra=defaults.says("`text` in development, else `json`"),
    )
    log_file: Path | None = Field(
        None,
        description="Also log to this file, rotated at 10 MiB, five old ones kept. Its directory must exist.",
        examples=["/var/log/sekisho/app.log"],
    )

    api_title: str = Field(
        "Sekisho", description="Title in `/docs` and `/openapi.json`.", examples=["Orders"]
    )
    api_version: str = Field(
        "1.0.0", description="Version in `/docs` and `/openapi.json`.", examples=["2.3.0"]
    )
    api_prefix: Annotated[str, AfterValidator(shapes.api_prefix)] = Field(
        "",
        description="Put before the paths of the example endpoints. `policy.csv` sees the whole path.",
        examples=["/api/v1"],
    )
    console: bool = Field(
        default=True,
        description=(
            "Serves the console's page. With `false` there is no `/console`; the policy over HTTP stays, for whom the "
            "policy lets ask."
        ),
        examples=["false"],
    )
