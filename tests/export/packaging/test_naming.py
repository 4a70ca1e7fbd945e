"""Names in a package: prefixes, labels' constants, renamed tokens."""

import pytest

from export.packaging import naming
from export.packaging.packaging_error import PackagingError


def test_tokens_are_renamed_by_their_owner() -> None:
    shared, own = {"fxp_dsp", "FXP_ALIGNMENT"}, {"fxp_dsp", "fxp_kws_push", "FXP_KWS_LABELS", "fxp_frontend_hop"}
    kernels, model = naming.renaming("lib", shared, ["wake"], [own])
    assert kernels == {"fxp_dsp": "lib_dsp", "FXP_ALIGNMENT": "LIB_ALIGNMENT"}
    text = 'fxp_kws_push(fxp_frontend_hop, FXP_KWS_LABELS, fxp_dsp, my_fxp_dsp, fxp_other); #include "fxp_dsp.h"'
    renamed = 'wake_push(wake_frontend_hop, WAKE_LABELS, lib_dsp, my_fxp_dsp, fxp_other); #include "lib_dsp.h"'
    assert naming.rename(text, model) == renamed


def test_what_a_macro_pastes_to_is_renamed_with_what_it_makes() -> None:
    macro = "const int to = fxp_##saturate(shift) + FXP_NARROW_##saturate(shift);"
    [kernels, _] = naming.renaming("lib", naming.tokens(macro), ["wake"], [set()])
    assert naming.rename(macro, kernels) == "const int to = lib_##saturate(shift) + LIB_NARROW_##saturate(shift);"


def test_tokens_in_comments_are_nobodys() -> None:
    assert naming.tokens("/* fxp_a\n fxp_b */ fxp_c; // fxp_d\nFXP_E") == {"fxp_c", "FXP_E"}


def test_two_things_with_one_name_are_refused() -> None:
    with pytest.raises(PackagingError, match="gives fxp_kws_init the name a_b_init, which fxp_b_init has"):
        naming.renaming("lib", set(), ["a", "a_b"], [{"fxp_b_init"}, {"fxp_kws_init"}])


@pytest.mark.parametrize("prefix", ["", "1a", "Kws", "a-b", "a b", "k" * 41, "ä"])
def test_prefixes_begin_a_c_name(prefix: str) -> None:
    with pytest.raises(PackagingError, match="begins no C name"):
        naming.check_prefixes([prefix], "lib")
    with pytest.raises(PackagingError, match="begins no C name"):
        naming.check_prefixes(["lib"], prefix)


@pytest.mark.parametrize(
    "prefix", ["int", "main", "class", "linux", "printf", "log", "index", "hear", "uint8_t", "string", "arduino"]
)
def test_prefixes_are_no_words_of_c(prefix: str) -> None:
    with pytest.raises(PackagingError, match=f"prefix={prefix} is a name of C, C"):
        naming.check_prefixes([prefix], "lib")


def test_prefixes_differ() -> None:
    naming.check_prefixes(["a", "b"], "a")
    with pytest.raises(PackagingError, match="gives two models the prefix a"):
        naming.check_prefixes(["a", "a"], "lib")


def test_a_folder_gives_a_prefix() -> None:
    assert naming.prefix_of("Marvin-W4A4") == "fxp_kws_marvin_w4a4"
    assert naming.prefix_of("_a..b_") == "fxp_kws_a_b"
    naming.check_prefixes([naming.prefix_of("x" * 100), naming.prefix_of("2024")], "lib")


def test_labels_become_constants() -> None:
    assert naming.label_constants(["_silence_", "yes", "hey you"], {"hey you": "hey_you"}) == [
        "SILENCE",
        "YES",
        "HEY_YOU",
    ]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (["hey you"], {}, "label 'hey you' is no C identifier: give label_names='hey you:NAME' with"),
        (["küche"], {}, "label 'küche' is no C identifier"),
        (["1"], {"1": "2"}, "label '1' is no C identifier, nor is '2'"),
        (["yes", "_YES_"], {}, "labels '_YES_' and 'yes' have one constant, YES: give label_names=_YES_:NAME with"),
        (["none"], {}, "labels 'none' and no label at all have one constant, NONE"),
        (['a"; int x = 1; //'], {}, "is no C identifier"),
        (["a\n"], {}, "is no C identifier"),
    ],
)
def test_labels_without_a_constant_are_refused(labels: list[str], names: dict[str, str], message: str) -> None:
    with pytest.raises(PackagingError, match=message):
        naming.label_constants(labels, names)
