"""The page of `--help`: required flags first, then the command's own, then those of settings, as they were defined."""

import dataclasses

from absl import flags

from kws_cli import help_page, setting_flags
from kws_cli.settings import setting


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Settings of their own."""

    gain: float = setting(0.5, "Gain.", lowest=0, highest=2)
    count: int = setting(3, "How many (default: three).", lowest=1)
    kind: str = setting("room", "What.", choices=("room", "noise"))
    bits: tuple[int, ...] = setting((8, 4), "Widths.", item="a width")


def page() -> str:
    values = flags.FlagValues()
    flags.DEFINE_bool("absls", False, "No flag of the command.", values)
    flags.DEFINE_bool("zeal", False, "Own, first.", values)
    setting_flags.define_flags(AugmentConfig, values=values)
    flags.DEFINE_string("apple", None, "Own, second.", values)
    flags.DEFINE_multi_string("only", [], "Own, third.", values)
    flags.DEFINE_string("bundle", None, "A folder.", values, module_name=help_page.REQUIRED)
    return help_page.page("Does it.\n", "python -m it", set(values) - {"absls"}, values)


def test_the_page() -> None:
    assert page().splitlines() == [
        "Does it.",
        "",
        "usage: python -m it --bundle=... [--flag=value ...]",
        "",
        "required:",
        "  --bundle=TEXT             A folder.",
        "",
        "options:",
        "  --[no]zeal                Own, first.",
        "  --apple=TEXT              Own, second.",
        "  --only=TEXT               Own, third.",
        "",
        "augment settings:",
        "  --gain=X                  Gain. (0 to 2; default: 0.5)",
        "  --count=N                 How many (default: three). (at least 1)",
        "  --kind=room|noise         What. (default: room)",
        "  --bits=A,B                Widths. (default: 8,4)",
    ]
