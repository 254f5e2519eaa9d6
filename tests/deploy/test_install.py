"""The installer does nothing when nothing is missing, installs only what is, and says what it cannot do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INPUTS = ("deploy/install.sh", "requirements.txt", "pyproject.toml", "deploy/local/services/pom.xml")
BASE_PROGRAMS = (
    "bash",
    "cat",
    "cut",
    "sha256sum",
    "dirname",
    "mkdir",
    "tr",
    "id",
    "env",
    "sh",
    "chmod",
    "rm",
    "grep",
    "cp",
)
SERVICES = ("java", "mvn", "mariadbd", "mariadb-install-db", "redis-server", "setpriv")

# It makes a venv that has a Python and our command, and fetches Kafka.
PYTHON = """
case "$*" in
    *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/freshpipe ;;
    *fetch_kafka*) mkdir -p var/kafka-libs ;;
esac
"""


class Machine:
    """A copy of the project and a PATH of stand-in programs that write their calls down."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        self.policy = folder / "policy-rc.d"
        self.bin.mkdir(parents=True)
        self.calls.touch()
        for name in INPUTS:
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.project / name)
        for name in BASE_PROGRAMS:
            (self.bin / name).symlink_to(shutil.which(name) or name)
        for name in SERVICES:
            self.add(name)
        self.add("java", "echo 'openjdk version \"17.0.1\"' >&2")
        self.add("apt-get", 'test -e "$POLICY_RC_D" && echo "  services are held back" >>"$CALLS"')
        # Python makes a venv that has a Python, pip and our command; what it is asked is written down.
        self.add("python3.11", PYTHON)

    def add(self, name: str, script: str = "") -> None:
        program = self.bin / name
        program.unlink(missing_ok=True)
        program.write_text(f'#!/bin/bash\necho "{name} $*" >>"$CALLS"\n{script}\nexit 0\n')
        program.chmod(0o755)

    def without(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def install(self) -> subprocess.CompletedProcess[str]:
        """Forget earlier calls and run the installer."""
        self.calls.write_text("")
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls), "POLICY_RC_D": str(self.policy)}
        command = ["bash", "deploy/install.sh"]
        return subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)

    def called(self, pattern: str) -> Sequence[str]:
        return [line for line in self.calls.read_text().splitlines() if re.search(pattern, line)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_second_run_does_nothing(machine: Machine) -> None:
    assert machine.install().returncode == 0
    assert machine.called("pip .*--require-hashes -r requirements.txt")
    second = machine.install()
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert not machine.called("pip|apt-get|fetch_kafka|venv")


@pytest.mark.parametrize("name", INPUTS[1:])
def test_a_changed_input_is_installed_again(machine: Machine, name: str) -> None:
    machine.install()
    with (machine.project / name).open("a") as file:
        file.write("\n")
    assert machine.install().returncode == 0
    assert machine.called("--require-hashes")
    assert not machine.called("-m venv"), "the environment itself is kept"


def test_an_interrupted_run_is_repeated(machine: Machine) -> None:
    machine.install()
    (machine.project / ".venv/bin/freshpipe").unlink()
    assert machine.install().returncode == 0
    assert machine.called("--require-hashes")


@pytest.mark.skipif(os.geteuid() != 0, reason="the stand-in apt-get is called without sudo by root only")
def test_only_what_is_missing_is_installed_and_no_service_is_started(machine: Machine) -> None:
    machine.without("redis-server", "mvn")
    assert machine.install().returncode == 0
    (installed,) = machine.called("^apt-get .* install ")
    assert installed.split("--no-install-recommends ")[1].split() == ["maven", "redis-server"]
    assert machine.called("services are held back")
    assert not machine.policy.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="the stand-in apt-get is called without sudo by root only")
def test_an_old_java_is_joined_by_one_that_kafka_runs_on(machine: Machine) -> None:
    machine.add("java", "echo 'openjdk version \"11.0.2\"' >&2")
    machine.install()
    assert machine.called("install .*openjdk-17-jre-headless")


def test_nothing_is_installed_on_the_system_when_nothing_is_missing(machine: Machine) -> None:
    assert machine.install().returncode == 0
    assert not machine.called("apt-get")


@pytest.mark.skipif(os.geteuid() != 0, reason="the stand-in apt-get is called without sudo by root only")
def test_a_failed_package_is_said(machine: Machine) -> None:
    machine.without("redis-server")
    machine.add("apt-get", "exit 100")
    failed = machine.install()
    assert failed.returncode == 1
    assert "apt-get could not install redis-server" in failed.stderr


def test_a_machine_without_apt_is_told_what_to_install(machine: Machine) -> None:
    machine.without("redis-server", "apt-get")
    failed = machine.install()
    assert failed.returncode == 1
    assert re.search("no apt-get; install these in its own way .*: redis-server", failed.stderr)


def test_a_failed_download_is_said_and_not_taken_for_done(machine: Machine) -> None:
    machine.install()
    machine.add("python3.11", 'case "$*" in *--require-hashes*) exit 1;; esac')
    shutil.copy(machine.bin / "python3.11", machine.project / ".venv/bin/python")
    (machine.project / "var/install.stamp").unlink()
    failed = machine.install()
    assert failed.returncode == 1
    assert "pip could not install requirements.txt" in failed.stderr
    assert not (machine.project / "var/install.stamp").exists()


def test_a_machine_without_a_fit_python_is_told_so(machine: Machine) -> None:
    machine.without("python3.11")
    failed = machine.install()
    assert failed.returncode == 1
    assert "Python 3.11 or newer is needed" in failed.stderr


@pytest.mark.parametrize("name", [*INPUTS, "Makefile"])
def test_no_package_index_is_named(name: str) -> None:
    assert not re.search(r"pypi\.|pythonhosted|find-links|(?<!no-emit-)index-url", (ROOT / name).read_text())


def test_every_requirement_is_locked_by_hash() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.txt").read_text().strip(), flags=re.IGNORECASE)
    assert len(entries) > 50
    assert not [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]


@pytest.mark.parametrize(
    "target", ["install", "demo", "up", "check", "test", "test-long", "bench", "chaos", "lock", "clean"]
)
def test_every_promised_target_exists(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_demo_and_test_do_not_depend_on_each_other() -> None:
    rules = dict(re.findall(r"^([a-z-]+):([^#\n]*)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert rules["demo"].split() == ["install"]
    assert "demo" not in rules["test"]


def test_ci_runs_the_tests_and_nothing_else() -> None:
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "make test"
    assert os.access(ROOT / ".ci/run", os.X_OK)
