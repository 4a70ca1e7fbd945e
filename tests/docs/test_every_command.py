"""No command of a document is left to itself: a test runs it, or it stands with a reason among those that none runs."""

import importlib
import pathlib
import re
from collections import Counter

import documented
import pytest
import small_world
from documented import ROOT, Command
from not_run import NOT_RUN

HERE = pathlib.Path(__file__).parent
COMMANDS = [command for document in documented.DOCUMENTS for command in documented.commands(document)]
TEXT = """
Text with `python -m kws.cache` in it.

```sh
# A comment
KEY=1 python -m kws.train --words=a,"b c" \\
    --run_dir=R   # another
make demo

```

1. In a list

   ```console
   $ python -m kws.stream --audio=- < x.pcm
   make what is printed
   $ make help
   ```

```python
make = 1
```

    python -m kws.report

```
make test
$ .venv/bin/python -m kws.cache
```
"""


def test_commands_are_what_is_typed_in_blocks_of_shell() -> None:
    assert documented.commands("x.md", TEXT) == [
        Command("x.md", 6, 'KEY=1 python -m kws.train --words=a,"b c" --run_dir=R'),
        Command("x.md", 8, "make demo"),
        Command("x.md", 15, "python -m kws.stream --audio=- < x.pcm"),
        Command("x.md", 17, "make help"),
    ]


def test_commands_elsewhere_are_noticed() -> None:
    assert documented.overlooked(TEXT) == [
        "line 24: python -m kws.report",
        "line 27: make test",
        "line 28: $ .venv/bin/python -m kws.cache",
    ]


def test_documents_have_their_commands_in_blocks_of_shell() -> None:
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "models/README.md", "docs/trust.md"} <= {
        *documented.DOCUMENTS
    }
    assert len(COMMANDS) > 90
    found = [
        f"{document}, {line}"
        for document in documented.DOCUMENTS
        for line in documented.overlooked((ROOT / document).read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(["put them into ```sh, or ```console with $ before each, that they are run:", *found])


def test_every_document_with_commands_is_run_by_one_test() -> None:
    tests = [importlib.import_module(path.stem) for path in sorted(HERE.glob("test_*.py"))]
    run = Counter(
        document for test in tests for document in getattr(test, "DOCUMENTS", ()) if test.__name__ != "test_commands"
    )
    assert run == Counter({command.document: 1 for command in COMMANDS})


def test_what_is_not_run_is_in_a_document_and_says_why() -> None:
    gone = sorted(set(NOT_RUN) - {command.text for command in COMMANDS})
    assert not gone, f"no document has {gone}: take them out of tests/docs/not_run.py"
    for text, reason in NOT_RUN.items():
        (path,) = re.findall(r"tests/[\w/]+\.py", reason)
        assert (ROOT / path).is_file(), f"{path}, which is named for {text}"


def test_what_changes_commands_is_needed() -> None:
    modules = {module for command in COMMANDS for module in re.findall(r"-m ([\w.]+)", command.text)}
    of_make = set(re.findall(r"-m ([\w.]+)", (ROOT / "Makefile").read_text(encoding="utf-8")))
    said_next = {"export.convert"}
    assert set(small_world.SHRUNK) | set(small_world.LEFT_OUT) <= modules | of_make | said_next


def test_a_command_that_fails_is_told_from_one_that_does_not(tmp_path: pathlib.Path) -> None:
    world = small_world.made(tmp_path / "a world", f"{small_world.sys.executable} {HERE / 'small_world.py'}")
    assert world.run("python -m export.inspect --bundle=models/w4a4 | head -1; make help").returncode == 0
    assert world.run(".venv/bin/python -m export.inspect --bundle=models/none").returncode == 2
    assert world.run("python -m export.inspect --bundle=models/none | cat").returncode == 2
    assert world.run("python -m microcontroller.baseline --write").stdout == ""


@pytest.mark.parametrize("name", ["bin/python", ".venv/bin/python", "scripts/setup.sh"])
def test_a_world_stands_for_what_is_set_up(name: str, tmp_path: pathlib.Path) -> None:
    world = small_world.made(tmp_path / "w", "false")
    assert world.run(f"test -x {name}").returncode == 0
