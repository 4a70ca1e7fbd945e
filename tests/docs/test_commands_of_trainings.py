"""Every command of the documents about trainings and their results, run as it is printed."""

from collections.abc import Callable

import pytest

DOCUMENTS: dict[str, dict[str, str]] = {
    "docs/results.md": {},
    "docs/scale.md": {},
    "models/README.md": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_runs(document: str, run_all: Callable) -> None:
    run_all(document, DOCUMENTS[document])
