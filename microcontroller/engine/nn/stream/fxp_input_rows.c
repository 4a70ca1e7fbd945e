/*
 * What a window covers of the caller's input, where a network is computed row by row.
 *
 * input   [height][row_bytes]
 * window  [rows][row_bytes]: rows first .. first + rows - 1, those that the input has not are 0
 */
#include "nn/stream/fxp_stream.h"

#include <string.h>

void fxp_input_rows(
    const int8_t *input, int32_t height, int32_t row_bytes, int32_t first, int32_t rows, int8_t *window
) {
    const int32_t begin = first < 0 ? 0 : first;
    const int32_t end = first + rows < height ? first + rows : height;
    const int32_t inside = end > begin ? end - begin : 0;
    const int32_t above = inside > 0 ? begin - first : rows;
    const int32_t below = rows - above - inside;

    memset(window, 0, (size_t)(above * row_bytes));
    window += above * row_bytes;
    if (inside > 0) {
        memcpy(window, input + begin * row_bytes, (size_t)(inside * row_bytes));
        window += inside * row_bytes;
    }
    memset(window, 0, (size_t)(below * row_bytes));
}
