"""Every command of the documents about streams, recordings and what belongs to a run, run as it is printed."""

from collections.abc import Callable

import pytest

DOCUMENTS: dict[str, dict[str, str]] = {
    "docs/streaming.md": {"B": "B", "R": "R", "DIR": "N"},
    "docs/datasets.md": {"DIR": "own"},
    "docs/bit_search.md": {"R": "R"},
}


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_runs(document: str, run_all: Callable) -> None:
    run_all(document, DOCUMENTS[document])
