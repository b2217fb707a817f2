"""The settings about documents: what decides about the service's own requests, and about those of other programs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from app.settings import defaults
from app.settings import values as shapes
from app.settings.callers import CallerFields


class DocumentFields(CallerFields):
    """What decides about the service's own requests, and about those of other programs."""

    policy_model: Path = Field(
        Path("model.conf"), description="The Casbin model.", examples=["/etc/sekisho/model.conf"]
    )
    policy_file: Path = Field(
        Path("policy.csv"), description="The rules.", examples=["/etc/sekisho/policy.csv"]
    )
    policy_request: Annotated[str, AfterValidator(shapes.request_mapping)] = Field(
        defaults.POLICY_REQUEST,
        description=(
            "How an HTTP request fills the model's words, as `word=source` pairs. Sources: `claims.<name>`, "
            "`roles`, `path`, `method`, `host`, `client_ip`."
        ),
        examples=["sub=claims.sub, dom=claims.custom:tenant, obj=path, act=method"],
    )
    policy_subjects: Annotated[str, AfterValidator(shapes.subjects)] = Field(
        default_factory=defaults.subjects,
        description=(
            "What a person's `sub` looks like: `cognito`, `auth0`, `firebase`, `oidc`, or a regular expression; as "
            "`--subjects` of the command `rbac`, which reads this setting, too."
        ),
        examples=["auth0"],
        json_schema_extra=defaults.says("`IDENTITY_PROVIDER`"),
    )
    policy_functions: Annotated[shapes.CommaSeparated, AfterValidator(shapes.references)] = Field(
        (),
        description=(
            "Functions of your own that matchers call, as `module:name`: one, or a mapping of names to them; as "
            "`--functions` of the command `rbac`, which reads this setting, too."
        ),
        examples=["policy_functions:FUNCTIONS"],
    )
    policy_tests: Path = Field(
        Path("policy_tests"),
        description="The policy tests; `rbac test` and `rbac check` read this setting, too.",
        examples=["/etc/sekisho/policy_tests"],
    )
    policy_gate: Literal["tests", "lint"] = Field(
        "tests",
        description=(
            "What a document must pass to be used: lint and the policy tests, of which there must be some, or "
            "lint alone (failing tests are then a warning)."
        ),
        examples=["lint"],
    )
    policy_store: Annotated[SecretStr, AfterValidator(shapes.policy_store)] = Field(
        SecretStr("file"),
        description=(
            "Where the document lives: in the files above, or in PostgreSQL, whose newest version is then model, rules and "
            "policy tests in their place (docs/store.md). Keep a password out of it: `PGPASSWORD`, or a password file."
        ),
        examples=["postgresql://gatekeeper@db.example.com/sekisho?sslmode=verify-full"],
    )
    policy_store_name: Annotated[str, AfterValidator(shapes.store_name)] = Field(
        "policy", description="Which document of those in the database.", examples=["orders"]
    )
    policy_publish_store: Annotated[SecretStr, AfterValidator(shapes.publish_store)] = Field(
        SecretStr(""),
        description=(
            "The same database by a role that may publish (`rbac migrate --console`), for those whom the policy lets "
            "publish in the console. Without it nobody publishes through the service."
        ),
        examples=["postgresql://console@db.example.com/sekisho?sslmode=verify-full"],
    )
    policy_cache: Path | None = Field(
        None,
        description=(
            "Directory that keeps the document in force, for workers that start while the store holds one that is "
            "refused, or is out of reach. Made where it is missing."
        ),
        examples=["/var/lib/sekisho/policy"],
        json_schema_extra=defaults.says("with several workers a temporary one, else none"),
    )
    revocations_file: Path = Field(
        Path("revocations.csv"),
        description=(
            "Who was sent away, and since when: tokens that were issued before are 401. It must be there, with comments "
            "alone where nobody is; `rbac revoke` writes it and reads this setting, too. With a database in `POLICY_STORE` "
            "they are rows there, and this file must hold none."
        ),
        examples=["/etc/sekisho/revocations.csv"],
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
        json_schema_extra=defaults.says("`POLICY_MODEL`"),
    )
    pdp_policy: Path | None = Field(
        None,
        description="Rules of that document. Without it `/access/v1` asks the service's own.",
        examples=["pdp/policy.csv"],
        json_schema_extra=defaults.says("the service's own document"),
    )
    pdp_request: Annotated[str, AfterValidator(shapes.pdp_mapping)] = Field(
        defaults.PDP_REQUEST,
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
        json_schema_extra=defaults.says("`PDP_POLICY`, else `policy.csv` beside `FORWARD_AUTH_MODEL`"),
    )
    forward_auth_tests: Path | None = Field(
        None,
        description="Policy tests of that document, for the gate that `POLICY_GATE` names.",
        examples=["/etc/sekisho/servers/policy_tests"],
        json_schema_extra=defaults.says("`policy_tests` beside `FORWARD_AUTH_MODEL`"),
    )
    forward_auth_path_parameters: Literal["deny", "allow"] = Field(
        "deny",
        description=(
            "Path parameters (`/a;v=1/b`) in what a proxy asks about: refused, or let through where the path "
            "is allowed with them and without."
        ),
        examples=["allow"],
    )
