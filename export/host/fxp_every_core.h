/*
 * FXP_EVERY_CORE before a function of the host: its loops become the vector instructions of whatever core calls it,
 * which are chosen when the library is loaded, so that one that is kept runs on every machine of its kind. All that it
 * calls is inlined, or it would be compiled for the oldest core.
 */
#ifndef FXP_EVERY_CORE_H
#define FXP_EVERY_CORE_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define FXP_EVERY_CORE __attribute__((flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FXP_EVERY_CORE __attribute__((flatten))
#endif

#endif
