"""nightmend schema: print the JSON Schema of the results."""

from pipeline.errors import ExitCode
from pipeline.reports import jsonl_schema


def command() -> ExitCode:
    """Print the JSON Schema of one line of `--output-format jsonl`."""
    print(jsonl_schema.text(), end="")
    return ExitCode.OK
