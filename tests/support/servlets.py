"""A real Tomcat, whose one servlet says by which path it was found."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import LIMIT_S, comes_true

_SOURCE = Path(__file__).with_name("tomcat") / "Server.java"
_JARS = (
    Path("/usr/share/java/tomcat10-embed-core.jar"),
    Path("/usr/share/java/tomcat10-annotations-api.jar"),
)


@contextmanager
def tomcat(directory: Path) -> Iterator[int]:
    """The port of a Tomcat 10.1 that lives in ``directory``."""
    if shutil.which("javac") is None or not all(jar.exists() for jar in _JARS):
        pytest.skip(
            "needs Tomcat: apt-get install libtomcat10-embed-java libtomcat10-java default-jdk-headless"
        )
    output = directory / "tomcat.log"
    arguments = ["java", "-cp", ":".join(map(str, _JARS)), str(_SOURCE), str(directory)]
    with output.open("wb") as log:
        started = subprocess.Popen(arguments, cwd=directory, stdout=log, stderr=subprocess.STDOUT)
    try:
        assert comes_true(lambda: started.poll() is not None or _port(output))
        assert started.poll() is None, output.read_text()
        yield _port(output)
    finally:
        started.terminate()
        started.wait(LIMIT_S)


def _port(output: Path) -> int:
    found = re.search(r"^port (\d+)$", output.read_text(errors="replace"), re.MULTILINE)
    return int(found[1]) if found else 0
