/*
 * Every kernel: what a generated model may call. docs/glossary.md lists them, and explains the words.
 *
 * Every kernel computes, for int8 codes x (activations, NHWC) and w (weights):
 *
 *     accumulator = bias + sum(w * x)                                     int32
 *     y           = clamp(accumulator >> shift, min_code, max_code)       int8
 *
 * The generator adds 2^(shift - 1) to the bias, so that the shift rounds half up. It also proves that no input can make
 * an accumulator, or any partial sum in any order, leave int32. ReLU is a min_code of 0. Padding reads as code 0.
 *
 * Input and output must not overlap, unless a kernel says that it works in place. Dimensions are positive; nothing is
 * checked at run time. Each kernel's file draws the layout of its weights, which export/plan/kernels writes.
 */
#ifndef FXP_KERNELS_H
#define FXP_KERNELS_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/four_bit/fxp_four_bit.h"
#include "nn/helium/fxp_helium.h"
#include "nn/packed/fxp_packed.h"
#include "nn/portable/fxp_portable.h"

#endif
