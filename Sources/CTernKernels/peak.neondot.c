#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

/* sdot on 24 independent registers, 16 multiply-adds each. */
uint64_t tern_peak__neondot(uint64_t rounds) {
    enum { CHAINS = 24, MULTIPLY_ADDS = 16 };
    int32x4_t sums[CHAINS];
    int8x16_t left = vdupq_n_s8(3), right = vdupq_n_s8(5);
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) sums[j] = vdupq_n_s32(0);
    for (uint64_t i = 0; i < rounds; i++) {
        __asm__ volatile("" : "+w"(left), "+w"(right));
#pragma clang loop unroll(full)
        for (int j = 0; j < CHAINS; j++) sums[j] = vdotq_s32(sums[j], left, right);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "w"(sums[j]));
    return rounds * CHAINS * MULTIPLY_ADDS;
}
#pragma clang attribute pop
#endif
