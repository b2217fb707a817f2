"""``python -m tests.support.chart`` writes the names of the settings into the chart's schema of values."""

import json

from app.config import Settings
from tests.support.deploy_tools import DEPLOY

_OWN = {"LISTEN_ADDRESS", "PORT", "POLICY_STORE"}


def main() -> None:
    """Writes the file anew."""
    file = DEPLOY / "helm" / "sekisho" / "values.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    schema["definitions"]["setting"]["enum"] = sorted({name.upper() for name in Settings.model_fields} - _OWN)
    file.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
