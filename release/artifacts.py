"""What a release is made of, built from what Git holds: wheel, sdist, image context, chart, site, and their sums."""

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

SUMS: Final = "SHA256SUMS"


def run(command: list[str], cwd: Path, **environment: str) -> str:
    """What a command prints; raises ``CalledProcessError``, with what it said, where it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    done.check_returncode()
    return done.stdout


def epoch(root: Path) -> str:
    """When the last commit was made, in seconds since 1970: the time of everything that is built."""
    return run(["git", "log", "-1", "--format=%ct"], root).strip()


def tracked(root: Path, *places: str) -> list[str]:
    """The files that Git holds below these places, as they lie here, in the order of their names."""
    listed = run(["git", "ls-files", "-z", "--", *places], root).split("\0")
    return sorted(name for name in listed if name and (root / name).is_file())


def packages(root: Path, out: Path) -> list[Path]:
    """The wheel and the sdist, built of a copy: setuptools leaves files of its own beside the sources."""
    copy = out / "source"
    for name in tracked(root, "rbac", "pytest_rbac.py", "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, copy / name)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    run(build, root, SOURCE_DATE_EPOCH=epoch(root))
    shutil.rmtree(copy)
    return [next(out.glob("*.whl")), next(out.glob("*.tar.gz"))]


def image_context(root: Path, out: Path, version: str) -> Path:
    """What `docker build -f deploy/Dockerfile -` takes: the files that .dockerignore lets through, and the Dockerfile."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = [line.removeprefix("!") for line in lines if line.startswith("!")]
    names = tracked(root, *let_through, "deploy/Dockerfile", ".dockerignore")
    return _tar(
        root, out / f"sekisho-{version}-image-context.tar.gz", {name: name for name in names}, epoch(root)
    )


def chart(root: Path, out: Path, version: str) -> Path:
    """The Helm chart as `helm package` makes it, named apart from the sdist."""
    folder = "deploy/helm/sekisho"
    names = {name: f"sekisho{name.removeprefix(folder)}" for name in tracked(root, folder)}
    return _tar(root, out / f"sekisho-chart-{version}.tgz", names, epoch(root))


def site(root: Path, out: Path, version: str) -> Path:
    """The documentation as `make docs` leaves it in .cache/site."""
    built = root / ".cache" / "site"
    names = sorted(str(path.relative_to(root)) for path in built.rglob("*") if path.is_file())
    inside = {name: name.removeprefix(".cache/") for name in names}
    return _tar(root, out / f"sekisho-{version}-site.tar.gz", inside, epoch(root))


def sums(out: Path) -> Path:
    """The SHA-256 of every file that was built, as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(out.iterdir())
        if file.is_file() and file.name != SUMS
    ]
    (out / SUMS).write_text("".join(lines), encoding="ascii")
    return out / SUMS


def _tar(root: Path, file: Path, names: dict[str, str], time: str) -> Path:
    """An archive of these files under their names in it; the same bytes whoever makes it, and when."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, inside in sorted(names.items()):
            _add(tar, root / name, inside, int(time))
    with (
        file.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=int(time)) as packed,
    ):
        packed.write(plain.getvalue())
    return file


def _add(tar: tarfile.TarFile, source: Path, inside: str, time: int) -> None:
    entry = tarfile.TarInfo(inside)
    content = source.read_bytes()
    entry.size, entry.mtime = len(content), time
    entry.mode = 0o755 if os.access(source, os.X_OK) else 0o644
    tar.addfile(entry, io.BytesIO(content))


def names_in(archive: Path) -> Iterable[str]:
    """The files in an archive."""
    with tarfile.open(archive) as tar:
        return tar.getnames()
