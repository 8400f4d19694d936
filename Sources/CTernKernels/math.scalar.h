/* N-01, N-02 and N-06 to N-08 one value at a time: the reference of the other instruction sets. */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "coefficients.h"
#include "cternkernels.h"

/* N-01: the fixed tree over the 16 lanes; `lane` is overwritten. */
static inline float tern_tree_scalar(float lane[TERN_LANES]) {
    for (int h = TERN_LANES / 2; h >= 1; h /= 2)
        for (int j = 0; j < h; j++) lane[j] = lane[j] + lane[j + h];
    return lane[0];
}

/* N-07. A NaN passes through: it is not below zero. */
static inline float tern_gelu_scalar(float x) {
    const float magnitude = fabsf(x), a = magnitude < TERN_GELU_CLAMP ? magnitude : TERN_GELU_CLAMP;
    float p = tern_gelu_coefficients[TERN_GELU_DEGREE];
    for (int i = TERN_GELU_DEGREE - 1; i >= 0; i--) p = fmaf(p, a, tern_gelu_coefficients[i]);
    return fmaf(a, p, x < 0.0f ? 0.0f : x);
}

/* The power of two whose fraction the polynomial gives, for x <= 0; a NaN counts as the lower bound. */
static inline float tern_power_scalar(float x, const float *coefficients, int degree) {
    x = x > TERN_EXP2_FLOOR ? x : TERN_EXP2_FLOOR;
    const float n = rintf(x);
    const float f = x - n;
    float p = coefficients[degree];
    for (int i = degree - 1; i >= 0; i--) p = fmaf(p, f, coefficients[i]);
    uint32_t bits;
    memcpy(&bits, &p, sizeof bits);
    bits += (uint32_t)(int32_t)n << 23;
    memcpy(&p, &bits, sizeof bits);
    return p;
}

/* N-08. */
static inline float tern_exp2_scalar(float x) { return tern_power_scalar(x, tern_exp2_coefficients, TERN_EXP2_DEGREE); }

/* E of N-06: 255 * 2^x before it is rounded. */
static inline float tern_weight_scalar(float x) { return tern_power_scalar(x, tern_weight_coefficients, TERN_WEIGHT_DEGREE); }

/* The bits of |x|; they order as the values do, with infinity at TERN_INFINITY_BITS and NaN above it. */
static inline uint32_t tern_magnitude_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffffu;
}

static inline float tern_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
