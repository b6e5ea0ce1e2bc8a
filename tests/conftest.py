"""Set-up that all tests share."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import settings

# How long one example takes says more about the machine than about the code.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

_numbers = count()


@pytest.fixture(autouse=True)
def _own_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give every test a cache of its own, so that none recalls what another saw."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.getbasetemp() / f"cache-{next(_numbers)}"
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield
