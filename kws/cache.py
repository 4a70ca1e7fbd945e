"""The clips that are kept for other runs: what there is, whether it is whole, and room for more. `python -m kws.cache`.

--list                      (default) stores, the one used last first
--check                     the same, after reading all that they hold; exits with 1 where one is damaged
--prune [--keep_gb=N]       removes stores not used for longest until N GB are left; none that is in use
"""

import dataclasses
import pathlib
import sys
import time
from typing import Any

from absl import flags

from kws.datasets import DatasetConfig
from kws.stores import cache_dir, catalogue
from kws.stores.catalogue import DAMAGED, Entry
from kws_cli import command
from kws_cli.command import UserError
from kws_cli.settings import to_json
from kws_cli.table import aligned

_GB = 1e9
_DEFAULT_KEEP_GB = catalogue.MOST_BYTES / _GB
_KEY_DIGITS = 12
_ACTIONS = ("list", "check", "prune")
_AGES = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclasses.dataclass(frozen=True)
class CacheConfig:
    """What to do.

    Attributes:
      action: one of list, check, prune.
      cache_dir: the cache; None for the one that the environment names, or the user's own.
      keep_gb: what `prune` leaves at most, in 10**9 bytes; what is in use stays in any case.
    """

    action: str = "list"
    cache_dir: str | None = None
    keep_gb: float = _DEFAULT_KEEP_GB


def run(config: CacheConfig) -> dict[str, Any]:
    """Does it; returns JSON values: "cache_dir", "stores" that there are, "removed" ones, "bytes" of those that are.

    Raises:
      UserError: a store can't be removed.
    """
    folder = cache_dir.of_clips(config.cache_dir)
    removed: list[Entry] = []
    if config.action == "prune":
        try:
            removed = catalogue.prune(folder, int(config.keep_gb * _GB))
        except OSError as error:
            raise UserError(f"can't remove {error.filename}: {error.strerror}") from error
    found = catalogue.entries(folder, check=config.action == "check")
    return {
        "cache_dir": str(folder.parent),
        "bytes": sum(entry.size for entry in found),
        "stores": [_plain(entry) for entry in found],
        "removed": [_plain(entry) for entry in removed],
    }


def _plain(entry: Entry) -> dict[str, Any]:
    about = {name: entry.about.get(name) for name in ("dataset", "data_dir", "settings", "made")}
    own = {name: getattr(entry, name) for name in ("key", "state", "reason", "in_use", "clips", "size", "used")}
    return own | about


def table(result: dict[str, Any], now: float) -> str:
    """The stores for a person; `now` in seconds since the epoch."""
    lines = []
    for title, stores in (("removed", result["removed"]), (result["cache_dir"], result["stores"])):
        size = sum(store["size"] for store in stores)
        rows = [[*_row(store, now)] for store in stores]
        if rows:
            head = ["store", "clips", "MB", "made", "used", "state", "what"]
            lines += [f"{title}: {len(stores)} stores, {size / _GB:.2f} GB", *aligned([head, *rows])]
    return "\n".join(lines) or f"{result['cache_dir']}: no stores"


def _row(store: dict[str, Any], now: float) -> tuple[str, ...]:
    state = f"{store['state']}: {store['reason']}" if store["reason"] else store["state"]
    return (
        store["key"][:_KEY_DIGITS],
        str(store["clips"]),
        f"{store['size'] / 1e6:.0f}",
        "-" if store["made"] is None else _age(now - store["made"]),
        _age(now - store["used"]),
        f"{state}, in use" if store["in_use"] else state,
        _what(store),
    )


def _age(seconds: float) -> str:
    for unit, name in _AGES:
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name} ago"
    return "now"


def _what(store: dict[str, Any]) -> str:
    """The dataset, its folder, and settings other than by default, as flags spell them."""
    if store["dataset"] is None:
        return "-"
    default = to_json(DatasetConfig(store["dataset"]))
    changed = {name: value for name, value in store["settings"].items() if value != default.get(name)}
    parts = [store["dataset"], *([store["data_dir"]] if store["data_dir"] else [])]
    texts = {name: ",".join(value) if isinstance(value, list) else value for name, value in changed.items()}
    return " ".join([*parts, *(f"{name}={text}" for name, text in texts.items())])


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    flags.DEFINE_bool("list", False, "List the stores (what is done where nothing else is asked for).")
    flags.DEFINE_bool("check", False, "List the stores after reading all that they hold.")
    flags.DEFINE_bool("prune", False, "Remove the stores not used for longest.")
    flags.DEFINE_float("keep_gb", _DEFAULT_KEEP_GB, "GB that --prune leaves at most.", lower_bound=0)
    flags.DEFINE_string(
        "cache_dir", None, f"The cache (default: ${cache_dir.CACHE_DIR_VARIABLE}, or the user's own for this project)."
    )


def config_from_flags(values: flags.FlagValues) -> CacheConfig:
    """The settings that the flags spell. Raises `UserError` for flags that don't go together."""
    asked = [name for name in _ACTIONS if values[name].value]
    if len(asked) > 1:
        raise UserError(f"--{asked[0]} and --{asked[1]} exclude each other: give one")
    action = asked[0] if asked else "list"
    if values["keep_gb"].present and action != "prune":
        raise UserError(f"--keep_gb={values.keep_gb:g} is for --prune: add it, or leave --keep_gb out")
    if values.cache_dir and not pathlib.Path(values.cache_dir).is_dir():
        raise UserError(f"--cache_dir={values.cache_dir} is not a folder: give one that commands were given")
    return CacheConfig(action, values.cache_dir, values.keep_gb)


def main() -> None:
    """The command `python -m kws.cache`."""

    def work(values: flags.FlagValues) -> None:
        result = run(config_from_flags(values))
        command.say(table(result, time.time()), values.json)
        command.write_json(result, values.json)
        if any(store["state"] == DAMAGED for store in result["stores"]):
            print("a damaged store is made again when it is used next", file=sys.stderr)
            sys.exit(1)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
