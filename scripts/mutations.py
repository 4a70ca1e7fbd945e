"""Small changes to the source of a module that leave it Python: numbers by one, arithmetic, comparisons, and, or, not.

The changes are Cosmic Ray's operators. Of these only near ones are here, since it is the neighbour of a bound that a
test may miss: 1 more or less, <= for <, + for -. What stands in an annotation or a decorator, and what no longer
parses, is no change.
"""

import ast
import dataclasses
import difflib
import random
from collections.abc import Iterator, Mapping

import cosmic_ray.ast
import cosmic_ray.mutating
import cosmic_ray.plugins

_ARITHMETIC = ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Div_Mul", "Mod_FloorDiv", "Pow_Mul")
_BITS = ("LShift_RShift", "RShift_LShift", "BitAnd_BitOr", "BitOr_BitAnd", "BitXor_BitOr")
_COMPARISONS = ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq", "Lt_Gt", "Gt_Lt")
OPERATORS = (
    "core/NumberReplacer",
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in (*_ARITHMETIC, *_BITS)),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in _COMPARISONS),
    "core/ReplaceUnaryOperator_Delete_USub",
    "core/ReplaceUnaryOperator_Delete_Not",
    "core/ReplaceAndWithOr",
    "core/ReplaceOrWithAnd",
    "core/ReplaceTrueWithFalse",
    "core/ReplaceFalseWithTrue",
)
"""Of Cosmic Ray, by its names for them."""

Position = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Change:
    """One operator at one of the places where it applies.

    Attributes:
      operator: one of `OPERATORS`.
      occurrence: which of its places in the module, from 0.
      position: line, from 1, and column, from 0.
    """

    operator: str
    occurrence: int
    position: Position


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes:
      path: of the module, POSIX, from the project's root.
      change: what was changed.
      source: the whole changed module.
      diff: lines taken away and added, "-" and "+" in front.
    """

    path: str
    change: Change
    source: str
    diff: tuple[str, ...]


def changes(source: str) -> dict[Position, list[Change]]:
    """All changes of a module by their place, in the order of the source."""
    tree, left_out = cosmic_ray.ast.get_ast(source), list(_left_out(source))
    found: dict[Position, list[Change]] = {}
    for name in OPERATORS:
        operator = cosmic_ray.plugins.get_operator(name)()
        places = (place for node in cosmic_ray.ast.ast_nodes(tree) for place in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start < last for first, last in left_out):
                found.setdefault(start, []).append(Change(name, occurrence, start))
    return dict(sorted(found.items()))


def _left_out(source: str) -> Iterator[tuple[Position, Position]]:
    """Where each annotation and each decorator begins and ends."""
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        for part in [*parts, *getattr(node, "decorator_list", ())]:
            if isinstance(part, ast.expr):
                yield (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


def mutated(path: str, source: str, change: Change) -> Mutant | None:
    """The module with a change; None where it is then no Python, or the same."""
    operator = cosmic_ray.plugins.get_operator(change.operator)()
    text = cosmic_ray.mutating.mutate_code(source, operator, change.occurrence)
    if text is None or not _parses(text) or ast.dump(ast.parse(text)) == ast.dump(ast.parse(source)):
        return None
    lines = list(difflib.unified_diff(source.splitlines(), text.splitlines(), lineterm="", n=0))[2:]
    return Mutant(path, change, text, tuple(line for line in lines if not line.startswith("@@")))


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def sample(sources: Mapping[str, str], count: int, seed: int) -> list[Mutant]:
    """Mutants drawn without replacement: first the place, each as likely as the next, then what is changed there.

    Args:
      sources: path -> source of each module.
      count: how many; there are fewer where there are fewer places.
    """
    rng = random.Random(seed)
    places = [(path, options) for path in sorted(sources) for options in changes(sources[path]).values()]
    rng.shuffle(places)
    made: list[Mutant] = []
    for path, options in places:
        if len(made) == count:
            break
        mutant = mutated(path, sources[path], rng.choice(options))
        made += [mutant] if mutant else []
    return made
