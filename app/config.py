"""Reads the service's settings once, at start, and refuses them with every fault at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails

from app.settings.derived import DerivedSettings
from app.settings.env_files import Disagreement, Layers, Raw, SettingFault, SettingNames, read_layers
from app.settings.machine import missing_documents, surroundings
from app.settings.rules import ContradictionError, contradictions, issuer_host
from rbac.errors import RbacError
from rbac.guard.identity.addresses import discovery_url
from rbac.text.visible import has_control


class SettingsError(RbacError):
    """Settings that the service must not start with: ``faults`` is the list, ``str()`` what to show."""

    code: ClassVar[str] = "settings_refused"

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        many = "1 setting is wrong" if len(faults) == 1 else f"{len(faults)} settings are wrong"
        lines = [
            f"cannot start: {many}",
            *(f"  {fault}" for fault in faults),
            "docs/settings.md explains each setting",
        ]
        super().__init__("\n".join(lines))


class Settings(DerivedSettings):
    """The settings in force, which agree with each other. Made by :func:`load_settings`.

    Made directly it reads no environment and no file, and raises pydantic's ``ValidationError`` for values
    that are wrong or contradict each other.
    """

    @model_validator(mode="after")
    def _agree(self) -> Self:
        faults = contradictions.broken(self)
        if faults:
            raise ContradictionError(faults)
        return self

    @property
    def issuer(self) -> str:
        """What ``iss`` must be, to the letter."""
        if self.identity_provider == "auth0":
            return f"https://{self.auth0_domain}/"
        if self.identity_provider == "firebase":
            return f"https://securetoken.google.com/{self.firebase_project_id}"
        if self.identity_provider == "oidc":
            return self.oidc_issuer
        return f"https://{issuer_host(self)}/{self.cognito_user_pool_id}"

    @property
    def jwks_url(self) -> str:
        """Where the issuer's keys are, as a JSON Web Key Set, or with `oidc` where it says where they are."""
        if self.identity_provider == "auth0":
            return f"https://{self.auth0_domain}/.well-known/jwks.json"
        if self.identity_provider == "firebase":
            return "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
        if self.identity_provider == "oidc":
            return discovery_url(self.oidc_issuer)
        return f"{self.cognito_endpoint_url}/{self.cognito_user_pool_id}/.well-known/jwks.json"


class Configured(Protocol):
    """Whatever knows the settings once the service has started."""

    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True, slots=True)
class Surface:
    """The few settings that shape the routes. None is about Cognito: any tool can import the application."""

    environment: str
    debug: bool
    api_title: str
    api_version: str
    api_prefix: str
    console: bool

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The same of settings that are known in full."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(cls)})


class _Draft(Settings):
    """Settings whose shapes are right and whose rules nobody has looked at yet."""

    @model_validator(mode="after")
    def _agree(self) -> Self:
        return self


_FIELDS = {name.upper(): name for name in Settings.model_fields}
_PATHS = frozenset(
    name for name, field in Settings.model_fields.items() if field.annotation in {Path, Path | None}
)
_ORDER = {name: position for position, name in enumerate(Settings.model_fields)}
_NAMES = SettingNames(frozenset(_FIELDS), early=frozenset(field.name.upper() for field in fields(Surface)))
# What people may write there holds a password.
_SECRETS = frozenset({"policy_store", "policy_publish_store"})


# Where nobody said, or nobody could understand, which deployment this is, the other settings are judged as production's.
_STRICTEST = {"environment": "production"}
_ENVIRONMENT_IS_MISSING = (
    "is missing; set it to `development`, `staging` or `production` in the process's environment"
)


def load_settings(
    directory: Path = Path(), environ: Mapping[str, str] = os.environ, *, documents: bool = True
) -> Settings:
    """The settings of ``environ``, then ``.env.{ENVIRONMENT}`` and ``.env`` of ``directory``, AWS, then defaults.

    An empty value means the default. Relative paths start at ``directory``. Raises :class:`SettingsError`
    with everything that is wrong, in the order of docs/settings.md. Without ``documents`` it is for their gate to say
    whether they are there: a worker may start on the last good ones.
    """
    layers = read_layers(directory, environ, _NAMES)
    given = {_FIELDS[name]: raw.text.strip() for name, raw in layers.values.items() if raw.text.strip()}
    faults = layers.faults + _control_characters(layers)
    if "environment" not in given:
        faults.append(SettingFault("ENVIRONMENT", "not set", _ENVIRONMENT_IS_MISSING))
    broken = {_FIELDS.get(fault.setting, "") for fault in faults}
    sound = {name: text for name, text in given.items() if name not in broken}
    try:
        draft = _Draft(**_placed(_STRICTEST | sound, directory))
    except ValidationError as error:
        misshapen = list(_shape_faults(error, layers))
        faults += misshapen
        broken |= {_FIELDS[fault.setting] for fault in misshapen}
        sound = {name: text for name, text in sound.items() if name not in broken}
        draft = _Draft(**_placed(_STRICTEST | sound, directory))
    # A rule that reads a setting nobody could understand has nothing to say.
    kinds = (contradictions, surroundings, *((missing_documents,) if documents else ()))
    found = [conflict for kind in kinds for conflict in kind.broken(draft)]
    conflicts = [each for each in found if broken.isdisjoint(each.fields)]
    faults += [_fault(conflict.fields[0], conflict.message, layers) for conflict in conflicts]
    if faults:
        raise SettingsError([str(fault) for fault in sorted(faults, key=_place)])
    return Settings(**_placed(given, directory))


def disagreements(directory: Path = Path(), environ: Mapping[str, str] = os.environ) -> list[Disagreement]:
    """What sources set differently, and which one is in force, in sentences that repeat no value."""
    return read_layers(directory, environ, _NAMES).disagreements


def load_surface(directory: Path = Path(), environ: Mapping[str, str] = os.environ) -> Surface:
    """What shapes the routes, and nothing else. Never raises: where a setting is wrong its default stands.

    Without an ``ENVIRONMENT``, which no service starts without, it is development's, for the tools that list routes.
    One that cannot be understood is taken for production, where nothing is for developers.
    """
    layers = read_layers(directory, environ, _NAMES, aws=False)
    if not layers.values.get("ENVIRONMENT", Raw("", "")).text.strip():
        layers = read_layers(directory, {**environ, "ENVIRONMENT": "development"}, _NAMES, aws=False)
    wanted = {field.name for field in fields(Surface)}
    texts = [(_FIELDS[key], raw.text.strip()) for key, raw in layers.values.items() if _FIELDS[key] in wanted]
    given: dict[str, Any] = {name: text for name, text in texts if text}
    try:
        draft = _Draft(**given)
    except ValidationError as error:
        broken = {str(detail["loc"][0]) for detail in error.errors()}
        sound = {name: text for name, text in given.items() if name not in broken}
        draft = _Draft(**(_STRICTEST | sound))
    surface = Surface.of(draft)
    return replace(surface, debug=surface.debug and surface.environment != "production")


def _placed(given: Mapping[str, str], directory: Path) -> dict[str, Any]:
    """The values with relative paths, also the defaults', made to start at ``directory``."""
    placed: dict[str, Any] = dict(given)
    for name in _PATHS:
        path = given.get(name, Settings.model_fields[name].default)
        if path is not None:
            placed[name] = directory / path
    if given.get("decision_log", "stdout") not in {"stdout", "off"}:
        placed["decision_log"] = str(directory / given["decision_log"])
    return placed


def _control_characters(layers: Layers) -> list[SettingFault]:
    """No setting has a use for them; a line break or an escape sequence does harm in paths and in logs."""
    message = "holds a control character; type the value again"
    return [
        SettingFault(name, raw.origin, message)
        for name, raw in layers.values.items()
        if has_control(raw.text.strip())
    ]


def _shape_faults(error: ValidationError, layers: Layers) -> Iterator[SettingFault]:
    for detail in error.errors(include_url=False):
        # That a default could not be worked out only repeats that what it follows from is wrong.
        if detail["type"] != "default_factory_not_called":
            name = str(detail["loc"][0])
            yield _fault(name, f"{_shown(name, layers.values[name.upper()])}{_expected(detail)}", layers)


# pydantic's complaints in our words.
_EXPECTED = {
    "literal_error": "must be one of {expected}",
    "bool_parsing": "must be `true` or `false`",
    "int_parsing": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
}


def _expected(detail: ErrorDetails) -> str:
    wording = _EXPECTED.get(detail["type"], "")
    context = detail.get("ctx", {})
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "`")
    return wording.format(**context) or detail["msg"]


def _shown(name: str, raw: Raw) -> str:
    """What was written, unless it could be a secret; a password in a URL is one wherever it stands."""
    text = raw.text.strip()
    if name in _SECRETS or "@" in text or len(text) > 100:
        return ""
    return f"`{text}` "


def _fault(name: str, message: str, layers: Layers) -> SettingFault:
    raw = layers.values.get(name.upper())
    return SettingFault(name.upper(), raw.origin if raw else "not set", message)


def _place(fault: SettingFault) -> tuple[int, str, str]:
    """Files first, then unknown keys, then the settings as documented."""
    name = _FIELDS.get(fault.setting)
    position = _ORDER[name] if name else -1
    return position, fault.setting, fault.origin
