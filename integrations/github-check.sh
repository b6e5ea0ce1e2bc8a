#!/usr/bin/env bash
# The check of the composite action: its inputs arrive as environment variables, so that
# no text of a stranger is ever read as shell code.
set -uo pipefail

# One path or argument a line, so that both may hold blanks.
lines() { grep -v '^[[:space:]]*$' <<<"$1" || true; }
mapfile -t paths < <(lines "${INPUT_PATHS:-.}")
mapfile -t arguments < <(lines "${INPUT_ARGUMENTS:-}")

formats=(--output-format github)
add() {
  if [ -n "$2" ]; then
    mkdir -p -- "$(dirname -- "$2")"
    formats+=(--output-format "$1=$2")
  fi
}
add sarif "${INPUT_SARIF:-}"
add junit "${INPUT_JUNIT:-}"
add html "${INPUT_REPORT:-}"

options=()
if [ -n "${INPUT_FAIL_ON:-}" ]; then options+=(--fail-on "$INPUT_FAIL_ON"); fi
if [ -n "${INPUT_CONFIG:-}" ]; then options+=(--config "$INPUT_CONFIG"); fi
if [ -n "${INPUT_BASELINE:-}" ]; then options+=(--baseline "$INPUT_BASELINE"); fi
if [ -n "${INPUT_CHANGED_SINCE:-}" ]; then
  options+=(--changed-since "$INPUT_CHANGED_SINCE")
fi

"${NIGHTMEND:-nightmend}" check "${formats[@]}" "${options[@]}" "${arguments[@]}" \
  -- "${paths[@]}"
code=$?
printf 'exit-code=%s\n' "$code" >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
