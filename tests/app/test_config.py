"""Settings that are wrong are refused with every fault at once, and never with a secret."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import Settings, SettingsError, Surface, load_settings, load_surface

ROOT = Path(__file__).parents[2]
POOL = {"COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz", "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12example"}
PRODUCTION = {**POOL, "ENVIRONMENT": "production"}
STAGING = {**POOL, "ENVIRONMENT": "staging"}
DEVELOPMENT = {**POOL, "ENVIRONMENT": "development"}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A directory with all the files that the defaults name."""
    (tmp_path / "model.conf").touch()
    (tmp_path / "policy.csv").touch()
    (tmp_path / "revocations.csv").touch()
    (tmp_path / "policy_tests").mkdir()
    return tmp_path


def faults(house: Path, environ: Mapping[str, str]) -> list[str]:
    try:
        load_settings(house, environ)
    except SettingsError as error:
        return error.faults
    return []


# One fault each: the environment it happens in, what is set, the setting that is named, words of the message.
FAULTS: list[tuple[dict[str, str], dict[str, str], str, str]] = [
    (
        POOL,
        {"ENVIRONMENT": ""},
        "ENVIRONMENT",
        "is missing; set it to `development`, `staging` or `production`",
    ),
    (POOL, {"ENVIRONMENT": "prod"}, "ENVIRONMENT", "one of `development`, `staging` or `production`"),
    (DEVELOPMENT, {"DEBUG": "maybe"}, "DEBUG", "`true` or `false`"),
    (PRODUCTION, {"DEBUG": "true"}, "DEBUG", "`false` in production"),
    (PRODUCTION, {"OIDC_ISSUER": "https://id.example.com"}, "OIDC_ISSUER", "set that to `oidc`"),
    (PRODUCTION, {"OIDC_AUDIENCE": "shop"}, "OIDC_AUDIENCE", "while IDENTITY_PROVIDER is `cognito`"),
    (PRODUCTION, {"AUTH0_DOMAIN": "example.eu.auth0.com"}, "AUTH0_DOMAIN", "set that to `auth0`"),
    (PRODUCTION, {"AUTH0_CLIENT_ID": "abc"}, "AUTH0_CLIENT_ID", "set that to `auth0`"),
    (PRODUCTION, {"FIREBASE_PROJECT_ID": "my-project"}, "FIREBASE_PROJECT_ID", "set that to `firebase`"),
    (PRODUCTION, {"SCOPE": "required"}, "SCOPE", "did you mean `SCOPES`?"),
    (PRODUCTION, {"LISTEN_ADDRESS": "gateway.example.com"}, "LISTEN_ADDRESS", "an IP address"),
    (PRODUCTION, {"PORT": "0"}, "PORT", "at least 1"),
    (PRODUCTION, {"PORT": "65536"}, "PORT", "at most 65535"),
    (PRODUCTION, {"PORT": "http"}, "PORT", "a whole number"),
    (DEVELOPMENT, {"DEV_COGNITO_PORT": "92290"}, "DEV_COGNITO_PORT", "at most 65535"),
    (PRODUCTION, {"WORKERS": "0"}, "WORKERS", "at least 1"),
    (PRODUCTION, {"WORKERS": "1.5"}, "WORKERS", "a whole number"),
    (PRODUCTION, {"FORWARDED_ALLOW_IPS": "10.0.0.1/8"}, "FORWARDED_ALLOW_IPS", "addresses or networks"),
    (
        PRODUCTION,
        {"FORWARDED_ALLOW_IPS": "*", "POLICY_REQUEST": "sub=claims.sub, obj=path, ip=client_ip"},
        "FORWARDED_ALLOW_IPS",
        "must name the proxies",
    ),
    *(
        (
            PRODUCTION,
            {"FORWARDED_ALLOW_IPS": proxies, "POLICY_REQUEST": "sub=claims.sub, obj=path, ip=client_ip"},
            "FORWARDED_ALLOW_IPS",
            "must name the proxies",
        )
        for proxies in (
            "0.0.0.0/0",
            "::/0",
            "127.0.0.1,::/0",
            "0.0.0.0/1,128.0.0.0/1",
            "64.0.0.0/4",
            "::/1,8000::/1",
            "10.0.0.0/8,*",
        )
    ),
    (PRODUCTION, {"LOG_LEVEL": "verbose"}, "LOG_LEVEL", "one of `DEBUG`"),
    (PRODUCTION, {"LOG_FORMAT": "xml"}, "LOG_FORMAT", "one of `text` or `json`"),
    (PRODUCTION, {"LOG_FILE": "missing/app.log"}, "LOG_FILE", "there is no directory"),
    (PRODUCTION, {"LOG_FILE": "policy_tests"}, "LOG_FILE", "is a directory"),
    (PRODUCTION, {"LOG_FILE": "policy.csv/app.log"}, "LOG_FILE", "there is no directory"),
    (PRODUCTION, {"LOG_FILE": "/proc/app.log"}, "LOG_FILE", "cannot be written: `/proc/app.log`"),
    (PRODUCTION, {"API_PREFIX": "api"}, "API_PREFIX", "must start with `/`"),
    (PRODUCTION, {"API_PREFIX": "/api/"}, "API_PREFIX", "must not end with one"),
    (PRODUCTION, {"API_PREFIX": "/{tenant}"}, "API_PREFIX", "holds only letters"),
    (PRODUCTION, {"API_PREFIX": "/a/../b"}, "API_PREFIX", "holds only letters"),
    (PRODUCTION, {"IDENTITY_PROVIDER": "okta"}, "IDENTITY_PROVIDER", "one of `cognito`"),
    (PRODUCTION, {"ROLE_CLAIMS": " , "}, "ROLE_CLAIMS", "at least one"),
    (PRODUCTION, {"COGNITO_USER_POOL_ID": ""}, "COGNITO_USER_POOL_ID", "is missing"),
    (PRODUCTION, {"COGNITO_USER_POOL_ID": "eu-west-1"}, "COGNITO_USER_POOL_ID", "not a user pool id"),
    (PRODUCTION, {"COGNITO_USER_POOL_ID": "eu-west-1_a/../b"}, "COGNITO_USER_POOL_ID", "not a user pool id"),
    (PRODUCTION, {"COGNITO_USER_POOL_ID": "<user pool id>"}, "COGNITO_USER_POOL_ID", "not a user pool id"),
    (PRODUCTION, {"COGNITO_REGION": "ireland"}, "COGNITO_REGION", "not an AWS region"),
    (PRODUCTION, {"COGNITO_REGION": "us-east-1"}, "COGNITO_REGION", "which is in `eu-west-1`"),
    (PRODUCTION, {"COGNITO_APP_CLIENT_ID": ""}, "COGNITO_APP_CLIENT_ID", "is missing"),
    (PRODUCTION, {"COGNITO_APP_CLIENT_ID": "one two"}, "COGNITO_APP_CLIENT_ID", "app client ids"),
    (PRODUCTION, {"COGNITO_APP_CLIENT_ID": "eu-west-1_AbC123xyz"}, "COGNITO_APP_CLIENT_ID", "app client ids"),
    (DEVELOPMENT, {"COGNITO_ENDPOINT_URL": "127.0.0.1:9229"}, "COGNITO_ENDPOINT_URL", "not a base address"),
    (DEVELOPMENT, {"COGNITO_ENDPOINT_URL": "http://h:port"}, "COGNITO_ENDPOINT_URL", "not a base address"),
    (
        DEVELOPMENT,
        {"COGNITO_ENDPOINT_URL": "http://h/jwks.json"},
        "COGNITO_ENDPOINT_URL",
        "not a base address",
    ),
    (STAGING, {"COGNITO_ENDPOINT_URL": "http://127.0.0.1:9229"}, "COGNITO_ENDPOINT_URL", "must be https"),
    (
        PRODUCTION,
        {"COGNITO_ENDPOINT_URL": "http://cognito-idp.eu-west-1.amazonaws.com"},
        "COGNITO_ENDPOINT_URL",
        "must be https",
    ),
    (
        PRODUCTION,
        {"COGNITO_ENDPOINT_URL": "https://keys.example.com"},
        "COGNITO_ENDPOINT_URL",
        "Cognito itself",
    ),
    (
        PRODUCTION,
        {"COGNITO_ENDPOINT_URL": "https://cognito-idp.eu-west-1.amazonaws.com.evil.example"},
        "COGNITO_ENDPOINT_URL",
        "Cognito itself",
    ),
    (
        PRODUCTION,
        {"COGNITO_ENDPOINT_URL": "https://cognito-idp.us-east-1.amazonaws.com"},
        "COGNITO_ENDPOINT_URL",
        "https://cognito-idp.eu-west-1.amazonaws.com",
    ),
    (
        PRODUCTION,
        {"IDENTITY_PROVIDER": "auth0", "AUTH0_CLIENT_ID": "abc"},
        "AUTH0_DOMAIN",
        "is missing",
    ),
    (
        PRODUCTION,
        {"IDENTITY_PROVIDER": "auth0", "AUTH0_DOMAIN": "t.eu.auth0.com"},
        "AUTH0_CLIENT_ID",
        "is missing",
    ),
    (PRODUCTION, {"AUTH0_DOMAIN": "https://t.eu.auth0.com/"}, "AUTH0_DOMAIN", "without `https://`"),
    (PRODUCTION, {"IDENTITY_PROVIDER": "firebase"}, "FIREBASE_PROJECT_ID", "is missing"),
    (PRODUCTION, {"FIREBASE_PROJECT_ID": "My Project"}, "FIREBASE_PROJECT_ID", "not a Firebase project id"),
    (PRODUCTION, {"IDENTITY_PROVIDER": "oidc", "OIDC_AUDIENCE": "shop"}, "OIDC_ISSUER", "is missing"),
    (
        PRODUCTION,
        {"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": "https://a.example"},
        "OIDC_AUDIENCE",
        "is missing",
    ),
    (PRODUCTION, {"OIDC_ISSUER": "id.example.com"}, "OIDC_ISSUER", "is not an issuer"),
    (PRODUCTION, {"OIDC_ISSUER": "http://id.example.com"}, "OIDC_ISSUER", "is not an issuer"),
    (PRODUCTION, {"OIDC_ISSUER": "https://id.example.com/?realm=x"}, "OIDC_ISSUER", "is not an issuer"),
    (
        PRODUCTION,
        {
            "IDENTITY_PROVIDER": "oidc",
            "OIDC_AUDIENCE": "shop",
            "OIDC_ISSUER": "http://127.0.0.1:8080/realms/shop",
        },
        "OIDC_ISSUER",
        "https outside development",
    ),
    (PRODUCTION, {"OIDC_AUDIENCE": "a b"}, "OIDC_AUDIENCE", "not a list of client ids"),
    (PRODUCTION, {"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS", "must name the origins in production"),
    (PRODUCTION, {"ALLOWED_ORIGINS": "https://a.example,*"}, "ALLOWED_ORIGINS", "must name the origins"),
    (PRODUCTION, {"ALLOWED_ORIGINS": "https://a.example/"}, "ALLOWED_ORIGINS", "without a closing slash"),
    (PRODUCTION, {"ALLOWED_ORIGINS": "a.example"}, "ALLOWED_ORIGINS", "an origin is"),
    (PRODUCTION, {"ALLOWED_METHODS": "GET POST"}, "ALLOWED_METHODS", "comma-separated"),
    (PRODUCTION, {"ALLOWED_HEADERS": "X-A: b"}, "ALLOWED_HEADERS", "comma-separated"),
    (PRODUCTION, {"POLICY_MODEL": "none.conf"}, "POLICY_MODEL", "No such file"),
    (PRODUCTION, {"POLICY_FILE": "policy_tests"}, "POLICY_FILE", "Is a directory"),
    (PRODUCTION, {"POLICY_TESTS": "none"}, "POLICY_TESTS", "set POLICY_GATE=lint"),
    (PRODUCTION, {"POLICY_GATE": "off"}, "POLICY_GATE", "one of `tests` or `lint`"),
    (
        PRODUCTION,
        {"POLICY_SUBJECTS": "("},
        "POLICY_SUBJECTS",
        "neither `cognito`, `auth0`, `firebase`, `oidc` nor",
    ),
    (PRODUCTION, {"POLICY_FUNCTIONS": "ours"}, "POLICY_FUNCTIONS", "not a list of `module:name`"),
    (PRODUCTION, {"POLICY_REQUEST": "sub"}, "POLICY_REQUEST", "`word=source` pairs"),
    (PRODUCTION, {"POLICY_REQUEST": "sub=claims.sub,,obj=path"}, "POLICY_REQUEST", "`word=source` pairs"),
    (PRODUCTION, {"POLICY_REQUEST": "a b=path"}, "POLICY_REQUEST", "`word=source` pairs"),
    (PRODUCTION, {"POLICY_REQUEST": "obj=path, obj=host"}, "POLICY_REQUEST", "the word `obj` twice"),
    (PRODUCTION, {"POLICY_REQUEST": "obj=url"}, "POLICY_REQUEST", "`obj` from something unknown"),
    (PRODUCTION, {"POLICY_REQUEST": "sub=claims."}, "POLICY_REQUEST", "`sub` from something unknown"),
    (PRODUCTION, {"POLICY_STORE": "mysql://db/x"}, "POLICY_STORE", "must be `file`"),
    (PRODUCTION, {"POLICY_STORE": "postgresql://u:p@q@h/x"}, "POLICY_STORE", "no host that can be one"),
    (PRODUCTION, {"POLICY_PUBLISH_STORE": "file"}, "POLICY_PUBLISH_STORE", "must be `postgresql://"),
    (
        PRODUCTION,
        {"POLICY_PUBLISH_STORE": "postgresql://c@h/x"},
        "POLICY_PUBLISH_STORE",
        "while POLICY_STORE",
    ),
    (
        PRODUCTION | {"POLICY_STORE": "postgresql://reader@h/x"},
        {"POLICY_PUBLISH_STORE": "postgresql://reader@h/x"},
        "POLICY_PUBLISH_STORE",
        "another role than POLICY_STORE",
    ),
    (PRODUCTION, {"CONSOLE": "perhaps"}, "CONSOLE", "must be `true` or `false`"),
    (PRODUCTION, {"POLICY_STORE_NAME": "Not one"}, "POLICY_STORE_NAME", "lower-case letters"),
    (PRODUCTION, {"DECISION_LOG_REQUIRD": "true"}, "DECISION_LOG_REQUIRD", "`DECISION_LOG_REQUIRED`"),
    (PRODUCTION, {"policy_gate": "tests"}, "policy_gate", "did you mean `POLICY_GATE`"),
    (PRODUCTION, {"EXPLAIN_DENIAL": "false"}, "EXPLAIN_DENIAL", "did you mean `EXPLAIN_DENIALS`"),
    (PRODUCTION, {"PORT_FILE": "none"}, "PORT_FILE", "cannot be used: No such file"),
    (PRODUCTION, {"PORT_FILE": "policy_tests"}, "PORT_FILE", "cannot be used: Is a directory"),
    (PRODUCTION, {"PORT_FILE": "policy.csv", "PORT": "1"}, "PORT_FILE", "beside PORT itself"),
    (PRODUCTION, {"POLICY_CACHE": "missing/policy"}, "POLICY_CACHE", "there is no directory"),
    (PRODUCTION, {"PDP_MODEL": "model.conf"}, "PDP_MODEL", "needs PDP_POLICY"),
    (PRODUCTION, {"PDP_POLICY": "none.csv"}, "PDP_POLICY", "No such file"),
    (PRODUCTION, {"PDP_MODEL": "none.conf", "PDP_POLICY": "policy.csv"}, "PDP_MODEL", "No such file"),
    (PRODUCTION, {"PDP_ENTITIES": "none.json"}, "PDP_ENTITIES", "No such file"),
    (PRODUCTION, {"PDP_REQUEST": "sub=claims.sub"}, "PDP_REQUEST", "a dotted path"),
    (PRODUCTION, {"PDP_REQUEST": "sub=subject"}, "PDP_REQUEST", "a dotted path"),
    (PRODUCTION, {"PDP_REQUEST": "sub=subject..id"}, "PDP_REQUEST", "a dotted path"),
    (PRODUCTION, {"DECISION_LOG": "/proc/decisions.jsonl"}, "DECISION_LOG", "cannot be written"),
    (PRODUCTION, {"DECISION_LOG": "missing/decisions.jsonl"}, "DECISION_LOG", "there is no directory"),
    (
        PRODUCTION,
        {"DECISION_LOG": "off", "DECISION_LOG_REQUIRED": "true"},
        "DECISION_LOG_REQUIRED",
        "while DECISION_LOG is `off`",
    ),
    (
        PRODUCTION,
        {"DECISION_LOG": "a.log", "LOG_FILE": "a.log"},
        "DECISION_LOG",
        "another file than LOG_FILE",
    ),
    (PRODUCTION, {"EXPLAIN_DENIALS": "perhaps"}, "EXPLAIN_DENIALS", "`true` or `false`"),
    (PRODUCTION, {"POLICY_FILE": "policy\x1b[2Jcsv"}, "POLICY_FILE", "control character"),
]


@pytest.mark.parametrize(("base", "wrong", "setting", "words"), FAULTS, ids=[str(row[1]) for row in FAULTS])
def test_a_wrong_setting_is_one_fault_that_names_it_and_says_what_to_do(
    house: Path, base: dict[str, str], wrong: dict[str, str], setting: str, words: str
) -> None:
    found = faults(house, base | wrong)
    assert len(found) == 1
    origin = "environment" if wrong.get(setting) else "not set"
    if "COGNITO" in setting and not wrong.get(setting):
        origin = "environment"  # it is there, and empty
    assert found[0].startswith(f"{setting} ({origin}): ")
    assert words in found[0]


def test_every_fault_is_told_at_once_in_the_order_of_the_settings(house: Path) -> None:
    (house / ".env.production").write_text("PORT=eighty\nLOG_FIEL=x\nDEBUG=true\nDEBUG=false\n")
    wrong = {
        "ENVIRONMENT": "production",
        "COGNITO_USER_POOL_ID": "eu-west-1_a",
        "COGNITO_REGION": "us-east-1",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(
            house, wrong | {"ALLOWED_ORIGINS": "*", "POLICY_GATE": "none", "POLICY_FILE": "none.csv"}
        )
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "LOG_FIEL (.env.production line 2)",
        "DEBUG (.env.production line 4)",
        "PORT (.env.production line 1)",
        "COGNITO_REGION (environment)",
        "COGNITO_APP_CLIENT_ID (not set)",
        "ALLOWED_ORIGINS (environment)",
        "POLICY_FILE (environment)",
        "POLICY_GATE (environment)",
    ]
    lines = str(caught.value).splitlines()
    assert lines[0] == "cannot start: 8 settings are wrong"
    assert [line.strip() for line in lines[1:-1]] == caught.value.faults


@pytest.mark.parametrize(
    "wrong",
    [
        {"POLICY_STORE": "postgresql://u:hunter2@h:hunter2/x"},
        {"POLICY_STORE": "hunter2"},
        {"POLICY_STORE": "postgresql://u:hunter2\x07@h/x"},
        {"COGNITO_ENDPOINT_URL": "http://u:hunter2@127.0.0.1:9229"},
        {"ALLOWED_ORIGINS": "https://u:hunter2@a.example"},
    ],
)
def test_no_message_holds_a_password(house: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(house, DEVELOPMENT | wrong)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(str(part) for part in (caught.value.__cause__, caught.value.faults))


def test_without_an_environment_nothing_starts_and_every_other_fault_is_told_too(house: Path) -> None:
    (house / ".env.development").write_text("POLICY_GATE=lint\nDEBUG=true\n")
    told = faults(house, {**POOL, "PORT": "x"})
    assert [fault.split(":")[0] for fault in told] == ["ENVIRONMENT (not set)", "PORT (environment)"]


@pytest.mark.parametrize("log", ["DECISION_LOG", "LOG_FILE"])
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("policy.csv", "another file than POLICY_FILE"),
        ("model.conf", "another file than POLICY_MODEL"),
        ("policy_tests/log.yaml", "another file than POLICY_TESTS"),
        ("./policy_tests/../policy.csv", "another file than POLICY_FILE"),
        ("hard", "another file than POLICY_FILE"),
        ("soft", "another file than POLICY_FILE"),
        ("entities.json", "another file than PDP_ENTITIES"),
        ("forward_auth/model.conf", "another file than FORWARD_AUTH_MODEL"),
        ("forward_auth/policy.csv", "another file than FORWARD_AUTH_POLICY"),
        ("forward_auth/policy_tests/log.yaml", "another file than FORWARD_AUTH_TESTS"),
        ("elsewhere", "a link to another file"),
        ("dangling", "a link to another file"),
    ],
)
def test_no_log_is_written_into_what_is_read_or_through_a_link(
    house: Path, log: str, target: str, words: str
) -> None:
    (house / "hard").hardlink_to(house / "policy.csv")
    (house / "soft").symlink_to("policy.csv")
    (house / "other.log").touch()
    (house / "entities.json").touch()
    (house / "forward_auth" / "policy_tests").mkdir(parents=True, exist_ok=True)
    (house / "forward_auth" / "model.conf").touch()
    (house / "forward_auth" / "policy.csv").touch()
    (house / "elsewhere").symlink_to("other.log")
    (house / "dangling").symlink_to("nowhere.log")
    told = faults(house, PRODUCTION | {"PDP_ENTITIES": "entities.json", log: target})
    assert any(fault.startswith(f"{log} (environment): ") and words in fault for fault in told)


@pytest.mark.parametrize("other", ["a.log", "./a.log", "policy_tests/../a.log", "hard"])
@pytest.mark.parametrize("there", [False, True], ids=["new", "there already"])
def test_the_two_logs_are_two_files_however_they_are_spelled(house: Path, other: str, there: bool) -> None:
    if there or other == "hard":
        (house / "a.log").touch()
        (house / "hard").hardlink_to(house / "a.log")
    told = faults(house, PRODUCTION | {"DECISION_LOG": "a.log", "LOG_FILE": other})
    assert [fault for fault in told if "another file than LOG_FILE" in fault] == told != []


@pytest.mark.parametrize("log", ["link", "/dev/stderr"])
def test_a_log_may_be_a_link_to_a_device(house: Path, log: str) -> None:
    (house / "link").symlink_to("/dev/null")
    assert faults(house, PRODUCTION | {"DECISION_LOG": log}) == []


@pytest.mark.parametrize("name", ["PATH", "HOSTNAME", "WORKER", "PORTS", "http_proxy", "POLICY_SERVICE_HOST"])
def test_what_is_likely_somebody_elses_is_left_alone(house: Path, name: str) -> None:
    assert faults(house, PRODUCTION | {name: "x"}) == []


def test_settings_made_directly_may_not_contradict_each_other_either() -> None:
    with pytest.raises(ValidationError, match="DEBUG must be `false` in production"):
        Settings(
            environment="production",
            debug=True,
            cognito_user_pool_id="eu-west-1_a",
            cognito_app_client_id=("a",),
        )


def test_settings_cannot_be_changed(house: Path) -> None:
    settings = load_settings(house, PRODUCTION)
    with pytest.raises(ValidationError, match="frozen"):
        settings.debug = True  # type: ignore[misc] # that it is refused is the point


VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_the_version_is_the_packages() -> None:
    assert Settings.model_fields["api_version"].default == VERSION


SURFACES: list[tuple[dict[str, str], Surface]] = [
    ({}, Surface("development", False, "Sekisho", VERSION, "", True)),
    (
        {"ENVIRONMENT": "staging", "API_PREFIX": "/v1", "DEBUG": "1", "CONSOLE": "no"},
        Surface("staging", True, "Sekisho", VERSION, "/v1", False),
    ),
    (
        {"ENVIRONMENT": "production", "DEBUG": "true"},
        Surface("production", False, "Sekisho", VERSION, "", True),
    ),
    ({"ENVIRONMENT": "prod", "DEBUG": "true"}, Surface("production", False, "Sekisho", VERSION, "", True)),
    ({"DEBUG": "x", "API_PREFIX": "x"}, Surface("development", False, "Sekisho", VERSION, "", True)),
]


@pytest.mark.parametrize(("environ", "expected"), SURFACES)
def test_the_surface_is_known_whatever_else_is_wrong(
    tmp_path: Path, environ: dict[str, str], expected: Surface
) -> None:
    (tmp_path / ".env.development").mkdir()
    assert load_surface(tmp_path, environ | {"PORT": "x", "COGNITO_USER_POOL_ID": "x"}) == expected


def test_the_surface_of_settings_is_theirs(house: Path) -> None:
    settings = load_settings(house, PRODUCTION | {"API_TITLE": "Orders", "API_PREFIX": "/v1"})
    assert Surface.of(settings) == Surface("production", False, "Orders", VERSION, "/v1", True)


@pytest.mark.parametrize(
    "proxies",
    ["127.0.0.1", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7", "104.16.0.0/13,2400:cb00::/32", "::1"],
)
def test_named_proxies_may_say_which_address_a_policy_decides_by(house: Path, proxies: str) -> None:
    changes = {"FORWARDED_ALLOW_IPS": proxies, "POLICY_REQUEST": "sub=claims.sub, obj=path, ip=client_ip"}
    assert load_settings(house, PRODUCTION | changes).forwarded_allow_ips == tuple(proxies.split(","))


@pytest.mark.parametrize("proxies", ["*", "0.0.0.0/0"])
def test_whoever_decides_by_no_address_may_believe_every_proxy(house: Path, proxies: str) -> None:
    assert load_settings(house, PRODUCTION | {"FORWARDED_ALLOW_IPS": proxies}).forwarded_allow_ips == (
        proxies,
    )


def test_revocations_that_are_missing_are_not_nobody_and_it_is_said_how_to_begin(house: Path) -> None:
    """Whether nobody set the setting or somebody did: a volume that is not mounted must let nobody back in."""
    (house / "revocations.csv").unlink()
    told = [fault for fault in faults(house, POOL) if "REVOCATIONS_FILE" in fault]
    assert len(told) == 1
    assert "does not exist" in told[0]
    assert f"touch {house / 'revocations.csv'}" in told[0]
    (house / "elsewhere").mkdir()
    assert any(
        "REVOCATIONS_FILE" in fault for fault in faults(house, {**POOL, "REVOCATIONS_FILE": "elsewhere"})
    )
    (house / "revocations.csv").touch()
    assert not any("REVOCATIONS_FILE" in fault for fault in faults(house, POOL))
    (house / "revocations.csv").unlink()
    stored = {**POOL, "POLICY_STORE": "postgresql://gatekeeper@db.example.com/sekisho"}
    assert not any("REVOCATIONS_FILE" in fault for fault in faults(house, stored))
