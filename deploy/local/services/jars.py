"""Kafka's jars: fetched once by Maven into a folder of the checkout that is named after the pom's hash."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from deploy.local.errors import NotReady
from deploy.local.processes import program

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[3] / "var" / "kafka-libs"


def kafka_jars(cache: Path = CACHE) -> Path:
    """The folder with the jars; fetches them if need be, one process at a time. Raises CannotStart."""
    folder = cache / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    draft, log = folder.with_suffix(".new"), folder.with_suffix(".log")
    shutil.rmtree(draft, ignore_errors=True)
    command = [program("mvn"), "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={draft}"]
    with log.open("wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode != 0 or not draft.exists():
        raise NotReady("mvn", "could not fetch Kafka (is the network up?)", log)
    draft.rename(folder)


if __name__ == "__main__":
    kafka_jars()
