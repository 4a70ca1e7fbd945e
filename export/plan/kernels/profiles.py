"""The kernels of each profile, those that a tie prefers first. A kernel's module has its name in C, without fxp_."""

from export.model.integer_model import DENSE
from export.plan.kernels.dsp import (
    average_pool_s16_dsp,
    conv2d_s8_dsp_lanes,
    conv2d_s8_to_s16_dsp,
    dense_s16_to_s8_dsp,
    depthwise_conv2d_s16_dsp,
    matrix_loops,
    pointwise_conv2d_s16_dsp,
    pointwise_conv2d_s16_dsp_lanes,
    pointwise_conv2d_s16_dsp_lanes_wide,
    pointwise_conv2d_s16_dsp_wide,
)
from export.plan.kernels.four_bit import (
    average_pool_row_pairs_to_s16_dsp,
    conv2d_s8_to_row_pairs_dsp,
    conv2d_s8_to_row_pairs_dsp_lanes,
    depthwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp,
    pointwise_conv2d_row_pairs_dsp_lanes,
    pointwise_conv2d_row_pairs_dsp_lanes_halves,
    pointwise_conv2d_row_pairs_dsp_lanes_w4,
)
from export.plan.kernels.four_bit import conv2d_s8_dsp_lanes as conv2d_to_row_pairs
from export.plan.kernels.four_bit.row_pairs import BYTES, LEADS, NIBBLES
from export.plan.kernels.helium import (
    average_pool_planes_to_s8_helium,
    conv2d_s8_helium,
    conv2d_s8_to_planes_helium,
    depthwise_conv2d_planes_to_s8_helium,
    depthwise_conv2d_s8_helium,
    pointwise_conv2d_s8_helium,
    pointwise_conv2d_s8_to_planes_helium,
)
from export.plan.kernels.helium.planes import PLANES
from export.plan.kernels.packed import (
    average_pool_s8_packed,
    conv2d_s8_packed,
    depthwise_conv2d_s8_packed,
    depthwise_conv2d_s8_packed_taps,
    pointwise_conv2d_s8_packed,
)
from export.plan.kernels.packed import matrix_loops as packed_loops
from export.plan.kernels.portable import average_pool_s8, conv2d_s8, dense_s8, depthwise_conv2d_s8, pointwise_conv2d_s8
from export.plan.kernels.stream import (
    conv2d_s8_to_channel_rows_dsp_lanes,
    depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes,
    depthwise_conv2d_s16_rows_dsp,
    pointwise_conv2d_position_pairs_dsp_lanes,
    pointwise_conv2d_position_pairs_dsp_lanes_outer,
    pointwise_conv2d_s16_rows_dsp,
    pointwise_conv2d_s16_rows_dsp_lanes,
)
from export.plan.kernels.stream.channel_rows import CHANNEL_ROWS
from export.plan.layout import S8, S16

CODES_AT = (NIBBLES, BYTES)
PORTABLE = (
    pointwise_conv2d_s8.KERNEL,
    conv2d_s8.KERNEL,
    depthwise_conv2d_s8.KERNEL,
    average_pool_s8.KERNEL,
    dense_s8.KERNEL,
)
PACKED = (
    *(pointwise_conv2d_s8_packed.kernel(loop) for loop in packed_loops.LOOPS),
    *(conv2d_s8_packed.kernel(loop) for loop in packed_loops.LOOPS),
    depthwise_conv2d_s8_packed_taps.KERNEL,
    *(depthwise_conv2d_s8_packed.kernel(loop) for loop in depthwise_conv2d_s8_packed.LOOPS),
    average_pool_s8_packed.KERNEL,
    *PORTABLE,
)
ROW_PAIRS_FAST = (
    *(pointwise_conv2d_row_pairs_dsp_lanes_halves.kernel(lead, at) for lead in LEADS for at in CODES_AT),
    *(pointwise_conv2d_row_pairs_dsp_lanes.kernel(lead, at) for lead in LEADS for at in CODES_AT),
    *(pointwise_conv2d_row_pairs_dsp.kernel(matrix_loops.W16, lead, at) for lead in LEADS for at in CODES_AT),
    *(conv2d_s8_to_row_pairs_dsp_lanes.kernel(lead) for lead in LEADS),
    conv2d_to_row_pairs.KERNEL,
    conv2d_s8_to_row_pairs_dsp.kernel(matrix_loops.W16),
    *(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead, at) for lead in LEADS for at in CODES_AT),
    *(average_pool_row_pairs_to_s16_dsp.kernel(lead) for lead in LEADS),
)
FAST = (
    *ROW_PAIRS_FAST,
    pointwise_conv2d_s16_dsp_lanes.KERNEL,
    pointwise_conv2d_s16_dsp.kernel(matrix_loops.W16),
    conv2d_s8_dsp_lanes.KERNEL,
    conv2d_s8_to_s16_dsp.kernel(matrix_loops.W16),
    depthwise_conv2d_s16_dsp.KERNEL,
    average_pool_s16_dsp.KERNEL,
    dense_s16_to_s8_dsp.KERNEL,
    *PORTABLE,
)
CYCLES = (
    *(pointwise_conv2d_row_pairs_dsp_lanes.wide(lead) for lead in LEADS),
    *(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead, at, wide=True) for lead in LEADS for at in CODES_AT),
    conv2d_to_row_pairs.WIDE,
    pointwise_conv2d_s16_dsp_lanes_wide.KERNEL,
    pointwise_conv2d_s16_dsp_wide.KERNEL,
    conv2d_s8_dsp_lanes.WIDE,
    depthwise_conv2d_s16_dsp.COLUMN,
    *FAST,
)
"""What a Cortex-M4 runs in fewer cycles, beside what takes fewer instructions."""
ROW_PAIRS_SMALL = (
    *(pointwise_conv2d_row_pairs_dsp_lanes_w4.kernel(lead, at) for lead in LEADS for at in CODES_AT),
    # Of bytes these would take more flash than they are worth.
    *(pointwise_conv2d_row_pairs_dsp.kernel(matrix_loops.W4, lead) for lead in LEADS),
    conv2d_to_row_pairs.COMPACT,
    conv2d_s8_to_row_pairs_dsp.kernel(matrix_loops.W4),
    *(depthwise_conv2d_row_pairs_dsp_lanes.kernel(lead, at, compact=True) for lead in LEADS for at in CODES_AT),
    *(average_pool_row_pairs_to_s16_dsp.kernel(lead) for lead in LEADS),
)
SMALL = (
    *ROW_PAIRS_SMALL,
    *(pointwise_conv2d_s16_dsp.kernel(loop) for loop in (matrix_loops.W4, matrix_loops.W8)),
    *(conv2d_s8_to_s16_dsp.kernel(loop) for loop in (matrix_loops.W4, matrix_loops.W8)),
    depthwise_conv2d_s16_dsp.COMPACT,
    average_pool_s16_dsp.KERNEL,
    dense_s16_to_s8_dsp.KERNEL,
    *PORTABLE,
)
HELIUM = (
    pointwise_conv2d_s8_to_planes_helium.KERNEL,
    conv2d_s8_to_planes_helium.KERNEL,
    pointwise_conv2d_s8_helium.kernel(PLANES),
    pointwise_conv2d_s8_helium.kernel(S8),
    conv2d_s8_helium.kernel(PLANES),
    conv2d_s8_helium.kernel(S8),
    depthwise_conv2d_planes_to_s8_helium.KERNEL,
    depthwise_conv2d_s8_helium.KERNEL,
    average_pool_planes_to_s8_helium.KERNEL,
    pointwise_conv2d_s8_helium.kernel(S8, DENSE),
    *PORTABLE,
)
STREAM = (
    depthwise_conv2d_s16_rows_dsp.KERNEL,
    pointwise_conv2d_s16_rows_dsp.KERNEL,
    pointwise_conv2d_s16_rows_dsp_lanes.KERNEL,
    conv2d_s8_to_channel_rows_dsp_lanes.KERNEL,
    depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes.KERNEL,
    *(pointwise_conv2d_position_pairs_dsp_lanes.kernel(layout) for layout in (CHANNEL_ROWS, S16)),
    *(pointwise_conv2d_position_pairs_dsp_lanes_outer.kernel(layout) for layout in (CHANNEL_ROWS, S16)),
)
"""Of a stream's rows, beside those of a profile that has kernels on int16."""
RAM = FAST
"""Row by row, with those of a stream's rows; as a whole where a network can't be computed so."""
