"""The settings about callers: who vouches for them, whose tokens are accepted, and which pages may call."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.settings import defaults
from app.settings import values as shapes
from app.settings.service import ServiceFields


class CallerFields(ServiceFields):
    """Who vouches for callers, whose tokens are accepted, and which pages may call."""

    identity_provider: Literal["cognito", "auth0", "firebase", "oidc"] = Field(
        "cognito", description="Who issues the tokens.", examples=["auth0"]
    )
    oidc_resource: Annotated[str, AfterValidator(shapes.resource)] = Field(
        "",
        description=(
            "Whom access tokens must be bound to: their `aud`. Needed for those of `auth0` and `oidc`; those of `cognito` "
            "have none unless clients ask for it (RFC 8707). As an https URL it is published (RFC 9728)."
        ),
        examples=["https://api.example.com"],
    )
    scopes: Literal["ignored", "required"] = Field(
        "ignored",
        description=(
            "Whether a person's access token is allowed only what the client's own words (`client:<id>`, `scope:<name>`) "
            "allow, too."
        ),
        examples=["required"],
    )
    role_claims: Annotated[shapes.CommaSeparated, AfterValidator(shapes.at_least_one)] = Field(
        ("custom:role",),
        description=(
            "Claims that hold roles. A text claim is one role, unless `:list` behind its name says that it holds several "
            "(`user,admin`, `[user, admin]`); `cognito:groups` is a list of them. Where no claim has the whole name, dots "
            "lead into objects (`realm_access.roles`); `\\.` is a dot of a name."
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
        default_factory=defaults.pool,
        description="The user pool. Needed with `cognito`.",
        examples=["eu-west-1_AbC123xyz"],
        json_schema_extra=defaults.says("in development the local Cognito's, else none"),
    )
    token_use: Literal["id", "access", "both"] = Field(
        default_factory=defaults.token_use,
        description=(
            "Which tokens are accepted: `id`, a person's ID token; `access`, access tokens, also of programs; or `both`. "
            "[access-tokens.md](access-tokens.md) says what access tokens bring."
        ),
        examples=["both"],
        json_schema_extra=defaults.says("`both` for the local Cognito's pool, else `id`"),
    )
    cognito_region: Annotated[str, AfterValidator(shapes.region)] = Field(
        default_factory=defaults.region,
        description="The pool's region. Refused when it is another than the pool id's.",
        examples=["eu-west-1"],
        json_schema_extra=defaults.says("the pool id's"),
    )
    cognito_app_client_id: shapes.ClientIds = Field(
        default_factory=defaults.client,
        description="App clients whose tokens are accepted, one or several. Needed with `cognito`.",
        examples=["1h57kf5cpq17m0eml12EXAMPLE"],
        json_schema_extra=defaults.says("the local Cognito's beside its pool, else none"),
    )
    cognito_endpoint_url: Annotated[str, AfterValidator(shapes.endpoint_url)] = Field(
        default_factory=defaults.endpoint,
        description=(
            "Where the pool's keys come from: a local emulator in development, or another partition of AWS. "
            "Outside development only a Cognito host of AWS in the pool's region, over https."
        ),
        examples=["https://cognito-idp.cn-north-1.amazonaws.com.cn"],
        json_schema_extra=defaults.says(
            "`http://127.0.0.1:{DEV_COGNITO_PORT}` for the local Cognito's pool, else AWS in the pool's region"
        ),
    )
    cognito_domain: Annotated[str, AfterValidator(shapes.host)] = Field(
        "",
        description=(
            "Host of the pool's hosted UI, where the console signs in. Without it, and without `auth0`, a token is pasted "
            "there."
        ),
        examples=["example.auth.eu-west-1.amazoncognito.com"],
    )
    auth0_domain: Annotated[str, AfterValidator(shapes.host)] = Field(
        "", description="The tenant. Needed with `auth0`.", examples=["example.eu.auth0.com"]
    )
    auth0_client_id: shapes.ClientIds = Field(
        (),
        description="Applications whose ID tokens are accepted, one or several. Needed with `auth0`.",
        examples=["aBcD1234EXAMPLE"],
    )
    firebase_project_id: Annotated[str, AfterValidator(shapes.project_id)] = Field(
        "", description="The project. Needed with `firebase`.", examples=["my-project-1a2b"]
    )
    oidc_issuer: Annotated[str, AfterValidator(shapes.issuer)] = Field(
        "",
        description=(
            "The OpenID provider: what `iss` in its tokens is, to the letter. Where its keys are is read in its discovery "
            "document. Needed with `oidc`; https, but for `http` on this machine in development."
        ),
        examples=["https://id.example.com/realms/shop"],
    )
    oidc_audience: Annotated[shapes.CommaSeparated, AfterValidator(shapes.audiences)] = Field(
        (),
        description="Client ids whose ID tokens are accepted, one or several. Needed with `oidc`.",
        examples=["shop-web"],
    )

    allowed_origins: Annotated[shapes.CommaSeparated, AfterValidator(shapes.origins)] = Field(
        (),
        description=(
            "Origins whose pages may call the service from a browser. Named origins may also send cookies and"
            " other credentials of the browser's; `*` may not, and is refused in production."
        ),
        examples=["https://app.example.com,https://admin.example.com"],
    )
    allowed_methods: Annotated[
        shapes.CommaSeparated, AfterValidator(shapes.tokens), AfterValidator(shapes.at_least_one)
    ] = Field(
        ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        description="Methods those pages may use, or `*`.",
        examples=["GET,POST"],
    )
    allowed_headers: Annotated[shapes.CommaSeparated, AfterValidator(shapes.tokens)] = Field(
        ("Authorization", "Content-Type", "If-None-Match", "X-Request-ID"),
        description="Request headers those pages may send, or `*`.",
        examples=["Authorization,Content-Type"],
    )
