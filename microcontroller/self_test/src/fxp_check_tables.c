#include "fxp_check_tables.h"

#include <stdbool.h>
#include <string.h>

static bool is_whole(const fxp_checked_table *table) {
    if (table->copy != NULL) {
        /* A flipped bit in the list must not shorten the comparison, or compare something with itself. */
        return table->crc32 == ~table->size && table->bytes != table->copy &&
               memcmp(table->bytes, table->copy, table->size) == 0;
    }
    return fxp_crc32(0, table->bytes, table->size) == table->crc32;
}

const fxp_checked_table *fxp_check_tables(const fxp_checked_table *tables, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (!is_whole(&tables[i])) {
            return &tables[i];
        }
    }
    return NULL;
}
