"""Generated C as a shared library of this machine: compiled, loaded, called, closed."""

import _ctypes
import ctypes
import dataclasses
import hashlib
import pathlib
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np

from export.host import compiler, kept_objects
from export.host.host_error import HostError
from kws_cli import atomic, held_folder, user_cache
from microcontroller.c_sources import CSources

POINTER, COUNT, INTEGER, TEXT = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int32, ctypes.c_char_p
"""Types of arguments and results in `LibraryDefinition.functions`; the result of a function that has none is None."""

_NAME = "library.so"
_HASH = "library.sha256"
# Of C for the host alone.
_HOST_HEADERS = pathlib.Path(__file__).parent
# Bytes of a line of a cache: more than any C of the project asks for.
_ALIGNMENT = 64


@dataclasses.dataclass(frozen=True)
class LibraryDefinition:
    """What a library is compiled from, and how it is called.

    Attributes:
      part: the project's own C.
      binding: the file of the part's `host` folder that shows it to ctypes.
      generated: names of the generated files.
      prefix: with which its functions' names begin.
      functions: name without the prefix -> types of the result and of the arguments.
      remedy: what to do where generated files are missing or don't compile.
      apart: whether the part's C, without the binding, includes nothing generated, so that one compilation serves all.
    """

    part: Callable[[], CSources]
    binding: str
    generated: tuple[str, ...]
    prefix: str
    functions: Mapping[str, tuple[Any, ...]]
    remedy: str = compiler.REMEDY
    apart: bool = False

    def files(self) -> list[pathlib.Path]:
        """The project's C files, the binding last."""
        part = self.part()
        return [*part.files, part.host / self.binding]

    def compile(self, c_folder: pathlib.Path, library: pathlib.Path) -> pathlib.Path:
        """Compiles them with the generated files in `c_folder`. Raises `HostError`, as `compile_library` does."""
        includes = self.includes()
        if not self.apart:
            return compiler.compile_library(c_folder, self.generated, self.files(), includes, library, self.remedy)
        compiler.check_written(c_folder, self.generated, self.remedy)
        *files, binding = self.files()
        with held_folder.made("fxp-objects-") as folder:
            objects = compiler.compile_objects(folder, files, includes, self.headers())
            return compiler.compile_library(
                c_folder, self.generated, [binding], includes, library, self.remedy, objects=objects
            )

    def includes(self) -> tuple[pathlib.Path, ...]:
        """Folders of the headers."""
        return (*self.part().include_folders, _HOST_HEADERS)

    def headers(self) -> tuple[pathlib.Path, ...]:
        """All that are not generated."""
        return (*self.part().headers, *sorted(_HOST_HEADERS.glob("*.h")))

    def content_hash(self, c_folder: pathlib.Path) -> str:
        """SHA-256 of all that a library depends on: machine, compiler, flags and files. Raises `HostError`."""
        build = (
            *kept_objects.surroundings(compiler.path(), compiler.version()),
            *compiler.C_FLAGS,
            *compiler.HOST_FLAGS,
        )
        digest = hashlib.sha256(" ".join(build).encode(errors="surrogateescape"))
        for file in [*(c_folder / name for name in self.generated), *self.files(), *self.headers()]:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()


class HostLibrary:
    """A library of generated C. A context manager; closing (or collecting) it unloads the library.

    A subclass has a `definition`.
    """

    definition: ClassVar[LibraryDefinition]

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        self._library = ctypes.CDLL(str(library))
        self._finalizer = weakref.finalize(self, _ctypes.dlclose, self._library._handle)
        for name, (result, *arguments) in self.definition.functions.items():
            function = getattr(self._library, self.definition.prefix + name)
            function.restype, function.argtypes = result, arguments

    @classmethod
    def build(cls, c_folder: str | pathlib.Path, build_dir: str | pathlib.Path | None = None) -> Self:
        """Compiles the generated C in a folder (a bundle's `c_folder`) and loads it.

        Args:
          build_dir: keeps the library here, named by the hash of everything that went into it, and uses it again;
            None builds in a temporary folder that is gone when this returns.

        Raises:
          HostError: no compiler, a file missing, or C that does not compile.
        """
        c_folder = pathlib.Path(c_folder)
        if build_dir is not None:
            return cls(cls._kept(c_folder, pathlib.Path(build_dir)))
        with held_folder.made("fxp-host-") as folder:
            return cls(cls.definition.compile(c_folder, folder / _NAME))

    @classmethod
    def _kept(cls, c_folder: pathlib.Path, build_dir: pathlib.Path) -> pathlib.Path:
        compiler.check_written(c_folder, cls.definition.generated, cls.definition.remedy)
        place = build_dir / cls.definition.content_hash(c_folder)
        if not _is_whole(place):
            try:
                with atomic.writing(place) as fresh:
                    fresh.mkdir(mode=0o700)
                    library = cls.definition.compile(c_folder, fresh / _NAME)
                    (fresh / _HASH).write_text(_sha256(library), encoding="ascii")
            except OSError as error:
                raise HostError(f"can't write build folder {build_dir}: {error.strerror}") from error
        return place / _NAME

    def close(self) -> None:
        """Unloads the library; it can't be called afterwards. Closing twice does no harm."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, name: str, *arguments: Any) -> Any:
        """Calls a function of the definition, with the addresses of arrays. Raises `ValueError` once closed."""
        if not self._finalizer.alive:
            raise ValueError(f"this {type(self).__name__} is closed: build it again")
        plain = (value.ctypes.data if isinstance(value, np.ndarray) else value for value in arguments)
        return getattr(self._library, self.definition.prefix + name)(*plain)

    def _text(self, name: str, *arguments: int) -> str:
        return str(self._call(name, *arguments).decode())

    def _numbers(self, name: str, count: int, *arguments: int) -> tuple[int, ...]:
        """What a function writes to its last argument, uint32 [count]."""
        numbers = np.zeros(count, np.uint32)
        self._call(name, *arguments, numbers)
        return tuple(numbers.tolist())


def _is_whole(place: pathlib.Path) -> bool:
    """Whether a kept library is as it was written, in a folder that nobody else may write: a damaged one can end the
    process that loads it, and whoever else can write it runs in this user's name."""
    try:
        said = (place / _HASH).read_bytes()
        return user_cache.is_own(place) and said == _sha256(place / _NAME).encode()
    except OSError:
        return False


def _sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def memory(size: int) -> np.ndarray:
    """Memory of arbitrary content, int8 [size], aligned as the C needs it."""
    block = np.full(size + _ALIGNMENT, 0x5A, np.int8)
    start = -block.ctypes.data % _ALIGNMENT
    return block[start : start + size]
