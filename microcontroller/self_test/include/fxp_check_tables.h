/*
 * The self-test: whether every table of a bundle's C is still what was written, for flash that ages or was half written.
 *
 *     if (fxp_kws_self_test() != NULL) ... the device must not listen
 *
 * Compile the bundle's C with FXP_CHECK_TABLES defined and link src/: without it there is neither code nor data for it.
 * A table of numbers is compared with its CRC-32 (IEEE 802.3, as in zlib), which was computed when the C was written. A
 * struct that holds addresses, which only the linker knows, is compared with a second copy. So a flipped bit in a table,
 * in its checksum, in a copy or in the list of them is found. The code itself is not looked at: check the whole image
 * where your build can, and this at run time. Bytes are compared as a little-endian core has them.
 *
 * A part's function returns the first damaged table, or NULL; it takes no memory but its stack.
 */
#ifndef FXP_CHECK_TABLES_H
#define FXP_CHECK_TABLES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const void *bytes;
    const void *copy; /* must be equal; NULL where there is a checksum */
    uint32_t size;
    uint32_t crc32; /* where there is a copy, ~size */
} fxp_checked_table;

/* The first of the tables that is damaged, or NULL. */
const fxp_checked_table *fxp_check_tables(const fxp_checked_table *tables, uint32_t count);

/* CRC-32 of bytes that follow others; `sum` is that of the others, 0 where there are none. */
uint32_t fxp_crc32(uint32_t sum, const void *bytes, uint32_t size);

/* Of a bundle's parts: fxp_model.c, fxp_stream_model.c, fxp_frontend_tables.c, fxp_detector_tables.c. */
const fxp_checked_table *fxp_model_self_test(void);
const fxp_checked_table *fxp_stream_self_test(void);
const fxp_checked_table *fxp_frontend_self_test(void);
const fxp_checked_table *fxp_detector_self_test(void);

/* Of all that hears a stream: front end, streaming network and detector. */
const fxp_checked_table *fxp_kws_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
