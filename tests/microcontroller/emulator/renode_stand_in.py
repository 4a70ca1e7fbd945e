"""A program that does as Renode 1.16 does, as far as the bench can see: see `install`.

It starts slowly, by a launcher that stays its parent. It runs Monitor scripts: a file backend moves an earlier file
aside, creates the file, deletes it and creates it again; an error is printed and ends the scripts, not the program.
"""

import json
import os
import pathlib
import shutil
import sys
import time

CONFIG, PIDS = "renode_stand_in.json", "renode_stand_in.pids"
STARTUP_S = 0.3
_PROMPT = "(monitor) "


def install(
    folder: pathlib.Path,
    report: list[str],
    *,
    version: str = "Renode v1.16.1",
    fails: str = "",
    error: str = "",
    name: str = "renode",
) -> pathlib.Path:
    """Writes the program.

    Args:
      folder: for the program and `PIDS`, where a run writes the launcher's process number and its own.
      report: the lines that the firmware sends.
      version: what --version prints first.
      fails: a command that begins with this is an error.
      error: what it is told of, behind the words that all errors have.
    """
    settings = {"report": report, "version": version, "fails": fails, "error": error}
    (folder / CONFIG).write_text(json.dumps(settings))
    launcher = folder / name
    # The colon keeps the shell from becoming the program.
    launcher.write_text(f'#!{shutil.which("sh")}\n"{sys.executable}" "{__file__}" "{folder}" "$@"\n:\n')
    launcher.chmod(0o755)
    return launcher


def running(folder: pathlib.Path) -> list[int]:
    """Which processes of the last run are still there; a dead one that nobody asked about is not."""
    pids = [int(pid) for pid in (folder / PIDS).read_text().split()]
    return [pid for pid in pids if _state(pid) not in ("", "Z")]


def gone(folder: pathlib.Path, seconds: float = 20.0) -> bool:
    """Whether they all have ended, or do so in that time."""
    deadline = time.monotonic() + seconds
    while running(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(folder)


def _state(pid: int) -> str:
    try:
        return pathlib.Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


class ScriptError(Exception):
    """The command that ends all scripts."""


def _run(line: str, settings: dict, variables: dict[str, str]) -> None:
    """A line of a script; a semicolon begins another command."""
    for command in filter(None, map(str.strip, line.split(";"))):
        if settings["fails"] and command.startswith(settings["fails"]):
            raise ScriptError(f"There was an error executing command '{command}': \r\n{settings['error']}")
        words = [variables.get(word, word) for word in command.split()]
        if command.startswith("$"):
            name, _, value = command.partition("=")
            variables[name] = value
        elif words[0] == "include":
            _run_script(pathlib.Path(words[1].removeprefix("@")), settings, variables)
        elif words[1:2] == ["CreateFileBackend"]:
            variables["report"] = _file_backend(pathlib.Path(words[2].removeprefix("@")))
        elif words[:2] == ["emulation", "RunFor"] and settings["report"]:
            with open(variables["report"], "ab") as uart:
                uart.write("".join(f"{line}\n" for line in settings["report"]).encode())
            settings["report"] = []
        elif words[0] == "quit":
            sys.exit()
        elif words[0] not in ("using", "mach", "machine", "cpu", "sysbus", "usart2", "emulation"):
            raise ScriptError(f"No such command or device: {words[0]}")


def _run_script(path: pathlib.Path, settings: dict, variables: dict[str, str]) -> None:
    if not path.is_file():
        raise ScriptError(f"Could not find file '{path}'")
    for line in path.read_text().splitlines():
        if not line.startswith(("#", ":")):
            _run(line, settings, variables)


def _file_backend(path: pathlib.Path) -> str:
    if path.exists():
        path.rename(f"{path}.1")
    path.touch()
    time.sleep(0.1)
    path.unlink()
    time.sleep(0.2)
    path.touch(exist_ok=False)
    return str(path)


def main(folder: pathlib.Path, arguments: list[str]) -> None:
    """The program, as its launcher starts it."""
    settings = json.loads((folder / CONFIG).read_text())
    (folder / PIDS).write_text(f"{os.getppid()} {os.getpid()}")
    time.sleep(STARTUP_S)
    if arguments == ["--version"]:
        print(settings["version"], "  build type: Release", sep="\n")
        return
    if arguments[:3] != ["--disable-gui", "--console", "--plain"] or len(arguments) != 4:
        sys.exit(f"bad arguments {arguments}")
    print(f"{_PROMPT}i @{arguments[3]}", flush=True)
    try:
        _run(f"include @{arguments[3]}", settings, {})
    except ScriptError as error:
        first, _, rest = str(error).partition("\n")
        print(first, flush=True)
        time.sleep(0.1)
        print(rest, _PROMPT, sep="\r\n", end="", flush=True)
    # The console waits for commands.
    time.sleep(600)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
