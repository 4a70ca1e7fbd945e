"""Runs a command: absl flags in, one line on stderr and exit code 2 for what a user can mend.

A command module has three parts: `define_flags()`, a pure function that does the work with a frozen
dataclass of settings, and `main()`, which calls `run` below. Flags are defined when a command starts,
not when its module is imported, so that one command can import another.
"""

import errno
import json
import math
import os
import pathlib
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from absl import app, flags, logging

from kws_cli import atomic, held_folder, help_page, interrupts

USER_ERROR_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130
NO_READER_EXIT_CODE = 141
"""What a shell says of a program that SIGPIPE ended."""
EXTRAS = {
    **dict.fromkeys(
        ("tensorflow", "tensorflow_io", "tensorflow_model_optimization", "tf_keras", "h5py", "espeakng_loader"), "train"
    ),
    "ray": "sweep",
}
"""Packages that a small installation does without, and the extra of this project that brings them."""
_JSON_BEGINNINGS = (b"{", b"[")
_PAGE_BEGINNING = b"<!doctype html"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class UserError(Exception):
    """Something the user can put right; the message is one line that says how."""

    user_can_mend = True


def _parse_flags(argv: list[str]) -> list[str]:
    try:
        left = list(flags.FLAGS(argv))
    except flags.Error as error:
        _fail(f"{error} (see --help)")
    for name in flags.FLAGS:
        value = flags.FLAGS[name].value
        # No bound keeps NaN out, for it compares as neither below nor above.
        if flags.FLAGS[name].present and isinstance(value, float) and not math.isfinite(value):
            _fail(f"--{name}={value}: give a finite number (see --help)")
    return left


class _Help(flags.BooleanFlag):
    """`--help`, which prints a page and ends with 0."""

    def __init__(self, page: Callable[[], str]) -> None:
        super().__init__("help", False, "Print this.", short_name="h", allow_override=True)
        self._page = page

    def parse(self, argument: Any) -> None:
        if self._parse(argument):
            try:
                print(self._page(), flush=True)
            except OSError as error:
                _end_without_output(error)
            sys.exit(0)


def _program() -> str:
    """How this command was called: as a module, or by the name that its package was installed with."""
    spec = sys.modules["__main__"].__spec__
    return f"python -m {spec.name.removesuffix('.__main__')}" if spec else pathlib.Path(sys.argv[0]).name


def _fail(message: str) -> NoReturn:
    line = " ".join(str(message).split())
    print(f"error: {line}", file=sys.stderr)
    sys.exit(USER_ERROR_EXIT_CODE)


def run(work: Callable[[Any], None], define_flags: Callable[[], None]) -> None:
    """Parses the flags, calls `work(flags.FLAGS)` and turns what a user can mend into one line and exit code 2.

    That is an exception of a class with the attribute `user_can_mend = True`: `UserError`, which commands raise, and
    those of the library (`kws.datasets.DatasetError`, `export.BundleError`), which know nothing of commands.
    A setting that they name, as in `clips=-1`, is shown as the flag that gave it, `--clips=-1`. A full disk is one
    line, too, whichever library tells of it. Any other exception is a bug and shows its traceback.

    Ctrl-C ends with exit code 130; a command that can resume says so itself before that. Where nobody reads standard
    output any more, as after `| head`, the command ends with 141 and no word.
    """
    logging.set_verbosity(logging.WARNING)
    others = set(flags.FLAGS)
    define_flags()
    own = set(flags.FLAGS) - others

    def parse_flags(argv: list[str]) -> list[str]:
        text = sys.modules[define_flags.__module__].__doc__ or ""
        flags.DEFINE_flag(
            _Help(lambda: help_page.page(text, _program(), own))
        )  # in the place of absl's, defined by now
        return _parse_flags(argv)

    def absl_main(argv: list[str]) -> None:
        if len(argv) > 1:
            _fail(f"unexpected argument {argv[1]!r}: settings are given as --name=value (see --help)")
        interrupts.listen()
        try:
            require(**{flag.name: flag.value for flag in help_page.required(flags.FLAGS)})
            _check_json(flags.FLAGS["json"].value if "json" in own else None)
            with held_folder.of_command():
                work(flags.FLAGS)
            sys.stdout.flush()
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            sys.exit(INTERRUPTED_EXIT_CODE)
        except Exception as error:
            if not getattr(type(error), "user_can_mend", False):
                _end_without_output(error)
                _end_without_room(error)
                _end_without_package(error)
                raise
            _fail(with_flags(str(error), flags.FLAGS))

    app.run(absl_main, flags_parser=parse_flags)


def _end_without_output(error: Exception) -> None:
    """Ends the command if `error` is that standard output can't be written: then an empty line can't, either."""
    if not isinstance(error, OSError):
        return
    try:
        print(flush=True)
    except OSError as failed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again at exit
        if isinstance(failed, BrokenPipeError):
            sys.exit(NO_READER_EXIT_CODE)
        _fail(f"can't write to standard output: {failed.strerror}")


def _end_without_room(error: BaseException) -> None:
    """Ends the command if `error`, of whatever library, is that the disk is full."""
    cause: BaseException | None = error
    while cause is not None:
        # HDF5 and TensorFlow have errors of their own, which quote the system's.
        if getattr(cause, "errno", None) in _FULL or any(os.strerror(number) in str(cause) for number in _FULL):
            place = getattr(cause, "filename", None)
            where = f" for {place}" if place else ""
            _fail(f"{os.strerror(errno.ENOSPC)}{where}: free some and run again (a training goes on with --resume)")
        cause = cause.__cause__ or cause.__context__


def _end_without_package(error: Exception) -> None:
    """Ends the command if `error` is that a package is missing without which other commands do."""
    name = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if name in EXTRAS:
        _fail(f"this needs {name}, which is not installed: pip install 'fixed-point-kws[{EXTRAS[name]}]'")


def with_flags(message: str, values: flags.FlagValues) -> str:
    """`message` with `--` before each setting in it, name=value, that has the name and the value of a flag.

    One that is advised, as in "choose board=nrf51 or board=stm32f4", needs the name alone, and so does what is to be
    switched on, as in "fetch it with download=True". Of a list, such as --boards, a message may name one: board=nrf51.
    """
    for name in values:
        value = values[name].value
        if values[name].boolean:
            message = _replaced(message, f"{name}=True", f"--{name}")
        for text in value if isinstance(value, list) and name.endswith("s") else ():
            message = _replaced(message, f"{name.removesuffix('s')}={text}", f"--{name}={text}")
        message = re.sub(rf"(\b(?:choose|give|or) )({re.escape(name)}=)", r"\1--\2", message)
        for text in sorted(_spellings(value), key=len, reverse=True):
            message = _replaced(message, f"{name}={text}", f"--{name}={text}")
    return message


def _replaced(message: str, setting: str, flag: str) -> str:
    """`flag` wherever `setting` stands by itself, and not within a path, a flag or a longer value."""
    return re.sub(rf"(?<![\w/.=-]){re.escape(setting)}(?![\w/]|\.\w)", lambda found: flag, message)


def _spellings(value: Any) -> set[str]:
    """The ways in which a message may write a flag's value."""
    if isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    found = {str(value)}
    if isinstance(value, str):
        found.add(str(pathlib.PurePath(value)))
    if isinstance(value, float):
        found.add(f"{value:g}")
    return found - {""}


def define_json_flag() -> None:
    """Defines `--json`, the machine-readable output that every measuring command has."""
    flags.DEFINE_string("json", None, "Also write the result as JSON to this path ('-' for standard output).")


def define_required_flag(name: str, text: str, *, is_list: bool = False, is_repeated: bool = False) -> None:
    """Defines a flag without which the command does nothing: `run` refuses to begin, `--help` shows it first.

    Args:
      is_list: several values with commas between them.
      is_repeated: several values, the flag given again for each.
    """
    define = flags.DEFINE_multi_string if is_repeated else flags.DEFINE_list if is_list else flags.DEFINE_string
    define(name, None, text, module_name=help_page.REQUIRED)


def require(**values: Any) -> None:
    """Raises `UserError` for the first flag in `values` that is None or empty."""
    for name, value in values.items():
        if value in (None, "", []):
            raise UserError(f"--{name} is required: give --{name}=... (see --help)")


def say(text: str, json_path: str | None) -> None:
    """Prints text for a person: on stdout, or on stderr where stdout is promised to JSON."""
    print(text, file=sys.stderr if json_path == "-" else sys.stdout, flush=True)


def say_if_fewer(flag: str, asked: int | None, there: int, of_what: str, json_path: str | None) -> None:
    """Says that a flag asked for more than there is, so that the number that was taken surprises nobody.

    Args:
      asked: the flag's value; None where it asks for no number.
      there: how many there are, all of which were taken.
      of_what: what they are, in the plural.
      json_path: as of `say`.
    """
    if asked is not None and asked > there:
        say(f"--{flag}={asked}: there are {there} {of_what}, all of them were taken", json_path)


def _check_json(json_path: str | None) -> None:
    """Raises `UserError` where `--json` can't be written: before the work of which it is to tell, not behind it."""
    if json_path in (None, "", "-"):
        return
    try:
        atomic.check(json_path)
        if os.path.isfile(json_path) and not _begins(json_path, _JSON_BEGINNINGS):
            raise UserError(f"--json={json_path} exists and is no JSON file: give another path")
    except OSError as error:
        raise UserError(f"can't write --json={json_path}: {error.strerror}") from error


def write_json(result: dict[str, Any], json_path: str | None) -> None:
    """Writes `result` where `--json` asks for it: a path, '-' for stdout, None for nowhere."""
    if json_path is None:
        return
    text = json.dumps(result, indent=2, sort_keys=False) + "\n"
    if json_path == "-":
        sys.stdout.write(text)
        return
    path = pathlib.Path(json_path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_text(text, encoding="utf-8")  # a pipe or a device, which nothing may replace
        else:
            atomic.write_text(path, text)
    except OSError as error:
        raise UserError(f"can't write --json={json_path}: {error.strerror}") from error


def check_page(path: pathlib.Path, flag: str) -> None:
    """Raises `UserError` where `write_page` would, for a command that works long for its page.

    Args:
      flag: the setting that named `path`.
    """
    try:
        atomic.check(path)
        if path.is_file() and not _begins(path, (_PAGE_BEGINNING,)):
            raise UserError(f"--{flag}={path} exists and is no HTML page: give another path")
    except OSError as error:
        raise UserError(f"can't write --{flag}={path}: {error.strerror}: give another path") from error


def write_page(path: pathlib.Path, text: str, flag: str) -> None:
    """Writes an HTML page, whole or not at all, over a page of before and over no other file.

    Raises:
      UserError: `path` can't be written, or is a file that is no page.
    """
    check_page(path, flag)
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise UserError(f"can't write --{flag}={path}: {error.strerror}: give another path") from error


def _begins(path: str | pathlib.Path, beginnings: tuple[bytes, ...]) -> bool:
    """Whether a file begins with one of these, in small letters, as what may be written over it does; or is empty."""
    with open(path, "rb") as file:
        found = file.read(max(map(len, beginnings))).lower()
    return not found or found.startswith(beginnings)
