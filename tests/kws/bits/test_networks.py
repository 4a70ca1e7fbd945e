"""Networks of any widths are those that training and export make of them, to the bit."""

import pytest
import small_network

from export.model import lower
from kws.bits.networks import Widths
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.training.fixed_point_graph import fixed_point_model


@pytest.mark.parametrize(
    "widths",
    [
        Widths((8, 8, 8, 8), (8, 8, 8, 8)),
        Widths((4, 4, 4, 4), (4, 4, 4, 8)),
        Widths((2, 2, 2, 2), (2, 2, 2, 8)),
        Widths((8, 2, 4, 8), (2, 8, 4, 8)),
        Widths((2, 8, 2, 4), (8, 2, 8, 8)),
    ],
    ids=Widths.flags,
)
def test_a_network_is_the_one_that_export_lowers(widths: Widths) -> None:
    networks = small_network.networks()
    names = networks.names
    weights, outputs = (dict(zip(names, each, strict=True)) for each in (widths.weights, widths.outputs))
    found = calibrate(networks.layers, small_network.features(), small_network.INPUT, weights, outputs, Method())
    graph = fixed_point_model(*found, small_network.SHAPE, Method())
    expected = lower.lower(graph, "network", small_network.LABELS)
    assert networks.model(widths).sha256 == expected.sha256


def test_widths_are_flags_of_training() -> None:
    assert Widths((4, 2), (6, 8)).flags() == "--weight_bits=4,2 --activation_bits=6,8"
