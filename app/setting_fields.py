"""Every setting there is: name, shape, default and meaning. docs/settings.md is this file as a table.

``app.config`` reads them from the environment and the env files.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app import setting_shapes as shapes
from app.setting_rules import cognito_host

DEFAULT_POLICY_REQUEST = "sub=claims.sub, role=roles, obj=path, act=method"
DEFAULT_PDP_REQUEST = "sub=subject.id, role=subject.properties.role, obj=resource.id, act=action.name"

# The ids that the local Cognito of `make run` makes from the names of its pool and its client.
LOCAL_POOL_ID = "eu-west-1_8efc411db13592c4a8c39ff216099bd4ab3b185549f76"
LOCAL_CLIENT_ID = "364bcba3a0e5de94b1f636ec69"

# Settings of parts that this version does not have. Whoever sets one would believe in it, so the start is refused.
WITHOUT_EFFECT = frozenset(
    {
        "COGNITO_DOMAIN",
        "CONSOLE",
        "OIDC_AUDIENCE",
        "OIDC_ISSUER",
        "OIDC_RESOURCE",
        "REVOCATIONS_FILE",
        "SCOPES",
        "TOKEN_USE",
    }
)

_Names = Annotated[tuple[str, ...], BeforeValidator(shapes.comma_separated)]
_ClientIds = Annotated[_Names, AfterValidator(shapes.client_ids)]
_Endpoint = Annotated[str, AfterValidator(shapes.endpoint_url)]


def _in_development(earlier: dict[str, Any]) -> bool:
    return bool(earlier["environment"] == "development")


def _log_format(earlier: dict[str, Any]) -> Literal["text", "json"]:
    return "text" if _in_development(earlier) else "json"


def _shutdown_delay(earlier: dict[str, Any]) -> int:
    return 0 if _in_development(earlier) else 5


def _region(earlier: dict[str, Any]) -> str:
    match = shapes.POOL_ID.fullmatch(earlier["cognito_user_pool_id"])
    return match["region"] if match else ""


def _pool(earlier: dict[str, Any]) -> str:
    """In development the local Cognito's, until somebody names a pool of their own."""
    local = _in_development(earlier) and earlier["identity_provider"] == "cognito"
    return LOCAL_POOL_ID if local else ""


def _subjects(earlier: dict[str, Any]) -> str:
    return str(earlier["identity_provider"])


def _is_local(earlier: dict[str, Any]) -> bool:
    return _in_development(earlier) and bool(earlier["cognito_user_pool_id"] == LOCAL_POOL_ID)


def _client(earlier: dict[str, Any]) -> tuple[str, ...]:
    return (LOCAL_CLIENT_ID,) if _is_local(earlier) else ()


def _endpoint(earlier: dict[str, Any]) -> str:
    if _is_local(earlier):
        return f"http://127.0.0.1:{earlier['dev_cognito_port']}"
    region = earlier["cognito_region"]
    return f"https://{cognito_host(region)}" if region else ""


def _says(default: str) -> dict[str, Any]:
    """How docs/settings.md words a default that follows from other settings."""
    return {"default": default}


class SettingFields(BaseSettings):
    """Every setting, in the order of docs/settings.md. People write its name in upper case."""

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
        json_schema_extra=_says("none: it must be set"),
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
    forwarded_allow_ips: Annotated[_Names, AfterValidator(shapes.proxies)] = Field(
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
        default_factory=_shutdown_delay,
        ge=0,
        le=300,
        description=(
            "Seconds that a stop goes on answering while `/readyz` says that it is not ready, before the listener closes."
        ),
        examples=["15"],
        json_schema_extra=_says("`0` in development, else `5`"),
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
        default_factory=_log_format,
        description="One readable line a record, or one JSON object a record.",
        examples=["json"],
        json_schema_extra=_says("`text` in development, else `json`"),
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
        "0.1.0", description="Version in `/docs` and `/openapi.json`.", examples=["2.3.0"]
    )
    api_prefix: Annotated[str, AfterValidator(shapes.api_prefix)] = Field(
        "",
        description="Put before the paths of the example endpoints. `policy.csv` sees the whole path.",
        examples=["/api/v1"],
    )

    identity_provider: Literal["cognito", "auth0", "firebase"] = Field(
        "cognito", description="Who issues the tokens.", examples=["auth0"]
    )
    role_claims: Annotated[_Names, AfterValidator(shapes.at_least_one)] = Field(
        ("custom:role",),
        description=(
            "Claims that hold roles. A text claim is one role, unless `:list` behind its name says that it holds several "
            "(`user,admin`, `[user, admin]`); `cognito:groups` is a list of them."
        ),
        examples=["custom:role,cognito:groups"],
    )
    keys_max_age: int = Field(
        86_400,
        ge=600,
        le=604_800,
        description=(
            "Seconds that the issuer's keys are trusted after they were last fetched. Once they are older no token is "
            "verified, remembered ones included: 503."
        ),
        examples=["14400"],
    )
    dev_cognito_port: int = Field(
        9229,
        ge=1,
        le=65535,
        description="Port of the local Cognito that `make run` starts.",
        examples=["9300"],
    )
    cognito_user_pool_id: Annotated[str, AfterValidator(shapes.pool_id)] = Field(
        default_factory=_pool,
        description="The user pool. Needed with `cognito`.",
        examples=["eu-west-1_AbC123xyz"],
        json_schema_extra=_says("in development the local Cognito's, else none"),
    )
    cognito_region: Annotated[str, AfterValidator(shapes.region)] = Field(
        default_factory=_region,
        description="The pool's region. Refused when it is another than the pool id's.",
        examples=["eu-west-1"],
        json_schema_extra=_says("the pool id's"),
    )
    cognito_app_client_id: _ClientIds = Field(
        default_factory=_client,
        description="App clients whose ID tokens are accepted, one or several. Needed with `cognito`.",
        examples=["1h57kf5cpq17m0eml12EXAMPLE"],
        json_schema_extra=_says("the local Cognito's beside its pool, else none"),
    )
    cognito_endpoint_url: _Endpoint = Field(
        default_factory=_endpoint,
        description=(
            "Where the pool's keys come from: a local emulator in development, or another partition of AWS. "
            "Outside development only a Cognito host of AWS in the pool's region, over https."
        ),
        examples=["https://cognito-idp.cn-north-1.amazonaws.com.cn"],
        json_schema_extra=_says(
            "`http://127.0.0.1:{DEV_COGNITO_PORT}` for the local Cognito's pool, else AWS in the pool's region"
        ),
    )
    auth0_domain: Annotated[str, AfterValidator(shapes.host)] = Field(
        "", description="The tenant. Needed with `auth0`.", examples=["example.eu.auth0.com"]
    )
    auth0_client_id: _ClientIds = Field(
        (),
        description="Applications whose ID tokens are accepted, one or several. Needed with `auth0`.",
        examples=["aBcD1234EXAMPLE"],
    )
    firebase_project_id: Annotated[str, AfterValidator(shapes.project_id)] = Field(
        "", description="The project. Needed with `firebase`.", examples=["my-project-1a2b"]
    )

    allowed_origins: Annotated[_Names, AfterValidator(shapes.origins)] = Field(
        (),
        description=(
            "Origins whose pages may call the service from a browser. Named origins may also send cookies and"
            " other credentials of the browser's; `*` may not, and is refused in production."
        ),
        examples=["https://app.example.com,https://admin.example.com"],
    )
    allowed_methods: Annotated[_Names, AfterValidator(shapes.tokens), AfterValidator(shapes.at_least_one)] = (
        Field(
            ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
            description="Methods those pages may use, or `*`.",
            examples=["GET,POST"],
        )
    )
    allowed_headers: Annotated[_Names, AfterValidator(shapes.tokens)] = Field(
        ("Authorization", "Content-Type", "If-None-Match", "X-Request-ID"),
        description="Request headers those pages may send, or `*`.",
        examples=["Authorization,Content-Type"],
    )

    policy_model: Path = Field(
        Path("model.conf"), description="The Casbin model.", examples=["/etc/sekisho/model.conf"]
    )
    policy_file: Path = Field(
        Path("policy.csv"), description="The rules.", examples=["/etc/sekisho/policy.csv"]
    )
    policy_request: Annotated[str, AfterValidator(shapes.request_mapping)] = Field(
        DEFAULT_POLICY_REQUEST,
        description=(
            "How an HTTP request fills the model's words, as `word=source` pairs. Sources: `claims.<name>`, "
            "`roles`, `path`, `method`, `host`, `client_ip`."
        ),
        examples=["sub=claims.sub, dom=claims.custom:tenant, obj=path, act=method"],
    )
    policy_subjects: Annotated[str, AfterValidator(shapes.subjects)] = Field(
        default_factory=_subjects,
        description=(
            "What a person's `sub` looks like: `cognito`, `auth0`, `firebase`, or a regular expression; as `--subjects` of "
            "the command `rbac`, which reads this setting, too."
        ),
        examples=["auth0"],
        json_schema_extra=_says("`IDENTITY_PROVIDER`"),
    )
    policy_functions: Annotated[_Names, AfterValidator(shapes.references)] = Field(
        (),
        description=(
            "Functions of your own that matchers call, as `module:name`: one, or a mapping of names to them; as "
            "`--functions` of the command `rbac`, which reads this setting, too."
        ),
        examples=["policy_functions:FUNCTIONS"],
    )
    policy_tests: Path = Field(
        Path("policy_tests"), description="The policy tests.", examples=["/etc/sekisho/policy_tests"]
    )
    policy_gate: Literal["tests", "lint"] = Field(
        "tests",
        description=(
            "What a document must pass to be used: lint and the policy tests, of which there must be some, or "
            "lint alone (failing tests are then a warning)."
        ),
        examples=["lint"],
    )
    policy_store: Annotated[Literal["file"], BeforeValidator(shapes.policy_store)] = Field(
        "file", description="Where the document lives. This version reads files alone.", examples=["file"]
    )
    policy_cache: Path | None = Field(
        None,
        description=(
            "Directory that keeps the document in force, for workers that start while the files hold one that is "
            "refused, or are missing. Made where it is missing."
        ),
        examples=["/var/lib/sekisho/policy"],
        json_schema_extra=_says("with several workers a temporary one, else none"),
    )
    shadow_policy_file: Path | None = Field(
        None,
        description="Rules decided beside the live ones and only compared.",
        examples=["policy.next.csv"],
    )

    pdp_model: Path | None = Field(
        None,
        description="Model of a document of its own for `/access/v1`.",
        examples=["pdp/model.conf"],
        json_schema_extra=_says("`POLICY_MODEL`"),
    )
    pdp_policy: Path | None = Field(
        None,
        description="Rules of that document. Without it `/access/v1` asks the service's own.",
        examples=["pdp/policy.csv"],
        json_schema_extra=_says("the service's own document"),
    )
    pdp_request: Annotated[str, AfterValidator(shapes.pdp_mapping)] = Field(
        DEFAULT_PDP_REQUEST,
        description=(
            "How an AuthZEN request fills the model's words, as `word=path` pairs. A path leads into "
            "`subject`, `action`, `resource` or `context`."
        ),
        examples=["sub=subject.id, act=action.name, obj=resource.id, owner=resource.properties.ownerID"],
    )
    pdp_entities: Path | None = Field(
        None,
        description="JSON file of subjects, resources and actions, for what an AuthZEN request leaves out.",
        examples=["pdp/entities.json"],
    )
    forward_auth_model: Path = Field(
        Path("forward_auth/model.conf"),
        description="Model of the document about the servers behind a proxy, which `/forward-auth` asks.",
        examples=["/etc/sekisho/servers/model.conf"],
    )
    forward_auth_policy: Path | None = Field(
        None,
        description=(
            "Rules of that document. Where neither is there, `/forward-auth` answers 403 to everything."
        ),
        examples=["/etc/sekisho/servers/policy.csv"],
        json_schema_extra=_says("`PDP_POLICY`, else `policy.csv` beside `FORWARD_AUTH_MODEL`"),
    )
    forward_auth_tests: Path | None = Field(
        None,
        description="Policy tests of that document, for the gate that `POLICY_GATE` names.",
        examples=["/etc/sekisho/servers/policy_tests"],
        json_schema_extra=_says("`policy_tests` beside `FORWARD_AUTH_MODEL`"),
    )
    forward_auth_path_parameters: Literal["deny", "allow"] = Field(
        "deny",
        description=(
            "Path parameters (`/a;v=1/b`) in what a proxy asks about: refused, or let through where the path "
            "is allowed with them and without."
        ),
        examples=["allow"],
    )

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
    explain_denials: bool = Field(
        default_factory=_in_development,
        description="A 403 names the roles and rules that were missing.",
        examples=["false"],
        json_schema_extra=_says("`true` in development, else `false`"),
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: ``app.config`` reads the layers, and can say where each value came from."""
        return (sources["init_settings"],)
