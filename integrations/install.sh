#!/usr/bin/env bash
# Install nightmend from this checkout into a fresh environment, for a machine without a
# GPU. Usage: install.sh FOLDER; afterwards FOLDER/bin/nightmend is there.
#
# The versions are those of uv.lock, so that a gate does not change over night. PyTorch
# comes from its index for processors, which saves gigabytes; set NIGHTMEND_TORCH to
# another of uv's backends (such as cu130, or auto), or to "" for the default index.
set -euo pipefail

folder=${1:?"usage: install.sh FOLDER"}
case $folder in
  /*) ;;
  *) folder=$PWD/$folder ;;
esac
torch=${NIGHTMEND_TORCH-cpu}
backend=()
if [ -n "$torch" ]; then
  backend=(--torch-backend "$torch")
fi

# uv takes the overrides of pyproject.toml from the folder it is started in.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
versions=$(mktemp)
trap 'rm -f "$versions"' EXIT

uv export --quiet --locked --no-dev --no-hashes --no-annotate --no-emit-project \
  --output-file "$versions"
uv venv --quiet --allow-existing "$folder"
uv pip install --quiet --python "$folder" "${backend[@]}" --constraints "$versions" .
"$folder/bin/nightmend" --version
