"""``python -m release X.Y.Z``: makes a release ready, in the working tree and below dist/, and says what is left to do."""

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from release import artifacts, checks, materials
from release.changelog import ChangelogError, cut, notes_of
from release.versions import VersionError, current, write

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Exit code 0 where all is built and checked, 1 where it cannot be released so."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("version", help="the version to release, like 1.0.0")
    parser.add_argument(
        "--build-only", action="store_true", help="build and check what is here, as the workflow does"
    )
    parser.add_argument("--notes", action="store_true", help="print what the changelog says of the version")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.notes:
            print(notes_of((root / "CHANGELOG.md").read_text(encoding="utf-8"), chosen.version), end="")
            return 0
        if chosen.build_only:
            _must_be(root, chosen.version)
        else:
            _prepare(root, chosen.version)
    except (VersionError, ChangelogError) as error:
        print(f"not released: {error}", file=sys.stderr)
        return 1
    _build(root, chosen.version)
    if not chosen.build_only:
        print(_LEFT.format(version=chosen.version))
    return 0


def _must_be(root: Path, version: str) -> None:
    if current(root) != version:
        raise VersionError(f"pyproject.toml says {current(root)}, not {version}")
    notes_of((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)


def _prepare(root: Path, version: str) -> None:
    """The version everywhere, and the changelog cut. Raises VersionError, ChangelogError, and then nothing was written."""
    if artifacts.run(["git", "status", "--porcelain"], root).strip():
        raise VersionError("the working tree has changes that are not committed")
    if artifacts.run(["git", "tag", "--list", f"v{version}"], root).strip():
        raise VersionError(f"there is a tag v{version} already")
    changelog = root / "CHANGELOG.md"
    text = cut(changelog.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    for name in write(root, version):
        print(f"wrote {version} into {name}")
    changelog.write_text(text, encoding="utf-8")
    print(f"cut CHANGELOG.md for {version}")


def _build(root: Path, version: str) -> None:
    out = root / "dist"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    built = artifacts.packages(root, out)
    built += [artifacts.image_context(root, out, version), artifacts.chart(root, out, version)]
    if (root / ".cache" / "site").is_dir():
        built.append(artifacts.site(root, out, version))
    else:
        print("no site: `make docs` builds it")
    with TemporaryDirectory(prefix="release-") as scratch:
        python = materials.environment(root, built[0], Path(scratch) / "env")
        built.append(materials.bill(root, python, out))
    for version_ in checks.PYTHONS:
        found = checks.python_of(version_)
        if found is None:
            print(f"not tried on Python {version_}: this machine has none")
            continue
        for artifact in built[:2]:
            checks.tried(artifact, found, root / "requirements-dev.txt", version)
            print(f"tried {artifact.name} on Python {version_}")
    notes = out / "NOTES.md"
    notes.write_text(notes_of((root / "CHANGELOG.md").read_text(encoding="utf-8"), version), encoding="utf-8")
    built += [notes, artifacts.sums(out)]
    for file in built:
        print(f"built {file.relative_to(root)}  {file.stat().st_size:,} bytes")


_LEFT = """
What is left for a person:
  1. make install && make check && make test      the version stands in the environment, too, once it is installed again
  2. git diff                                     the version in each file, and CHANGELOG.md as it will be read
  3. git commit -am "Release {version}"
  4. git push, and wait until continuous integration is green
  5. git tag --sign v{version} -m "Sekisho {version}" && git push origin v{version}
  6. approve the environment `release` of the workflow, which builds everything again, attests and publishes it
  7. read the release page, and try what it says: gh attestation verify"""


if __name__ == "__main__":
    sys.exit(main())
