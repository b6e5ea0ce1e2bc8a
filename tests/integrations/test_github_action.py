"""The composite action, as far as it goes without GitHub: schema, linters, steps."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

from tests.support.integrations import (
    ROOT,
    TOOLS,
    bash,
    lint,
    loaded_yaml,
    pictures,
    stub,
    surroundings,
)
from tests.support.readers import read_junit, read_sarif, read_summary
from tests.support.schemas import ACTION, public_schema
from tests.support.workflow_commands import commands_in

DOCUMENT = cast(dict[str, Any], loaded_yaml("action.yml"))
STEPS = {step["name"]: step for step in DOCUMENT["runs"]["steps"]}
INSTALL, CHECK = STEPS["Install nightmend"], STEPS["Check the pictures"]
VALIDATOR = jsonschema.Draft7Validator(public_schema(ACTION))


def test_the_action_meets_the_public_schema() -> None:
    VALIDATOR.validate(DOCUMENT)


@pytest.mark.parametrize(
    "change",
    [
        {"runs": {**DOCUMENT["runs"], "using": "magic"}},
        {"runs": {"using": "composite", "steps": [{"run": "true"}]}},
        {"description": 5},
    ],
)
def test_the_schema_refuses_a_broken_action(change: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**DOCUMENT, **change})


def test_every_input_is_used_and_nothing_else() -> None:
    used = re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", json.dumps(CHECK["env"]))

    assert sorted(used) == sorted(DOCUMENT["inputs"])


@pytest.mark.parametrize("step", STEPS)
def test_no_input_becomes_part_of_a_script(step: str) -> None:
    assert "${{" not in STEPS[step]["run"]


def test_the_linters_find_nothing() -> None:
    shown = lint("zizmor", "--offline", "--no-progress", "action.yml")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    shown = lint(
        "shellcheck", "integrations/install.sh", "integrations/github-check.sh"
    )
    assert shown.returncode == 0, shown.stdout


def test_the_security_linter_sees_an_input_in_a_script(tmp_path: Path) -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    broken = text.replace(
        "run: NIGHTMEND=", "run: echo ${{ inputs.paths }}; NIGHTMEND="
    )
    (tmp_path / "action.yml").write_text(broken)

    shown = lint("zizmor", "--offline", "--no-progress", str(tmp_path / "action.yml"))

    assert shown.returncode != 0
    assert "template-injection" in shown.stdout


def runner(folder: Path) -> dict[str, str]:
    """Return what a runner sets; the tool is where the first step would put it."""
    temp = folder.parent / "temp"
    tool = temp / "nightmend/bin"
    tool.mkdir(parents=True)
    (tool / "nightmend").symlink_to(TOOLS / "nightmend")
    return surroundings(
        RUNNER_TEMP=str(temp),
        RUNNER_OS="Linux",
        GITHUB_OUTPUT=str(temp / "output"),
        GITHUB_STEP_SUMMARY=str(temp / "summary.md"),
        ACTION_PATH=str(ROOT),
    )


def inputs(**given: str) -> dict[str, str]:
    """Return the inputs as the check step gets them, with the action's defaults."""
    values = {name: one["default"] for name, one in DOCUMENT["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in given.items()}
    return {
        name: values[word[len("${{ inputs.") : -len(" }}")]]
        for name, word in CHECK["env"].items()
        if name.startswith("INPUT_")
    }


def test_the_check_step_annotates_summarises_and_fails(tmp_path: Path) -> None:
    place = pictures(tmp_path / "place")
    around = runner(place) | inputs(
        paths="art/fine.png\n\nart/new ones\n",
        arguments="--no-cache",
        sarif="out/results.sarif",
        junit="out/results.xml",
        report="out/report.html",
    )

    done = bash(CHECK["run"], place, around)

    assert done.returncode == 1, done.stdout + done.stderr
    (error,) = [one for one in commands_in(done.stdout) if one.name == "error"]
    assert error.properties["file"] == "art/new ones/black.png"
    assert Path(around["GITHUB_OUTPUT"]).read_text() == "exit-code=1\n"
    assert read_summary(Path(around["GITHUB_STEP_SUMMARY"]).read_text("utf-8"))
    (seen,) = read_sarif((place / "out/results.sarif").read_text())
    assert seen.path == "art/new ones/black.png"
    assert len(read_junit((place / "out/results.xml").read_text())) == 2
    assert (place / "out/report.html").read_text("utf-8").startswith("<!doctype html>")


def test_inputs_are_words_and_never_shell(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    said = tmp_path / "said"
    around = runner(place)
    tool = Path(around["RUNNER_TEMP"]) / "nightmend/bin"
    (tool / "nightmend").unlink()
    stub(tool, "nightmend", f'printf "%s\\n" "$@" >"{said}"; exit 3')
    evil = "$(touch evil)`touch evil`; touch evil; 'x\" *"

    done = bash(
        CHECK["run"],
        place,
        around
        | inputs(paths=evil, baseline=evil, changed_since="main", arguments=evil),
    )

    assert done.returncode == 3
    assert said.read_text().splitlines() == [
        *("check", "--output-format", "github"),
        *("--baseline", evil, "--changed-since", "main", evil, "--", evil),
    ]
    assert list(place.iterdir()) == []


def test_the_install_step_calls_the_installer_with_its_own_uv(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    log = tmp_path / "log"
    stubs = tmp_path / "stubs"
    note = f'echo "$(basename "$0") $*" >>"{log}"'
    stub(stubs, "ldconfig", "echo libGL.so.1 libEGL.so.1 libGLESv2.so.2")
    stub(stubs, "sudo", note)
    stub(
        stubs,
        "python3",
        f'{note}; mkdir -p "$3/bin"; cp "{stubs}/python3" "$3/bin/python"; true',
    )
    action = tmp_path / "action"
    stub(action / "integrations", "install.sh", f'{note}; echo "$PATH" >>"{log}"')
    around = runner(place)
    around["PATH"] = f"{stubs}:{around['PATH']}"

    done = bash(INSTALL["run"], place, around | {"ACTION_PATH": str(action)})

    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    temp = around["RUNNER_TEMP"]
    assert lines[0] == f"python3 -m venv {temp}/nightmend-uv"
    assert lines[1] == "python -m pip install --quiet uv"
    assert lines[2] == f"install.sh {temp}/nightmend"
    assert lines[3].startswith(f"{temp}/nightmend-uv/bin:")


def test_the_installer_pins_by_the_lock_and_takes_torch_for_processors(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    stubs = tmp_path / "stubs"
    stub(stubs, "uv", f'echo "$PWD: $*" >>"{log}"')
    stub(tmp_path / "to/bin", "nightmend", "echo nightmend 0")
    around = surroundings()
    around["PATH"] = f"{stubs}:{around['PATH']}"

    for torch in (None, "cu130", ""):
        more: dict[str, str] = {} if torch is None else {"NIGHTMEND_TORCH": torch}
        subprocess.run(
            [ROOT / "integrations/install.sh", "to"],
            cwd=tmp_path,
            env=around | more,
            check=True,
            capture_output=True,
        )

    lines = log.read_text().splitlines()
    assert all(line.startswith(f"{ROOT}: ") for line in lines)
    assert "export --quiet --locked" in lines[0]
    pip = [line for line in lines if " pip install " in line]
    assert [re.findall(r"--torch-backend (\S+)", line) for line in pip] == [
        *(["cpu"], ["cu130"], [])
    ]
    assert all(f"--python {tmp_path}/to" in line for line in pip)
    assert all(line.endswith(" .") and "--constraints" in line for line in pip)
