"""Texts without keywords, to be spoken: sentences of a small grammar, and lists of words.

The words of a split are its own (the parts of speech are dealt out to the splits); what is between them is shared.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from kws.datasets.clip import SPLITS
from kws.datasets.word_folders import as_said


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NOUNS = _words(
    "garden river window table mountain letter kitchen doctor market village bottle summer winter engine picture "
    "teacher sister brother farmer castle bridge island forest station ticket machine basket blanket butter button "
    "camera candle carpet ceiling chicken circle coffee corner cotton cousin curtain desert diamond dinner donkey "
    "dragon driver feather finger flower friend future guitar hammer harbor hunter jacket jungle ladder leather lemon "
    "library lion magnet meadow medal metal minute mirror money monkey morning mother museum napkin needle number "
    "office orange oven painter palace paper parrot pencil pepper piano pillow pilot planet pocket potato powder "
    "president prison problem pumpkin rabbit record ribbon robot rocket sailor salad sandwich school season shadow "
    "sheep shoulder signal silver singer soldier spider spoon sugar sunset sweater temple theater thunder tiger "
    "tomato tower tractor treasure tunnel turtle uncle valley vegetable violin volcano wagon waiter water weather "
    "wedding whistle wizard yellow zebra apple bread brick cloud coat cow crowd dream dust earth field flag frog "
    "glass goat grass ground hat horse ice juice knife lake leaf map milk moon mouse nest nut owl pan pen pig plate "
    "queen rain road roof rope salt sand ship shoe smoke snow song soup star storm tent toy train wall wheel wind "
    "wolf wood"
)
_VERBS = _words(
    "carried watched painted followed cleaned opened finished repaired collected borrowed remembered noticed "
    "described visited discovered covered delivered measured ordered protected reached received removed returned "
    "searched selected studied supported touched wanted washed welcomed answered bought built caught counted crossed "
    "destroyed drew drove found forgot gave heard held hid hurt kept knew left liked lost loved made met moved needed "
    "passed planted played pulled pushed put raised read sent shared showed sold stole taught threw took used won "
    "wrote"
)
_ADJECTIVES = _words(
    "ancient broken careful clever dangerous distant empty enormous famous foreign friendly gentle golden hidden "
    "hollow honest hungry lazy lonely lucky modern narrow noisy orange patient peaceful perfect pleasant polite "
    "popular private public quiet rapid serious several silent simple sleepy special strange sudden terrible thirsty "
    "tiny usual violent wooden wonderful young bitter bright brown calm cheap clean cold cool dark deep dry early "
    "fair fast fresh green grey hard heavy huge kind large late loud new old pale poor pretty proud red rich rough "
    "round sad safe sharp short slow small soft sour strong sweet tall thick thin warm weak wet white wide wild wise"
)
_NAMES = _words(
    "Peter Mary Thomas Anna Robert Julia Michael Sarah David Laura Daniel Emma Samuel Helen Martin Clara Victor Alice "
    "Oscar Nina Hector Paula Simon Ruth Edward Grace Albert Irene Walter Rose"
)
# What invented words are made of, syllable by syllable: sounds in any order, which no list of words has all of.
_ONSETS = _words(
    "b bl br ch d dr f fl fr g gl gr h j k kl kr kw l m n p pl pr r s sh sk sl sm sn sp st str sw t th tr tw v w y z"
)
_VOWELS = _words("a e i o u ay ee ie oa oo ow ar er or ai")
_CODAS = (
    "",
    "",
    "",
    *_words("b ck d ft g ld lk lp lt m mp n nd ng nk nt p pt rd rk rm rn rp rt s sh sk sp ss st t th z"),
)
_SYLLABLES = (0.5, 0.35, 0.15)
_SHARES = (0.6, 0.2, 0.2)
_TEMPLATES = (
    "the {a} {n} {v} the {n}",
    "{p} {v} a {a} {n} near the {n}",
    "in the evening the {n} was very {a}",
    "did you see the {a} {n} beside the {n}",
    "I think that {p} {v} every {n} because the {n} was {a}",
    "when the {n} came back, {p} {v} it again",
    "there were many {a} people in that {n}",
    "please bring me the {n} and a {a} {n}",
    "she said that the {n} could be {a}",
    "{p} and {p} {v} the same {n}",
    "we had been waiting for the {a} {n} since the {n} {v} us",
    "my {n} is much more {a} than your {n}",
    "what happened after the {n} {v} {p}",
    "it was the best {n} that {p} ever {v}",
    "nobody knows why the {a} {n} {v} this {n}",
    "after a while the {n} became {a}",
)
_ENDINGS = ("", "s", "es", "ed", "d", "ing", "er", "ers", "'s")
_TRIES = 40
_LIST_SHARE = 0.5
_LIST_WORDS = (2, 6)
# Of the words in a list, those that are invented.
_INVENTED_SHARE = 0.5
# How often a list has a part of a keyword of several words in it: "stop" of "stop it".
_PART_SHARE = 0.25


def says(text: str, keyword: str) -> bool:
    """Whether a text says a keyword: all of its words in a row, each as it is or with an English ending."""
    spoken, wanted = _tokens(text), _tokens(keyword)
    return any(
        all(_is_form(one, word) for one, word in zip(spoken[start : start + len(wanted)], wanted, strict=True))
        for start in range(len(spoken) - len(wanted) + 1)
    )


def invented(split: str, count: int) -> list[str]:
    """So many words that are none, of one to three syllables; the same ones always, and no word in two splits."""
    rng = np.random.default_rng(1)
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = 1 + int(rng.choice(len(_SYLLABLES), p=_SYLLABLES))
        word = "".join(_one_of(part, rng) for _ in range(syllables) for part in (_ONSETS, _VOWELS, _CODAS))
        if _split_of(word) == split:
            found[word] = None
    return list(found)


def _one_of(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


def _split_of(word: str) -> str:
    share = int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) / 2**32
    return SPLITS[int(np.searchsorted(np.cumsum(_SHARES)[:-1], share, "right"))]


def endless(
    split: str, keywords: Sequence[str], rng: np.random.Generator, invented: Sequence[str] = ()
) -> Iterator[str]:
    """Sentences and lists of words, none of which says a keyword.

    Args:
      split: one of `SPLITS`.
      keywords: of one word or several; of the latter the parts are said, alone.
      invented: words that half of a list is of.
    """
    words = {kind: _of_split(found, split) for kind, found in (("n", _NOUNS), ("v", _VERBS), ("a", _ADJECTIVES))}
    words["p"] = _of_split(_NAMES, split)
    single = [word for found in words.values() for word in found if not _is_said(word, keywords)]
    parts = [part for keyword in keywords if len(_tokens(keyword)) > 1 for part in _tokens(keyword)]
    parts = [part for part in dict.fromkeys(parts) if not _is_said(part, keywords)]
    while True:
        sentence = None if rng.uniform() < _LIST_SHARE else _sentence(words, keywords, rng)
        yield sentence or ", ".join(_list(single, invented or single, parts, keywords, rng))


def _sentence(words: dict[str, list[str]], keywords: Sequence[str], rng: np.random.Generator) -> str | None:
    """One that says no keyword; None where that is hard, for the keyword is a word that stands everywhere."""
    for _ in range(_TRIES):
        text = _TEMPLATES[rng.integers(len(_TEMPLATES))]
        for kind, found in words.items():
            while f"{{{kind}}}" in text:
                text = text.replace(f"{{{kind}}}", found[rng.integers(len(found))], 1)
        if not _is_said(text, keywords):
            return text
    return None


def _list(
    single: Sequence[str],
    invented: Sequence[str],
    parts: list[str],
    keywords: Sequence[str],
    rng: np.random.Generator,
) -> list[str]:
    count = rng.integers(*_LIST_WORDS)
    chosen = [_one_of(invented if rng.uniform() < _INVENTED_SHARE else single, rng) for _ in range(count)]
    if parts and rng.uniform() < _PART_SHARE * len(parts):
        chosen.insert(int(rng.integers(len(chosen))), parts[rng.integers(len(parts))])
    return [word for word in chosen if not _is_said(word, keywords)]


def _of_split(words: Sequence[str], split: str) -> list[str]:
    """The words that are the split's, each of which is in one; the same ones always."""
    order = np.random.default_rng(0).permutation(len(words))
    edges = np.round(np.cumsum((0.0, *_SHARES)) * len(words)).astype(int)
    place = SPLITS.index(split)
    return [words[i] for i in order[edges[place] : edges[place + 1]]]


def _is_said(text: str, keywords: Sequence[str]) -> bool:
    return any(says(text, keyword) for keyword in keywords)


def _tokens(text: str) -> list[str]:
    return [token.strip('.,;:!?"()').casefold() for token in as_said(text).split()]


def _is_form(token: str, word: str) -> bool:
    return token.startswith(word) and token[len(word) :] in _ENDINGS
