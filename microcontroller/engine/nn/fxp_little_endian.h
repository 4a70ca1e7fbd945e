/*
 * For headers whose loops read neighbouring codes as one word: the order of its bytes says which code is where.
 * --profile=portable makes no such loop; its kernels give the same codes on a big-endian target.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_LITTLE_ENDIAN_H
#define FXP_LITTLE_ENDIAN_H

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "this profile needs a little-endian target: write the C with --profile=portable"
#endif

#endif
