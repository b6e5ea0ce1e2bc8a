"""Set-up that all tests share."""

from collections.abc import Generator, Iterator
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Escape what is no Unicode: reports travel as UTF-8, names here are hostile."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode())
        for name, text in report.sections
    ]
    return report
