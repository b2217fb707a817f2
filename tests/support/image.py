"""deploy/Dockerfile, carried out without an engine: its steps run one after another in roots of their own.

The base image is played by this machine: its programs read-only, and its Python in /usr/local, as in Debian's image of
Python, where need be by a link. What an engine does besides (layers, users by name, networks) does not happen here.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from io import BytesIO
from pathlib import Path, PurePosixPath

import pytest

from tests.conftest import NO_NAMESPACE
from tests.support.deploy_tools import DEPLOY, folder_of
from tests.support.service import ROOT

_BASE = ("bin", "sbin", "lib", "lib64", "usr", "etc", "dev", "proc", "sys")
_LIMIT_S = 600
_NAMESPACE = ["unshare", "--mount", "--propagation", "private"]
# Where a step of the build finds what this machine has fetched before: the same files by the same hashes, sooner.
_PIP_CACHE = "/pip-cache"
# Binds the base into the root, then becomes who is asked for. What is not written to is read-only.
_ENTER = """
set -eu
root=$1; prefix=$2; read_only=$3; user=$4; directory=$5; shift 5
mount --bind "$root" "$root"
for name in {base}; do
  [ -e "/$name" ] || continue
  if [ -L "/$name" ]; then [ -L "$root/$name" ] || cp -P "/$name" "$root/"
  else mkdir -p "$root/$name"; mount --rbind "/$name" "$root/$name"; fi
done
mount --bind "$prefix" "$root/usr/local"
for name in usr usr/local etc; do
  mountpoint -q "$root/$name" && mount -o remount,bind,ro "$root/$name"
done
if [ -n "${{HOST_PIP_CACHE:-}}" ]; then
  mkdir -p "$root{cache}"; mount --bind "$HOST_PIP_CACHE" "$root{cache}"
fi
if [ "$read_only" != "" ]; then
  mkdir -p "$root/tmp"
  for volume in $read_only; do mount --bind "$root.volumes$volume" "$root$volume"; done
  mount -o remount,bind,ro "$root"
fi
exec /usr/sbin/chroot "$root" /usr/bin/setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs \\
  sh -c 'cd "$1"; shift; exec "$@"' sh "$directory" "$@"
""".format(base=" ".join(_BASE), cache=_PIP_CACHE)


@dataclass
class Stage:
    """A root that the instructions of one `FROM` made, and what they said about running it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0"
    volumes: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    stop_signal: str = ""

    def entered(self, command: Sequence[str], *, read_only: bool = False) -> list[str]:
        """The command line that runs ``command`` in this root, as its user, in its directory."""
        volumes = " ".join(self.volumes) if read_only else ""
        user = self.user.split(":")[0]
        enter = ["bash", "-c", _ENTER, "enter"]
        local = str(_local_python(self.root.parent))
        return [*_NAMESPACE, *enter, str(self.root), local, volumes, user, self.directory, *command]

    def surroundings(self, **more: str) -> dict[str, str]:
        """The environment of a process in it."""
        library = {
            "LD_LIBRARY_PATH": "/usr/local/lib"
        }  # where the base's own loader looks without being told
        return {"PATH": "/usr/local/bin:/usr/bin:/bin"} | library | self.environment | more

    def run(self, command: Sequence[str], **more: str) -> "subprocess.CompletedProcess[str]":
        """Runs it as a container with a read-only root does, to its end."""
        return subprocess.run(
            self.entered(command, read_only=True),
            env=self.surroundings(**more),
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )


def _local_python(directory: Path) -> Path:
    """What stands in /usr/local: the Python of this machine, or where that is Debian's own, the way to it."""
    prefix = Path(sys.base_prefix)
    if prefix != Path("/usr"):
        return prefix
    local = directory / "usr-local"
    for name in ("python", "python3"):
        link = local / "bin" / name
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("/usr/bin/python{}.{}".format(*sys.version_info))
    return local


def ignored() -> list[str]:
    """The patterns of .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def context_of(directory: Path) -> list[str]:
    """The files below ``directory`` that a build gets, by Docker's own reading of .dockerignore."""
    folder_of("docker")
    exclude_paths = import_module("docker.utils.build").exclude_paths
    return sorted(name for name in exclude_paths(str(directory), ignored()) if (directory / name).is_file())


def instructions() -> list[tuple[str, str]]:
    """What the Dockerfile says, line by line, without comments."""
    folder_of("dockerfile-parse")
    parser = import_module("dockerfile_parse").DockerfileParser(
        fileobj=BytesIO((DEPLOY / "Dockerfile").read_bytes())
    )
    return [
        (each["instruction"], each["value"]) for each in parser.structure if each["instruction"] != "COMMENT"
    ]


def built(directory: Path) -> Stage:
    """The last stage, made below ``directory`` of what this checkout sends to a build."""
    if subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip(NO_NAMESPACE)
    context = directory / "context"
    for name in context_of(ROOT):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, context / name)
    stages: dict[str, Stage] = {}
    stage = Stage(directory)
    for instruction, value in instructions():
        if instruction == "FROM":
            _, _, name = value.partition(" AS ")
            stage = Stage(directory / (name or "image"))
            stage.root.mkdir()
            stages[name or "image"] = stage
        else:
            _apply(stage, instruction, value, context, stages)
    for volume in stage.volumes:  # an engine fills a new volume with what the image has there
        kept = stage.root.with_name(stage.root.name + ".volumes") / volume.lstrip("/")
        kept.mkdir(parents=True)
        there = stage.root / volume.lstrip("/")
        there.mkdir(parents=True, exist_ok=True)
        owner = there.stat()
        os.chown(kept, owner.st_uid, owner.st_gid)
        kept.chmod(0o1777 if volume == "/tmp" else owner.st_mode & 0o7777)
    return stage


def _apply(stage: Stage, instruction: str, value: str, context: Path, stages: Mapping[str, Stage]) -> None:
    match instruction:
        case "COPY":
            _copy(stage, value, context, stages)
        case "RUN":
            _run(stage, value)
        case "WORKDIR":
            stage.directory = value
            (stage.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        case other:
            _note(stage, other, value)


def _note(stage: Stage, instruction: str, value: str) -> None:
    """What is said about running it, and makes nothing."""
    match instruction:
        case "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(value))
        case "USER":
            stage.user = value
        case "VOLUME":
            stage.volumes = tuple(json.loads(value))
        case "CMD":
            stage.command = tuple(json.loads(value))
        case "HEALTHCHECK":
            stage.health = tuple(json.loads(value[value.index("[") :]))
        case "EXPOSE":
            stage.ports = tuple(value.split())
        case "STOPSIGNAL":
            stage.stop_signal = value
        case other if other not in {"ARG", "LABEL"}:
            raise NotImplementedError(other)


def _run(stage: Stage, script: str) -> None:
    """A step of the build. It may ask a package index as this machine is set up to."""
    index = {
        k: v
        for k, v in os.environ.items()
        if k.startswith("PIP_") and k not in {"PIP_FIND_LINKS", "PIP_NO_INDEX"}
    }
    cache = Path.home() / ".cache" / "pip"
    cache.mkdir(parents=True, exist_ok=True)
    kept = {"PIP_NO_CACHE_DIR": "0", "PIP_CACHE_DIR": _PIP_CACHE, "HOST_PIP_CACHE": str(cache)}
    done = subprocess.run(
        stage.entered(["sh", "-c", script]),
        env=index | stage.surroundings() | kept,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def _copy(stage: Stage, value: str, context: Path, stages: Mapping[str, Stage]) -> None:
    *words, destination = value.split()
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    sources = [word for word in words if not word.startswith("--")]
    begin = stages[options["from"]].root if "from" in options else context
    target = stage.root / str(PurePosixPath(stage.directory, destination)).lstrip("/")
    for name in sources:
        source = begin / name.lstrip("/")
        assert source.exists(), f"COPY {name}: the context does not hold it"
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            into = target / source.name if destination.endswith("/") else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, into)
    if "chown" in options:
        user, group = map(int, options["chown"].split(":"))
        for path in (target, *target.rglob("*")):
            os.chown(path, user, group, follow_symlinks=False)
