"""What every test has in common: its caches are its own."""

import shutil
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stores of clips lie in a folder of this session, for the programs that tests start, too; a corpus is large."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_CACHE_DIR", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)
