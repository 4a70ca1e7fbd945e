"""The keywords of Renode 1.16 that bench.robot uses, over a report that was written before, and what runs them.

`python robot_stand_in.py TEST.robot FOLDER OUTPUT` runs the tests as renode-test does, with the report in
FOLDER/report.txt, and prints a JSON object: a message for each test, empty where it passed.
"""

import json
import pathlib
import re
import sys

REPORT = "report.txt"
_lines: list[str] = []
_failing: list[re.Pattern] = []


def execute_command(command: str) -> str:
    """Of the Monitor: an include of a setup beside the report, and the count of instructions."""
    if command == "sysbus.cpu ExecutedInstructions":
        return "0x0000000000123456\n"
    name, path = command.split(" @")
    assert name == "include" and pathlib.Path(path).is_file(), command
    _failing.clear()
    _lines[:] = pathlib.Path(path).with_name(REPORT).read_text().splitlines()
    return ""


def create_terminal_tester(uart: str, timeout: float, defaultPauseEmulation: bool) -> int:
    assert uart == "sysbus.usart2" and timeout and defaultPauseEmulation
    return 0


def start_emulation() -> None:
    assert _lines


def register_failing_uart_string(pattern: str, treatAsRegex: bool = False) -> None:
    _failing.append(re.compile(pattern if treatAsRegex else re.escape(pattern)))


def wait_for_line_on_uart(content: str, treatAsRegex: bool = False) -> str:
    """The line is found in, and the lines ahead of it, are gone afterwards."""
    for line in _lines:
        if any(pattern.search(line) for pattern in _failing):
            raise AssertionError(f"Test failing entry has been found on UART: {line}")
    expected = re.compile(content if treatAsRegex else re.escape(content))
    for number, line in enumerate(_lines):
        if expected.search(line):
            del _lines[: number + 1]
            return line
    raise AssertionError(f"time is up, waiting for {content}")


def main(test: str, folder: str, output: str) -> None:
    from robot.api import ExecutionResult, TestSuite

    suite = TestSuite.from_file_system(test)
    suite.resource.imports.create("Library", __file__)
    suite.run(variable=[f"FOLDER:{folder}"], output=output, log=None, report=None, console="none")
    tests = ExecutionResult(output).suite.tests
    print(json.dumps({test.name: "" if test.passed else test.message for test in tests}))


if __name__ == "__main__":
    main(*sys.argv[1:])
