"""Every command of the documents about boards, run as it is printed."""

from collections.abc import Callable

import pytest

DOCUMENTS: dict[str, dict[str, str]] = {
    "docs/microcontroller.md": {"B": "B", "C": "B", "runs/demo/bundle": "B"},
    "docs/integrate.md": {},
    "docs/report.md": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_runs(document: str, run_all: Callable) -> None:
    run_all(document, DOCUMENTS[document])
