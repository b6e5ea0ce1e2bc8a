"""What the page on builds tells is true."""

import re
from typing import Any, cast

import pytest
import yaml

from pipeline.cli.main import main
from pipeline.cli.outputs import FORMATS
from tests.support.integrations import ROOT, loaded_yaml

PAGE = (ROOT / "docs/ci.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_format_has_its_row_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(FORMATS)


def test_every_file_that_is_named_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / link).resolve().exists(), link
    for name in re.findall(r"integrations/[\w.-]+", PAGE):
        assert (ROOT / name).exists(), name


def test_the_commands_and_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.findall(r"^nightmend ((?:baseline )?\w+)(.*?)(?:#|$)", _shell(), re.M)

    assert len(shown) >= 4
    for command, words in shown:
        assert main([*command.split(), "--help"]) == 0
        help_text = capsys.readouterr().out
        for option in re.findall(r"--[\w-]+", words):
            assert f"{option} " in help_text, f"{command} {option}"


def _shell() -> str:
    return "\n".join(blocks("sh"))


def test_the_examples_use_what_the_integrations_offer() -> None:
    action = cast(dict[str, Any], loaded_yaml("action.yml"))
    hooks = cast(list[dict[str, Any]], loaded_yaml(".pre-commit-hooks.yaml"))
    gitlab = cast(dict[str, Any], loaded_yaml("integrations/nightmend.gitlab-ci.yml"))
    workflow, include, config = (yaml.safe_load(text) for text in blocks("yaml"))

    used = workflow["jobs"]["pictures"]["steps"][1]["with"]
    assert set(used) <= set(action["inputs"])
    assert set(include["variables"]) <= set(gitlab["variables"])
    named = {hook["id"] for hook in config["repos"][0]["hooks"]}
    assert named <= {hook["id"] for hook in hooks}
    for name in re.findall(r"`([\w-]+)`", PAGE.split("More inputs:")[1].split(".")[0]):
        assert name in action["inputs"] or name in action["outputs"]
