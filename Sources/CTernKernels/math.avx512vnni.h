/* N-01, N-02, N-06 and N-07 on 16 lanes of a 512-bit register. Include inside the target attribute. */
#pragma once

#include <immintrin.h>

#include "coefficients.h"
#include "cternkernels.h"

#define TERN_INLINE static inline __attribute__((always_inline))

/* The lanes of 16 values that exist when `count` remain. */
TERN_INLINE __mmask16 tern_lanes_512(size_t count) { return count >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << count) - 1); }

/* N-01: lane j takes lane j + h for h = 8, 4, 2, 1. */
TERN_INLINE float tern_tree_512(__m512 lanes) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* N-07. max and min give their second operand for a NaN. */
TERN_INLINE __m512 tern_gelu_512(__m512 x) {
    const __m512 magnitude = _mm512_and_ps(x, _mm512_castsi512_ps(_mm512_set1_epi32(0x7fffffff)));
    const __m512 a = _mm512_min_ps(magnitude, _mm512_set1_ps(TERN_GELU_CLAMP));
    __m512 p = _mm512_set1_ps(tern_gelu_coefficients[TERN_GELU_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_GELU_DEGREE - 1; i >= 0; i--) p = _mm512_fmadd_ps(p, a, _mm512_set1_ps(tern_gelu_coefficients[i]));
    return _mm512_fmadd_ps(a, p, _mm512_max_ps(_mm512_setzero_ps(), x));
}

/* E of N-06 for x <= 0, without the bound: below it every power rounds to 0 here too. Gives a NaN for a NaN. */
TERN_INLINE __m512 tern_weight_512(__m512 x) {
    const __m512 n = _mm512_roundscale_ps(x, 8);
    const __m512 f = _mm512_sub_ps(x, n);
    __m512 p = _mm512_set1_ps(tern_weight_coefficients[TERN_WEIGHT_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_WEIGHT_DEGREE - 1; i >= 0; i--) p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(tern_weight_coefficients[i]));
    return _mm512_scalef_ps(p, n);
}

TERN_INLINE __m512i tern_magnitude_512(__m512 x) {
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
}

/* The largest |x| as bits, N-02. */
TERN_INLINE uint32_t tern_absmax_512(const float *x, size_t count) {
    __m512i largest[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    size_t i = 0;
    for (; i + 64 <= count; i += 64)
        for (int j = 0; j < 4; j++) largest[j] = _mm512_max_epu32(largest[j], tern_magnitude_512(_mm512_loadu_ps(x + i + 16 * j)));
    for (; i < count; i += 16)
        largest[0] = _mm512_max_epu32(largest[0], tern_magnitude_512(_mm512_maskz_loadu_ps(tern_lanes_512(count - i), x + i)));
    return _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_max_epu32(largest[0], largest[1]), _mm512_max_epu32(largest[2], largest[3])));
}

/* 64 values times r to codes. */
TERN_INLINE __m512i tern_codes_512(__m512 a, __m512 b, __m512 c, __m512 d, __m512 r) {
    const __m512i words = _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(a, r)), _mm512_cvtps_epi32(_mm512_mul_ps(b, r)));
    const __m512i more = _mm512_packs_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(c, r)), _mm512_cvtps_epi32(_mm512_mul_ps(d, r)));
    /* Packing works on quarters: each holds four codes of a, b, c and d. */
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_packs_epi16(words, more));
}

/* The codes of one row and their sum, N-02: codes [0 ..< codes_stride], zero past `count`; codes_stride is a multiple of 64. */
TERN_INLINE int tern_quantise_row_512(const float *x, size_t count, float levels, int8_t *codes, size_t codes_stride, float *scale,
                                      int32_t *sum) {
    const uint32_t bits = tern_absmax_512(x, count);
    const float absmax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)bits)));
    const int is_finite = bits < TERN_INFINITY_BITS;
    const int has_codes = is_finite && absmax >= 0x1p-100f;
    const __m512 r = _mm512_set1_ps(has_codes ? levels / absmax : 0.0f);
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i total = _mm512_setzero_si512();
    size_t i = 0;
    if (has_codes) {
        for (; i + 64 <= count; i += 64) {
            const __m512i q = tern_codes_512(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i + 32),
                                             _mm512_loadu_ps(x + i + 48), r);
            total = _mm512_dpbusd_epi32(total, ones, q);
            _mm512_storeu_si512(codes + i, q);
        }
        if (i < count) {
            __m512 values[4];
            for (size_t j = 0; j < 4; j++)
                values[j] = count > i + 16 * j ? _mm512_maskz_loadu_ps(tern_lanes_512(count - i - 16 * j), x + i + 16 * j) : _mm512_setzero_ps();
            const __m512i q = tern_codes_512(values[0], values[1], values[2], values[3], r);
            total = _mm512_dpbusd_epi32(total, ones, q);
            _mm512_storeu_si512(codes + i, q);
            i += 64;
        }
    }
    for (; i < codes_stride; i += 64) _mm512_storeu_si512(codes + i, _mm512_setzero_si512());
    *scale = has_codes ? absmax / levels : 0.0f;
    *sum = _mm512_reduce_add_epi32(total);
    return !is_finite;
}
