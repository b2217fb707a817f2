"""Where a setting comes from, what the defaults are, and what the shipped env files hold."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings, SettingsError, disagreements, load_settings
from app.dev import cognito
from app.settings.defaults import LOCAL_CLIENT_ID, LOCAL_MACHINE_ID, LOCAL_POOL_ID

ROOT = Path(__file__).parents[3]
POOL = {
    "ENVIRONMENT": "development",
    "COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz",
    "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12example",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A directory with all the files that the defaults name."""
    (tmp_path / "model.conf").touch()
    (tmp_path / "policy.csv").touch()
    (tmp_path / "revocations.csv").touch()
    (tmp_path / "policy_tests").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("environ", "own", "base", "expected"),
    [
        ({}, None, None, "Sekisho"),
        ({}, None, "base", "base"),
        ({}, "own", "base", "own"),
        ({"API_TITLE": "process"}, "own", "base", "process"),
        ({"API_TITLE": ""}, "own", "base", "Sekisho"),
        ({}, "", "base", "Sekisho"),
    ],
)
def test_the_process_wins_over_the_environments_file_and_that_over_the_common_one(
    house: Path, environ: dict[str, str], own: str | None, base: str | None, expected: str
) -> None:
    for name, title in ((".env.staging", own), (".env", base)):
        if title is not None:
            (house / name).write_text(f"API_TITLE={title}\n")
    assert load_settings(house, POOL | environ | {"ENVIRONMENT": "staging"}).api_title == expected


def test_the_common_file_may_choose_the_environment_and_the_process_has_the_last_word(house: Path) -> None:
    (house / ".env").write_text("ENVIRONMENT=staging\n")
    (house / ".env.staging").write_text("ENVIRONMENT=staging\nPORT=9001\n")
    (house / ".env.production").write_text("PORT=9002\n")
    chosen = load_settings(house, {name: value for name, value in POOL.items() if name != "ENVIRONMENT"})
    assert (chosen.environment, chosen.port) == ("staging", 9001)
    chosen = load_settings(house, POOL | {"ENVIRONMENT": "production"})
    assert (chosen.environment, chosen.port) == ("production", 9002)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            b"COGNITO_REGOIN=x\n",
            "COGNITO_REGOIN (.env line 1): there is no such setting; did you mean `COGNITO_REGION`?",
        ),
        (b"port=1\n", "port (.env line 1): there is no such setting; did you mean `PORT`?"),
        (
            b"\n\n# hello\n\nZZZ=1\n",
            "ZZZ (.env line 5): there is no such setting; docs/settings.md lists them all",
        ),
        (b"PORT=1\nPORT=2\n", "PORT (.env line 2): is set a second time (first in .env line 1); keep one"),
        (b"PORT\n", "PORT (.env line 1): has no value; write NAME=value"),
        (
            b"PORT=8000\nAPI_TITLE='half\n",
            ".env (line 2): cannot be understood; write NAME=value, and close every quote",
        ),
        (b"API_TITLE=caf\xe9\n", ".env: is not UTF-8 text (byte 13); save it as UTF-8"),
    ],
)
def test_a_line_that_would_be_skipped_elsewhere_is_a_fault(house: Path, content: bytes, fault: str) -> None:
    (house / ".env").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(house, POOL)
    assert caught.value.faults == [fault]


def test_a_file_for_one_environment_cannot_name_another(house: Path) -> None:
    (house / ".env.staging").write_text("ENVIRONMENT=production\n")
    with pytest.raises(SettingsError, match=r"\.env\.staging line 1.*the file is for `staging`"):
        load_settings(house, POOL | {"ENVIRONMENT": "staging"})


def test_an_env_file_that_cannot_be_read_is_a_fault(house: Path) -> None:
    (house / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"\.env: cannot be read: Is a directory"):
        load_settings(house, POOL)


def test_what_cannot_be_understood_in_a_file_is_not_repeated(house: Path) -> None:
    (house / ".env").write_text("POLICY_STORE='postgresql://u:hunter2@h/x\nhunter2_KEY=hunter2\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(house, POOL)
    assert "postgresql" not in str(caught.value)
    assert "=hunter2" not in str(caught.value)


def test_unknown_variables_of_the_process_are_left_alone(house: Path) -> None:
    assert load_settings(house, POOL | {"PATH": "/bin", "AUTH0_CLIENT_SECRET": "x", "port": "x"}).port == 8000


def test_a_byte_order_mark_quotes_comments_and_dollars_are_understood(house: Path) -> None:
    content = "\ufeffAPI_TITLE='Tea # House'  # comment\nexport API_VERSION=1 # one\nAPI_PREFIX=/a\nLISTEN_ADDRESS=127.0.0.1\r\n"
    (house / ".env").write_text(content + "PDP_REQUEST=sub=subject.${HOME}\n", newline="")
    settings = load_settings(house, POOL)
    assert (settings.api_title, settings.api_version, settings.listen_address) == (
        "Tea # House",
        "1",
        "127.0.0.1",
    )
    assert settings.pdp_request == "sub=subject.${HOME}"


def test_lists_are_separated_by_commas(house: Path) -> None:
    lists = {
        "COGNITO_APP_CLIENT_ID": "one, two,,one",
        "ROLE_CLAIMS": "custom:role , cognito:groups",
        "ALLOWED_ORIGINS": "http://localhost:3000,https://[::1]:8443",
    }
    settings = load_settings(house, POOL | lists)
    assert settings.cognito_app_client_id == ("one", "two")
    assert settings.role_claims == ("custom:role", "cognito:groups")
    assert settings.allowed_origins == ("http://localhost:3000", "https://[::1]:8443")


def test_relative_paths_start_at_the_directory_and_others_stay(house: Path) -> None:
    written = {
        "LOG_FILE": "app.log",
        "DECISION_LOG": "decisions.jsonl",
        "POLICY_MODEL": str(house / "model.conf"),
    }
    settings = load_settings(house, POOL | written)
    assert settings.log_file == house / "app.log"
    assert settings.decision_log_file == house / "decisions.jsonl"
    assert settings.policy_file == house / "policy.csv"
    assert settings.policy_model == house / "model.conf"
    assert sorted(path.name for path in house.iterdir()) == [
        "model.conf",
        "policy.csv",
        "policy_tests",
        "revocations.csv",
    ]


def test_the_starting_directory_itself_leaves_paths_as_they_are_written(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house)
    settings = load_settings(environ=POOL)
    assert (str(settings.policy_file), str(settings.policy_model)) == ("policy.csv", "model.conf")


DERIVED: list[tuple[dict[str, str], dict[str, Any]]] = [
    (
        {"ENVIRONMENT": "production"},
        {
            "cognito_region": "eu-west-1",
            "log_format": "json",
            "explain_denials": False,
            "is_development": False,
            "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123xyz",
            "jwks_url": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123xyz/.well-known/jwks.json",
            "audiences": ("1h57kf5cpq17m0eml12example",),
            "allow_credentials": False,
            "pdp_document": None,
            "decision_log_file": None,
        },
    ),
    (
        {},
        {
            "log_format": "text",
            "explain_denials": True,
            "is_development": True,
            "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123xyz",
            "jwks_url": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC123xyz/.well-known/jwks.json",
        },
    ),
    (
        {"COGNITO_USER_POOL_ID": "", "COGNITO_APP_CLIENT_ID": "", "DEV_COGNITO_PORT": "9300"},
        {
            "cognito_user_pool_id": LOCAL_POOL_ID,
            "cognito_app_client_id": (LOCAL_CLIENT_ID, LOCAL_MACHINE_ID),
            "token_use": "both",
            "jwks_url": f"http://127.0.0.1:9300/{LOCAL_POOL_ID}/.well-known/jwks.json",
        },
    ),
    ({"COGNITO_USER_POOL_ID": "", "COGNITO_APP_CLIENT_ID": "one"}, {"cognito_app_client_id": ("one",)}),
    (
        {
            "ENVIRONMENT": "production",
            "EXPLAIN_DENIALS": "true",
            "LOG_FORMAT": "text",
            "LOG_LEVEL": "warning",
        },
        {"explain_denials": True, "log_format": "text", "log_level": "WARNING"},
    ),
    (
        {"ENVIRONMENT": "production", "COGNITO_USER_POOL_ID": "cn-north-1_a"},
        {"issuer": "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a"},
    ),
    (
        {"COGNITO_USER_POOL_ID": "us-gov-west-1_a", "COGNITO_REGION": "us-gov-west-1"},
        {"issuer": "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_a"},
    ),
    (
        {
            "ENVIRONMENT": "production",
            "COGNITO_USER_POOL_ID": "xx-new-1_a",
            "COGNITO_ENDPOINT_URL": "https://cognito-idp.xx-new-1.amazonaws.com.cn/",
        },
        {
            "issuer": "https://cognito-idp.xx-new-1.amazonaws.com.cn/xx-new-1_a",
            "jwks_url": "https://cognito-idp.xx-new-1.amazonaws.com.cn/xx-new-1_a/.well-known/jwks.json",
        },
    ),
    (
        {"IDENTITY_PROVIDER": "auth0", "AUTH0_DOMAIN": "t.eu.auth0.com", "AUTH0_CLIENT_ID": "abc"},
        {
            "issuer": "https://t.eu.auth0.com/",
            "jwks_url": "https://t.eu.auth0.com/.well-known/jwks.json",
            "audiences": ("abc",),
        },
    ),
    (
        {"IDENTITY_PROVIDER": "firebase", "FIREBASE_PROJECT_ID": "tea-house"},
        {"issuer": "https://securetoken.google.com/tea-house", "audiences": ("tea-house",)},
    ),
    (
        {"IDENTITY_PROVIDER": "oidc", "OIDC_ISSUER": "https://a.example/r/", "OIDC_AUDIENCE": "web,app"},
        {
            "issuer": "https://a.example/r/",
            "jwks_url": "https://a.example/r/.well-known/openid-configuration",
            "audiences": ("web", "app"),
            "policy_subjects": "oidc",
        },
    ),
    (
        {
            "IDENTITY_PROVIDER": "oidc",
            "OIDC_ISSUER": "http://localhost:8080/realms/shop",
            "OIDC_AUDIENCE": "a",
        },
        {"issuer": "http://localhost:8080/realms/shop"},
    ),
    ({"ALLOWED_ORIGINS": "https://a.example"}, {"allow_credentials": True}),
    ({"ALLOWED_ORIGINS": "*"}, {"allow_credentials": False}),
]


@pytest.mark.parametrize(("environ", "expected"), DERIVED)
def test_what_follows_from_the_settings(
    house: Path, environ: dict[str, str], expected: dict[str, Any]
) -> None:
    settings = load_settings(house, POOL | environ)
    assert {name: getattr(settings, name) for name in expected} == expected


def test_rules_of_the_decision_point_alone_are_read_with_the_services_model(house: Path) -> None:
    (house / "pdp.csv").touch()
    settings = load_settings(house, POOL | {"PDP_POLICY": "pdp.csv"})
    assert settings.pdp_document == (house / "model.conf", house / "pdp.csv")


def test_the_development_file_works_as_it_is_and_names_what_the_local_cognito_creates(house: Path) -> None:
    shutil.copy(ROOT / ".env.development", house)
    settings = load_settings(house, {"ENVIRONMENT": "development"})
    assert (settings.is_development, settings.debug, settings.policy_gate) == (True, True, "lint")
    with cognito.served(0) as endpoint_url:
        pool = cognito.seed(endpoint_url)
        machine = cognito.machine_of(endpoint_url, pool.pool_id)
    assert (settings.cognito_user_pool_id, settings.cognito_app_client_id) == (
        pool.pool_id,
        (pool.client_id, machine.client_id),
    )


def test_an_own_pool_in_the_common_file_replaces_the_local_one_as_a_whole(house: Path) -> None:
    shutil.copy(ROOT / ".env.development", house)
    (house / ".env").write_text("COGNITO_USER_POOL_ID=us-east-1_Own\nCOGNITO_APP_CLIENT_ID=own\n")
    settings = load_settings(house, {"ENVIRONMENT": "development"})
    assert settings.cognito_app_client_id == ("own",)
    assert (
        settings.jwks_url == "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Own/.well-known/jwks.json"
    )
    assert disagreements(house, {"ENVIRONMENT": "development"}) == []


def test_an_own_pool_without_its_client_is_a_fault_and_never_mixed_with_the_local_one(house: Path) -> None:
    shutil.copy(ROOT / ".env.development", house)
    (house / ".env").write_text("COGNITO_USER_POOL_ID=us-east-1_Own\n")
    with pytest.raises(SettingsError, match=r"COGNITO_APP_CLIENT_ID .*is missing"):
        load_settings(house, {"ENVIRONMENT": "development"})


def test_sources_that_disagree_are_named_with_the_one_that_is_taken_and_without_a_value(house: Path) -> None:
    (house / ".env.staging").write_text("PORT=9001\nAPI_TITLE=same\n")
    (house / ".env").write_text("\nPORT=9002\nAPI_TITLE=same\nLOG_LEVEL=DEBUG\n")
    environ = POOL | {"ENVIRONMENT": "staging", "LOG_LEVEL": "ERROR"}
    assert sorted(disagreements(house, environ)) == [
        ("LOG_LEVEL is taken from environment; .env line 4 says something else", True),
        ("PORT is taken from .env.staging line 1; .env line 2 says something else", False),
    ]


@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_value_may_stand_in_a_file_of_its_own(house: Path, source: str) -> None:
    (house / "secret").write_bytes("\ufeff Tea House \n".encode())
    written = {"API_TITLE_FILE": "secret"}
    if source == "file":
        (house / ".env").write_text("API_TITLE_FILE=secret\n")
    settings = load_settings(house, POOL | (written if source == "environment" else {}))
    assert settings.api_title == "Tea House"


def test_an_empty_value_beside_a_file_is_no_value(house: Path) -> None:
    (house / "secret").write_text("Tea House")
    settings = load_settings(house, POOL | {"API_TITLE": "", "API_TITLE_FILE": "secret"})
    assert settings.api_title == "Tea House"


@pytest.mark.parametrize("content", [b"hunter2\xff", b"hunter2" * 10_000])
def test_a_file_that_holds_no_value_is_a_fault_that_does_not_repeat_it(house: Path, content: bytes) -> None:
    (house / "secret").write_bytes(content)
    with pytest.raises(
        SettingsError, match=r"API_TITLE_FILE \(environment\): names a file that cannot be used"
    ) as caught:
        load_settings(house, POOL | {"API_TITLE_FILE": "secret"})
    assert "hunter2" not in str(caught.value)


# What a stranger writes for each <...> of the examples.
FILLED = {
    "user pool id": "eu-west-1_AbC123xyz",
    "app client id": "1h57kf5cpq17m0eml12example",
    "region": "eu-west-1",
    "client id": "abc",
    "password": "a%40b",
}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_example_is_refused_until_it_is_filled_in_and_then_works(house: Path, environment: str) -> None:
    example = (ROOT / f".env.{environment}.example").read_text(encoding="utf-8")
    target = house / f".env.{environment}"
    target.write_text(example)
    with pytest.raises(SettingsError) as caught:
        load_settings(house, {"ENVIRONMENT": environment})
    wrong = {fault.split(" ")[0] for fault in caught.value.faults}
    assert wrong == {"COGNITO_USER_POOL_ID", "COGNITO_APP_CLIENT_ID", "ALLOWED_ORIGINS"}
    target.write_text(re.sub("<(.+?)>", lambda place: FILLED.get(place[1], "filled.example"), example))
    assert load_settings(house, {"ENVIRONMENT": environment}).environment == environment


@pytest.mark.parametrize("name", [".env.development", ".env.staging.example", ".env.production.example"])
def test_every_setting_in_a_shipped_file_exists_also_behind_a_comment_sign(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    names = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    assert names
    assert {each for each in names if each.lower() not in Settings.model_fields} == set()
