"""What follows from settings by themselves."""

from pathlib import Path

from app.settings.fields import SettingFields


class DerivedSettings(SettingFields):
    """The settings, and what several of them say together."""

    @property
    def is_development(self) -> bool:
        """Whether this is a developer's machine, where a local emulator may stand in for Cognito."""
        return self.environment == "development"

    @property
    def audiences(self) -> tuple[str, ...]:
        """What ``aud`` may be."""
        if self.identity_provider == "auth0":
            return self.auth0_client_id
        if self.identity_provider == "firebase":
            return (self.firebase_project_id,)
        if self.identity_provider == "oidc":
            return self.oidc_audience
        return self.cognito_app_client_id

    @property
    def allow_credentials(self) -> bool:
        """Whether CORS lets a page send the browser's own credentials: only pages whose origin is named.

        The ``Authorization`` header that a page's script sets itself does not need this.
        """
        return bool(self.allowed_origins) and "*" not in self.allowed_origins

    @property
    def reads_files(self) -> bool:
        """Whether the service's own document is in files, and not in a database."""
        return self.policy_store.get_secret_value() == "file"

    @property
    def pdp_document(self) -> tuple[Path, Path] | None:
        """Model and rules that the decision point asks, ``None`` when it asks the service's own."""
        return (self.pdp_model or self.policy_model, self.pdp_policy) if self.pdp_policy else None

    @property
    def forward_auth_document(self) -> tuple[Path, Path, Path] | None:
        """Model, rules and tests that proxies' questions are about; ``None`` when they are the decision point's."""
        if self.forward_auth_policy is None and self.pdp_policy is not None:
            return None
        model = self.forward_auth_model
        policy = self.forward_auth_policy or model.with_name("policy.csv")
        return model, policy, self.forward_auth_tests or model.with_name("policy_tests")

    @property
    def allows_path_parameters(self) -> bool:
        """Whether what a proxy asks about may have path parameters."""
        return self.forward_auth_path_parameters == "allow"

    @property
    def decision_log_file(self) -> Path | None:
        """The file that decisions are recorded in, ``None`` for standard output and for no record at all."""
        return None if self.decision_log in {"stdout", "off"} else Path(self.decision_log)
