"""The GitLab template: by GitLab's own schema, and its script in a plain shell."""

from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

from tests.support.integrations import (
    bash,
    lint,
    loaded_yaml,
    pictures,
    surroundings,
)
from tests.support.readers import read_csv, read_gitlab, read_junit
from tests.support.schemas import GITLAB_CI, public_schema

NAME = "integrations/nightmend.gitlab-ci.yml"
DOCUMENT = cast(dict[str, Any], loaded_yaml(NAME))
JOB = DOCUMENT["nightmend"]
VALIDATOR = jsonschema.Draft7Validator(public_schema(GITLAB_CI))


def test_the_template_meets_gitlabs_schema() -> None:
    VALIDATOR.validate(DOCUMENT)


@pytest.mark.parametrize(
    "change",
    [
        {"script": {"run": "true"}},
        {"artifacts": {**JOB["artifacts"], "when": "sometimes"}},
        {"stages": "test"},
    ],
)
def test_the_schema_refuses_a_broken_template(change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**DOCUMENT, "nightmend": {**JOB, **change}})


def test_the_script_writes_every_artifact_that_the_job_names(tmp_path: Path) -> None:
    place = pictures(tmp_path / "place")
    variables = {**DOCUMENT["variables"], **JOB["variables"], "NIGHTMEND_PATHS": "art"}

    done = bash("\n".join(JOB["script"]), place, surroundings(**variables))

    assert done.returncode == 1, done.stdout + done.stderr
    assert "art/new ones/black.png: error NM201" in done.stdout
    reports = JOB["artifacts"]["reports"]
    (issue,) = read_gitlab((place / reports["codequality"]).read_text())
    assert issue.path == "art/new ones/black.png"
    assert len(read_junit((place / reports["junit"]).read_text())) == 2
    (folder,) = JOB["artifacts"]["paths"]
    names = {path.name for path in (place / folder).iterdir()}
    assert names == {"code-quality.json", "junit.xml", "results.csv", "report.html"}
    assert read_csv((place / folder / "results.csv").read_bytes().decode())
    (cache,) = JOB["cache"]["paths"]
    assert list((place / cache).iterdir())


def test_the_shell_linter_finds_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/bash\n" + "\n".join(JOB["script"]))

    shown = lint("shellcheck", "--exclude=SC2154", str(script))

    assert shown.returncode == 0, shown.stdout
