"""The container file and the compose example: what can be said of them without building them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from cephsure import __version__

yaml = pytest.importorskip("yaml", reason="compose files are read with PyYAML")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NO_RIGHTS = re.compile(r"[1-9]\d{3,}:[1-9]\d{3,}")
PINNED = re.compile(r"[\w./-]+:\d+\.\d+[\w.-]*")


@pytest.fixture(scope="module")
def instructions():
    """The Dockerfile's instructions: name and words, lines put together."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(" ", 1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def words(instructions, name):
    return [rest for instruction, rest in instructions if instruction == name]


def test_every_instruction_is_one(instructions):
    known = ("FROM", "WORKDIR", "COPY", "RUN", "LABEL", "USER", "ENV", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK")
    assert {name for name, _ in instructions} <= {*known, "ENTRYPOINT", "CMD"}
    assert instructions[0][0] == "FROM"


def test_bases_are_pinned_by_a_tag(instructions):
    bases = [rest.split()[0] for rest in words(instructions, "FROM")]
    assert all(PINNED.fullmatch(base) for base in bases)
    (version,) = {re.search(r":(\d+)\.(\d+)", base).groups() for base in bases}
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    assert tuple(map(int, version)) >= tuple(map(int, needed.removeprefix(">=").split(".")))


def test_the_image_runs_without_rights(instructions):
    last = len(instructions) - 1 - [name for name, _ in instructions][::-1].index("FROM")
    final = instructions[last:]
    assert all(NO_RIGHTS.fullmatch(user) for user in words(final, "USER"))
    after_user = final[[name for name, _ in final].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & {name for name, _ in after_user}


def test_the_install_is_light(instructions):
    (run,) = words(instructions, "RUN")
    assert '".[serve,dicom]"' in run
    assert "-c constraints.txt" in run
    assert '! /opt/cephsure/bin/python -c "import torch"' in run
    copied = " ".join(words(instructions, "COPY")).split()
    context = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "src"):
        assert name in copied
        assert f"!{name}" in context
        assert (ROOT / name).exists()


def test_the_command_is_one_that_the_program_has(instructions):
    (entry,), (more,) = words(instructions, "ENTRYPOINT"), words(instructions, "CMD")
    command = [*json.loads(entry), *json.loads(more)]
    assert command[:2] == ["cephsure", "serve"]
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert all(f"`{word} " in page for word in command if word.startswith("--"))
    assert "EXPOSE" in {name for name, _ in instructions}
    assert command[command.index("--port") + 1] == words(instructions, "EXPOSE")[0]


def test_the_health_check_asks_the_service(instructions):
    (check,) = words(instructions, "HEALTHCHECK")
    program = json.loads(check.partition(" CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "healthcheck", "exec")
    assert "http://127.0.0.1:8000/v1/health" in program[2]


def test_the_composed_service_can_write_nowhere_but_to_tmp(compose):
    service = compose["services"]["cephsure"]
    assert service["read_only"] is True
    assert NO_RIGHTS.fullmatch(service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert [place.split(":")[0] for place in service["tmpfs"]] == ["/tmp"]  # noqa: S108 - the container's
    assert "volumes" not in service
    assert service["image"] == f"cephsure:{__version__}"


def test_nothing_listens_beyond_this_machine(compose):
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert "privileged" not in service


def test_secrets_and_files_fit_together(compose):
    service, orthanc = compose["services"]["cephsure"], compose["services"]["orthanc"]
    assert service["secrets"] == list(compose["secrets"])
    assert f"/run/secrets/{service['secrets'][0]}" in service["command"]
    assert "/deploy/cephsure-token" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert PINNED.fullmatch(orthanc["image"])
    settings = json.loads((DEPLOY / "orthanc.json").read_text("utf-8"))
    assert settings["AuthenticationEnabled"] is True
    assert settings["RegisteredUsers"] == {"clinic": "${ORTHANC_PASSWORD}"}
    assert settings["DicomAlwaysAllowStore"] is False
    assert any(place.startswith("./orthanc.json:") and place.endswith(":ro") for place in orthanc["volumes"])
