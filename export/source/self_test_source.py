"""Writes what a part's C needs to test its own tables on the device, for `microcontroller/self_test`.

It stands behind `#ifdef FXP_CHECK_TABLES`: whoever does not define it has neither code nor data of it.
"""

import dataclasses
import re
import zlib
from collections.abc import Sequence

import numpy as np

GUARD = "FXP_CHECK_TABLES"
PARTS = ("model", "stream", "frontend", "detector")
"""What has a function of its own, fxp_<part>_self_test."""
_HEADER = "fxp_check_tables.h"
_BLOCK = re.compile(rf"\n^#ifdef {GUARD}$.*?^#endif\n", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Checked:
    """A table that is compared with its checksum.

    Attributes:
      expression: what C calls it.
      crc32: of its bytes, as a little-endian core has them.
    """

    expression: str
    crc32: int


@dataclasses.dataclass(frozen=True)
class Copied:
    """A table that holds addresses and is compared with a second copy.

    Attributes:
      declaration: of the table, up to its name and without `static`; what follows the name stands in `dimensions`.
      name: of the table.
      initializer: of both.
    """

    declaration: str
    name: str
    initializer: str
    dimensions: str = ""

    @property
    def copy(self) -> str:
        return f"static {self.declaration} {self.name}_copy{self.dimensions} = {self.initializer};\n"


def array(name: str, values: np.ndarray) -> Checked:
    """An array of numbers, or of structs of them without padding, that C calls `name`."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return Checked(name, zlib.crc32(np.ascontiguousarray(little).tobytes()))


def text(literal: str, value: str) -> Checked:
    """A C literal, which a compiler keeps once in a file; its last byte is a zero."""
    return Checked(literal, zlib.crc32(value.encode() + b"\0"))


def function(part: str, tables: Sequence[Checked | Copied]) -> str:
    """The function `fxp_<part>_self_test` and the list of tables that it goes through."""
    rows = "".join(f"    {_row(table)},\n" for table in tables)
    copies = "".join(table.copy for table in tables if isinstance(table, Copied))
    name = f"fxp_{part}_tables"
    return f"""\
#ifdef {GUARD}
#include "{_HEADER}"

// clang-format off
{copies}static const fxp_checked_table {name}[] = {{
{rows}}};
// clang-format on

const fxp_checked_table *fxp_{part}_self_test(void) {{
    const uint32_t count = (uint32_t)(sizeof {name} / sizeof {name}[0]);
    return fxp_check_tables({name}, count);
}}
#endif
"""


def without(text: str) -> str:
    """Generated C for whoever has no use for the test: a package, which ships none of `microcontroller/self_test`."""
    return _BLOCK.sub("", text)


def _row(table: Checked | Copied) -> str:
    if isinstance(table, Checked):
        return f"{{{table.expression}, NULL, sizeof({table.expression}), 0x{table.crc32:08x}u}}"
    name = table.name
    return f"{{&{name}, &{name}_copy, sizeof({name}), ~(uint32_t)sizeof({name})}}"
