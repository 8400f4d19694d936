#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)

/* vpdpbusd on 24 independent registers, 64 multiply-adds each. */
uint64_t tern_peak__avx512vnni(uint64_t rounds) {
    enum { CHAINS = 24, MULTIPLY_ADDS = 64 };
    __m512i sums[CHAINS];
    __m512i left = _mm512_set1_epi32(0x01020304), right = _mm512_set1_epi32(0x04030201);
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_setzero_si512();
    for (uint64_t i = 0; i < rounds; i++) {
        __asm__ volatile("" : "+v"(left), "+v"(right));
#pragma clang loop unroll(full)
        for (int j = 0; j < CHAINS; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], left, right);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < CHAINS; j++) __asm__ volatile("" : : "v"(sums[j]));
    return rounds * CHAINS * MULTIPLY_ADDS;
}
#pragma clang attribute pop
#endif
