#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)

/* vpdpbusd and its 32 products on 12 independent registers. */
uint64_t tern_peak__avxvnni(uint64_t rounds) {
    enum { CHAINS = 12, MULTIPLY_ADDS = 32 };
    __m256i sums[CHAINS];
    __m256i left = _mm256_set1_epi32(0x01020001), right = _mm256_set1_epi32(0x04030201);
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm256_setzero_si256();
    for (uint64_t i = 0; i < rounds; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+x"(left), "+x"(right));
            sums[j] = _mm256_dpbusd_avx_epi32(sums[j], left, right);
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "x"(sums[j]));
    return rounds * CHAINS * MULTIPLY_ADDS;
}
#pragma clang attribute pop
#endif
