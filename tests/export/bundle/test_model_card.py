"""The model card states what it was given, and nothing else."""

import dataclasses

from export.bundle import model_card
from export.model import accumulator

METRICS = {
    "float": {"validation": {"accuracy": 0.931234567, "clips": 800}, "testing": {"accuracy": 0.9, "clips": 671}},
    "fixed_point": {"testing": {"accuracy": 0.899, "false_reject_rate": 0.01, "confusion": [[1, 2], [3, 4]]}},
}
TRAINING = {"seed": 7, "command": "python -m kws.train --seed=7", "epochs": 30, "note": None, "resumed": False}
DATA = {
    "name": "Speech Commands v0.02",
    "licence": "CC BY 4.0",
    "attribution": "Pete Warden,\nGoogle",
    "clips": {"training": 6000, "testing": 671},
}


def test_every_fact_is_on_the_card(small_model) -> None:
    card = model_card.write(small_model, METRICS, {"mel_bands": 40, "shifts": (1, 2)}, TRAINING, DATA)
    for fact in (
        "# random_ds_cnn",
        "A network of 5 layers for 3 classes, in fixed point: weights of 8 bits, layer outputs of 4, 7, 8 bits.",
        "- Input: int8 [1, 12, 6, 1], signed 8 bits, 5 fraction bits (value = code * 2^-5)",
        "- Labels, in the order of the logits: `label0`, `label1`, `label2`",
        "- licence: CC BY 4.0",
        "- attribution: Pete Warden, Google",
        "- clips: training 6000, testing 671",
        "- seed: 7",
        "- resumed: no",
        "- mel bands: 40",
        "- shifts: 1, 2",
        "| float, validation | 0.931235 | 800 |  |",
        "| fixed point, testing | 0.899 |  | 0.01 |",
        f"{small_model.macs:,}",
        small_model.sha256,
        "```\npython -m kws.train --seed=7\n```",
    ):
        assert fact in card, fact


def test_the_length_of_the_clips_is_on_the_card(small_model) -> None:
    for samples, clips in ((16000, "one-second clips"), (20800, "clips of 1.3 s")):
        frontend = {"sample_rate": 16000, "clip_samples": samples}
        assert f"Spotting the words below in {clips} of 16-bit" in model_card.write(small_model, {}, frontend, {}, {})


def test_one_shift_is_on_the_card_where_there_is_one(small_model, one_shift_model) -> None:
    fact = "- One shift: every layer requantizes by 6 bits"
    assert fact in model_card.write(one_shift_model, {}, {}, {}, {}).splitlines()
    assert "One shift" not in model_card.write(small_model, {}, {}, {}, {})


def test_what_is_unknown_is_left_out(small_model) -> None:
    card = model_card.write(small_model, METRICS, {}, TRAINING, DATA)
    assert "note" not in card and "None" not in card and "confusion" not in card
    bare = model_card.write(small_model, {}, {}, {}, {})
    for absent in ("Training", "Metrics", "Front end", "Make it again", "seed", "licence", "None"):
        assert absent not in bare, absent
    assert small_model.sha256 in bare


def rows_of(card: str) -> list[str]:
    """The lines of the tables under Metrics."""
    metrics = card.partition("## Metrics")[2].partition("\n## ")[0]
    return [line for line in metrics.splitlines() if line.startswith("|")]


def test_the_metrics_table_has_equal_rows(small_model) -> None:
    card = model_card.write(small_model, {"a|b": {"accuracy": 1.0}, "c": {"accuracy": 0.5, "clips": 2}}, {}, {}, {})
    rows = rows_of(card)
    assert rows == ["|  | accuracy | clips |", "| --- | --- | --- |", r"| a\|b | 1 |  |", "| c | 0.5 | 2 |"]


def test_metrics_of_another_kind_are_another_table(small_model) -> None:
    recall = {"label0": 0.5, "_unknown_": 0.25}
    metrics = {stage: {"testing": {"accuracy": 0.9, "recall": recall}} for stage in ("float", "fixed_point")}
    card = model_card.write(small_model, metrics, {}, {}, {})
    rows = rows_of(card)
    assert rows[:4] == [
        "|  | accuracy |",
        "| --- | --- |",
        "| float, testing | 0.9 |",
        "| fixed point, testing | 0.9 |",
    ]
    assert rows[4:] == [
        "|  | label0 | unknown |",
        "| --- | --- | --- |",
        "| float, testing, recall | 0.5 | 0.25 |",
        "| fixed point, testing, recall | 0.5 | 0.25 |",
    ]


def test_folders_of_the_trainers_machine_and_repeated_data_are_left_out(small_model) -> None:
    training = {"settings": {"data_dir": "/home/somebody/speech", "seed": 3}, "data": DATA}
    card = model_card.write(small_model, {}, {}, training, DATA)
    assert "somebody" not in card
    assert "| settings | value |\n| --- | --- |\n| `seed` | 3 |" in card
    assert card.count("CC BY 4.0") == 1


def test_the_accumulators_proof_is_on_the_card(small_model) -> None:
    card = model_card.write(small_model, {}, {}, {}, {})
    bits = {layer.name: accumulator.required_bits(layer) for layer in small_model.layers}
    assert f"Signed accumulators of **{max(bits.values())} bits** hold every sum" in card
    assert "(declared: 32 bits)" in card
    for layer in small_model.layers:
        assert f"| {layer.name} | {accumulator.worst_case(layer).max():,} | {bits[layer.name]} |" in card


def test_nothing_that_a_card_quotes_is_markup(small_model) -> None:
    sly = "<script>alert(1)</script> `x` a|b"
    model = dataclasses.replace(small_model, labels=(sly, "label1", "``"))
    metrics = {"float": {"testing": {"recall": {sly: 0.5, "label1": 0.25}}}}
    training = {"command": "python -m x\n```\n# no title", "note": f"{sly}\n# no title"}
    card = model_card.write(model, metrics, {}, training, {"name": sly})
    assert f"`` {sly} ``, `label1`, ``` `` ```" in card  # code spans, in which nothing is read
    escaped = r"&lt;script&gt;alert(1)&lt;/script&gt; &#96;x&#96; a\|b"
    assert rows_of(card)[0] == f"|  | {escaped} | label1 |"
    assert "- name: &lt;script&gt;" in card and "- note: &lt;script&gt;" in card
    assert "\n````\npython -m x\n```\n# no title\n````\n" in card
    assert card.count("\n# no title") == 1


def test_settings_are_tables_with_their_own_names(small_model) -> None:
    settings = {"weight_bits": [4], "method": {"learn_formats": False, "deviation": 0.0}}
    training = {"seed": 0, "settings": settings, "teachers": {"runs/ds_cnn_m": "a1b2"}, "environment": {}}
    text = model_card.write(small_model, {}, {}, training, {}).partition("## Training\n\n")[2].partition("\n\n## ")[0]
    assert text.split("\n\n") == [
        "- seed: 0",
        "| settings | value |\n| --- | --- |\n| `weight_bits` | 4 |\n| `method` `learn_formats` | no |\n"
        "| `method` `deviation` | 0 |",
        "| teachers | value |\n| --- | --- |\n| `runs/ds_cnn_m` | a1b2 |",
    ]


def test_what_a_training_does_not_say_is_left_out(small_model) -> None:
    metrics = {"calibration": {"inputs": 20}, "float": {"testing": {"accuracy": 0.5}}, "odd": 3}
    card = model_card.of_trained(small_model, metrics, {}, {"seed": 3})
    assert "- seed: 3" in card and "| float, testing | 0.5 |" in card
    assert "calibration" not in card and "odd" not in card
