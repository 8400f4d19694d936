/* N-01, N-02, N-07 and N-08 on 16 lanes of a 512-bit register. Include inside the target attribute. */
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

/* N-07. max and min give their second operand for a NaN, as the scalar comparisons do. */
TERN_INLINE __m512 tern_gelu_512(__m512 x) {
    const __m512 above = _mm512_max_ps(x, _mm512_set1_ps(-TERN_GELU_CLAMP));
    const __m512 c = _mm512_min_ps(above, _mm512_set1_ps(TERN_GELU_CLAMP));
    const __m512 u = _mm512_fmadd_ps(_mm512_mul_ps(c, c), _mm512_set1_ps(TERN_GELU_SQUARE), _mm512_set1_ps(-1.0f));
    __m512 g = _mm512_set1_ps(tern_gelu_coefficients[TERN_GELU_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_GELU_DEGREE - 1; i >= 0; i--) g = _mm512_fmadd_ps(g, u, _mm512_set1_ps(tern_gelu_coefficients[i]));
    return _mm512_mul_ps(x, _mm512_fmadd_ps(c, g, _mm512_set1_ps(0.5f)));
}

/* N-08 for x <= 0; a NaN counts as the lower bound. */
TERN_INLINE __m512 tern_exp2_512(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(TERN_EXP2_FLOOR));
    const __m512i n = _mm512_cvtps_epi32(x);
    const __m512 f = _mm512_sub_ps(x, _mm512_cvtepi32_ps(n));
    __m512 p = _mm512_set1_ps(tern_exp2_coefficients[TERN_EXP2_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_EXP2_DEGREE - 1; i >= 0; i--) p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(tern_exp2_coefficients[i]));
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(n, 23)));
}

TERN_INLINE __m512i tern_magnitude_512(__m512 x) {
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
}

/* The largest |x| as bits, N-02. */
TERN_INLINE uint32_t tern_absmax_512(const float *x, size_t count) {
    __m512i largest = _mm512_setzero_si512();
    for (size_t i = 0; i < count; i += 16)
        largest = _mm512_max_epu32(largest, tern_magnitude_512(_mm512_maskz_loadu_ps(tern_lanes_512(count - i), x + i)));
    return _mm512_reduce_max_epu32(largest);
}

/* The codes of one row and their sum, N-02: codes [0 ..< codes_stride], zero past `count`; codes_stride is a multiple of 16. */
TERN_INLINE int tern_quantise_row_512(const float *x, size_t count, float levels, int8_t *codes, size_t codes_stride, float *scale,
                                      int32_t *sum) {
    const uint32_t bits = tern_absmax_512(x, count);
    const float absmax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)bits)));
    const int is_finite = bits < TERN_INFINITY_BITS;
    const int has_codes = is_finite && absmax >= 0x1p-100f;
    const __m512 r = _mm512_set1_ps(has_codes ? levels / absmax : 0.0f);
    __m512i total = _mm512_setzero_si512();
    size_t i = 0;
    if (has_codes) {
        for (; i < count; i += 16) {
            const __m512 values = _mm512_maskz_loadu_ps(tern_lanes_512(count - i), x + i);
            const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(values, r));
            total = _mm512_add_epi32(total, q);
            _mm_storeu_si128((__m128i *)(codes + i), _mm512_cvtepi32_epi8(q));
        }
    }
    for (; i < codes_stride; i += 16) _mm_storeu_si128((__m128i *)(codes + i), _mm_setzero_si128());
    *scale = has_codes ? absmax / levels : 0.0f;
    *sum = _mm512_reduce_add_epi32(total);
    return !is_finite;
}
