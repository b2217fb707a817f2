"""The JavaScript client of docs/clients, in Node, against the running service."""

import json
import shutil
import subprocess

import pytest

from tests.e2e.conftest import Demo
from tests.support.service import ROOT

SCRIPT = """
import { Permissions } from "%s";
const [base, token] = process.argv.slice(-2);
let current = token;
const permissions = new Permissions(base, () => current);
const before = permissions.may("GET", "/user");
const first = await permissions.refresh();
const known = [permissions.may("GET", "/user"), permissions.may("GET", "/admin"), permissions.may("POST", "/user")];
const again = await permissions.refresh();
const still = permissions.may("GET", "/user");
current = "not.a.token";
const refused = await permissions.refresh();
const after = permissions.may("GET", "/user");
current = undefined;
const nobody = await permissions.refresh();
current = token;
const late = permissions.refresh();
current = undefined;
permissions.forget();
const leaving = await late;
const left = permissions.may("GET", "/user");
const away = await new Permissions("http://127.0.0.1:1", () => token).refresh();
console.log(JSON.stringify({ before, first, known, again, still, refused, after, nobody, leaving, left, away, roles: permissions.roles }));
"""


def test_the_client_shows_what_the_policy_opens_and_hides_in_any_doubt(demo: Demo) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node: apt-get install nodejs")
    script = SCRIPT % (ROOT / "docs" / "clients" / "permissions.js").as_uri()
    arguments = [node, "--input-type=module", "-", demo.service.base_url, demo.tokens["bob"].id_token]
    ended = subprocess.run(arguments, input=script, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "before": False,
        "first": True,
        "known": [True, False, False],
        "again": True,
        "still": True,
        "refused": False,
        "after": False,
        "nobody": False,
        "leaving": False,
        "left": False,
        "away": False,
        "roles": [],
    }
