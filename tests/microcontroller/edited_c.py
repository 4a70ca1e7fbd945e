"""Stands in for a generator that writes wrong C: some bundles get, in place of their own C, the files put beside them.

As a program it runs a module so: python tests/microcontroller/edited_c.py microcontroller.bench --bundle=B
"""

import functools
import pathlib
import runpy
import sys

from export.bundle.folder import Bundle


def place(bundle: pathlib.Path) -> pathlib.Path:
    """Where the C of a bundle lies that is to be taken in place of its own."""
    return bundle.with_name(f"{bundle.name}.edited_c")


def install() -> None:
    """Makes `Bundle.c_files` look there first."""
    own = vars(Bundle)["c_files"].func

    def c_files(bundle: Bundle) -> dict[str, str]:
        folder = place(bundle.path)
        return {file.name: file.read_text() for file in folder.iterdir()} if folder.is_dir() else own(bundle)

    stand_in = functools.cached_property(c_files)
    stand_in.__set_name__(Bundle, "c_files")
    Bundle.c_files = stand_in


if __name__ == "__main__":
    install()
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
