#if defined(__aarch64__)
#include <arm_neon.h>

#include "internal.h"

/* smull, smlal and sadalp on 24 independent registers, 16 multiply-adds each: what full INT8 costs without a dot product. */
uint64_t tern_peak__neon(uint64_t rounds) {
    enum { CHAINS = 24, MULTIPLY_ADDS = 16 };
    int32x4_t sums[CHAINS];
    int8x8_t left = vdup_n_s8(3), right = vdup_n_s8(5);
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) sums[j] = vdupq_n_s32(0);
    for (uint64_t i = 0; i < rounds; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+w"(left), "+w"(right));
            sums[j] = vpadalq_s16(sums[j], vmlal_s8(vmull_s8(left, right), right, left));
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "w"(sums[j]));
    return rounds * CHAINS * MULTIPLY_ADDS;
}
#endif
