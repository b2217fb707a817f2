"""`make release`: one version everywhere, a changelog that is cut, and what is built of what Git holds, tried as strangers try it."""

import hashlib
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from release import __main__ as command
from release import artifacts, checks, materials
from release.changelog import ChangelogError, cut, notes_of
from release.versions import PLACES, VersionError, current, named, write
from tests.support.clone import AUTHOR, cloned
from tests.support.deploy_tools import schema
from tests.support.image import context_of
from tests.support.service import ROOT

NEXT = "7.0.0rc1"
# Where the same digits are somebody else's version, what was released, or an example of one.
_OTHERS = re.compile(
    r"requirements.*\.txt|CHANGELOG\.md|tests/data/.*|benchmarks/.*|.*package-lock\.json|release/.*|tests/test_release\.py"
)


def test_the_version_is_the_same_in_every_place() -> None:
    for place in PLACES:
        assert set(named(ROOT, place)) == {current(ROOT)}, place.file


def test_no_other_file_repeats_it() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    repeating = {
        name
        for name in filter(None, listed.decode().split("\0"))
        if not _OTHERS.fullmatch(name)
        and (ROOT / name).is_file()
        and re.search(
            rf"(?<![\d.]){re.escape(current(ROOT))}(?![\d.])",
            (ROOT / name).read_text(encoding="utf-8", errors="replace"),
        )
    }
    assert repeating <= {place.file for place in PLACES}


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """The files that hold the version, alone."""
    for place in PLACES:
        (tmp_path / place.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place.file).write_bytes((ROOT / place.file).read_bytes())
    return tmp_path


def test_it_is_written_into_every_place_and_nothing_else_is_changed(places: Path) -> None:
    before = {place.file: (places / place.file).read_text() for place in PLACES}
    old = current(places)
    assert sorted(write(places, NEXT)) == sorted(before)
    for file, text in before.items():
        now = (places / file).read_text()
        assert now.replace(NEXT, old) == text
        assert NEXT in now
    assert write(places, NEXT) == []


@pytest.mark.parametrize("wrong", ["1", "v1.0.0", "1.0.0-rc1", "0.0.1", "1.0.0\n", "1.0.0dev1", ""])
def test_what_cannot_be_the_next_version_changes_nothing(places: Path, wrong: str) -> None:
    before = {place.file: (places / place.file).read_bytes() for place in PLACES}
    with pytest.raises(VersionError):
        write(places, wrong)
    assert before == {place.file: (places / place.file).read_bytes() for place in PLACES}


@pytest.fixture
def before_all(places: Path) -> Path:
    """The same, with a version that every other is behind."""
    for place in PLACES:
        file = places / place.file
        file.write_text(place.pattern.sub(r"\g<1>0.0.0a1", file.read_text()))
    return places


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("1.0.0a1", "1.0.0b1"),
        ("1.0.0b9", "1.0.0rc1"),
        ("1.0.0rc2", "1.0.0"),
        ("1.9.9", "1.10.0"),
        ("2.0.0", "10.0.0"),
    ],
)
def test_versions_go_forward(before_all: Path, earlier: str, later: str) -> None:
    write(before_all, earlier)
    write(before_all, later)
    with pytest.raises(VersionError, match="is before"):
        write(before_all, earlier)


def test_a_file_in_which_it_stands_no_more_is_told(places: Path) -> None:
    (places / "deploy/helm/sekisho/Chart.yaml").write_text("version: x\n")
    with pytest.raises(VersionError, match=r"Chart\.yaml"):
        write(places, NEXT)
    assert current(places) == current(ROOT)


CHANGE = "- Something.\n"


def something_unreleased() -> str:
    """Our own changelog with one change more: right behind a release there is none."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n### Added\n\n{CHANGE}", 1)


LOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n\n## [0.0.9] - 2026-01-01\n\n- That.\n"


def test_what_is_unreleased_becomes_a_version_of_a_day() -> None:
    text = cut(LOG, "1.0.0", date(2026, 11, 28))
    assert text == LOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n## [1.0.0] - 2026-11-28\n")
    assert notes_of(text, "1.0.0") == "### Added\n\n- This.\n"
    assert notes_of(text, "0.0.9") == "- That.\n"
    with pytest.raises(ChangelogError, match="nothing is unreleased"):
        cut(text, "1.0.1", date(2026, 11, 29))


@pytest.mark.parametrize(
    ("text", "said"),
    [(LOG, "already"), ("# Changelog\n", "no `## .Unreleased"), (LOG.replace("- This.\n", ""), "nothing")],
)
def test_what_cannot_be_cut_is_told(text: str, said: str) -> None:
    with pytest.raises(ChangelogError, match=said):
        cut(text, "0.0.9" if text == LOG else "1.0.0", date(2026, 1, 2))


def test_our_own_changelog_can_be_cut() -> None:
    text = cut(something_unreleased(), NEXT, date(2026, 1, 2))
    assert CHANGE in notes_of(text, NEXT)


def test_the_changelog_says_what_is_in_the_version() -> None:
    assert "\n- " in notes_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), current(ROOT))


def test_a_python_of_pyenv_is_found_that_is_not_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert checks.python_of("3.99") is None
    python = tmp_path / "versions" / "3.99.1" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert checks.python_of("3.99") == str(python)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which everything was made ready and built; without the site, and tried on this Python alone."""
    try:
        version("cyclonedx-bom")
    except PackageNotFoundError:
        pytest.skip(
            "cyclonedx-bom is not installed: pip install --require-hashes -r requirements-release.txt"
        )
    root = tmp_path_factory.mktemp("release") / "clone"
    cloned(root)
    (root / "CHANGELOG.md").write_text(something_unreleased(), encoding="utf-8")
    subprocess.run(["git", *AUTHOR, "commit", "-q", "-a", "-m", "Something"], cwd=root, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "PYTHONS", ("3.11",))
        assert command.main([NEXT], root) == 0
    return root


def test_everything_is_built_and_its_sums_are_right(released: Path) -> None:
    out = released / "dist"
    assert {file.name for file in out.iterdir()} == {
        f"sekisho-{NEXT}-py3-none-any.whl",
        f"sekisho-{NEXT}.tar.gz",
        f"sekisho-{NEXT}-image-context.tar.gz",
        f"sekisho-chart-{NEXT}.tgz",
        "sekisho.cdx.json",
        "NOTES.md",
        artifacts.SUMS,
    }
    lines = [line.split("  ") for line in (out / artifacts.SUMS).read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {file.name for file in out.iterdir()} - {artifacts.SUMS}
    for name, digest in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_the_bill_of_materials_names_what_the_lock_names(released: Path) -> None:
    """All of it but what the image is without, and ourselves; with licences, and with what needs what."""
    bill = released / "dist" / "sekisho.cdx.json"
    expected = {
        name: number for name, number in materials.locked(released).items() if name not in materials.LEFT_OUT
    }
    assert materials.listed(bill) == expected
    held: Any = yaml.safe_load(bill.read_text(encoding="utf-8"))
    assert (held["bomFormat"], held["metadata"]["component"]["name"]) == ("CycloneDX", "sekisho")
    assert held["metadata"]["component"]["version"] == NEXT
    unlicensed = [each["name"] for each in held["components"] if not each.get("licenses")]
    assert len(unlicensed) <= len(expected) // 10, unlicensed
    assert any(each.get("dependsOn") for each in held["dependencies"])


def test_the_image_leaves_out_what_the_bill_leaves_out() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert f"uninstall --yes {' '.join(materials.LEFT_OUT)}\n" in text


def test_the_image_is_built_of_what_docker_would_get(released: Path) -> None:
    context = released / "dist" / f"sekisho-{NEXT}-image-context.tar.gz"
    assert set(artifacts.names_in(context)) == {*context_of(released), "deploy/Dockerfile"}


def test_an_archive_is_the_same_whoever_makes_it(released: Path, tmp_path: Path) -> None:
    for path in released.rglob("*.py"):
        path.touch()
    again = artifacts.image_context(released, tmp_path, NEXT)
    assert again.read_bytes() == (released / "dist" / again.name).read_bytes()


def test_a_release_begins_with_a_clean_tree_and_a_version_of_its_own(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["8.0.0"], released) == 1
    assert "not committed" in capsys.readouterr().err
    assert command.main([current(ROOT), "--build-only"], released) == 1
    assert "not released: pyproject.toml says" in capsys.readouterr().err
    assert command.main([NEXT, "--notes"], released) == 0
    assert capsys.readouterr().out == (released / "dist" / "NOTES.md").read_text()


WORKFLOW = yaml.safe_load(
    (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8").replace("\non:", '\n"on":')
)


def test_the_workflow_is_one() -> None:
    assert [
        error.message for error in Draft7Validator(schema("github-workflows")).iter_errors(WORKFLOW)
    ] == []


def test_the_workflow_attests_everything_that_it_publishes() -> None:
    steps = WORKFLOW["jobs"]["publish"]["steps"]
    uses = [step.get("uses", "").partition("@")[0] for step in steps]
    attests = {
        step["with"].get("subject-path", step["with"].get("subject-name")): n
        for n, step in enumerate(steps)
        if "attest" in step.get("uses", "")
    }
    assert attests["dist/*"] < uses.index("pypa/gh-action-pypi-publish")
    assert "dist/*.whl" in attests
    image = next(step for step in steps if step.get("id") == "image")["with"]
    assert (image["provenance"], image["sbom"]) == ("mode=max", True)
    assert "BASE=${{ steps.base.outputs.image }}" in image["build-args"]
    assert "ghcr.io/${{ github.repository }}" in attests
    assert "gh release create" in steps[-1]["run"]


def test_only_publishing_may_write_and_only_when_a_person_approved() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in WORKFLOW["jobs"]["build"]
    publish = WORKFLOW["jobs"]["publish"]
    assert publish["environment"] == "release"
    assert publish["permissions"] == dict.fromkeys(
        ("contents", "packages", "id-token", "attestations"), "write"
    )
    assert not any("checkout" in step.get("uses", "") for step in publish["steps"])
    for job in WORKFLOW["jobs"].values():
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]
