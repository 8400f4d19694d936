/* N-01, N-02, N-06 and N-07 on 8 lanes of a 256-bit register; a pair of registers holds the 16 lanes. Include inside the target attribute. */
#pragma once

#include <immintrin.h>

#include "coefficients.h"
#include "cternkernels.h"

#define TERN_INLINE static inline __attribute__((always_inline))

/* The 16 lanes of a reduction: low is lanes 0 ... 7. */
typedef struct tern_pair_256 {
    __m256 low, high;
} tern_pair_256;

/* All bits set in the lanes of 8 values that exist when `count` remain. */
TERN_INLINE __m256i tern_lanes_256(size_t count) {
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count >= 8 ? 8 : (int)count), index);
}

TERN_INLINE size_t tern_past_256(size_t count) { return count > 8 ? count - 8 : 0; }

/* N-01: lane j takes lane j + h for h = 8, 4, 2, 1. */
TERN_INLINE float tern_tree_256(tern_pair_256 lanes) {
    const __m256 eight = _mm256_add_ps(lanes.low, lanes.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* N-07. max and min give their second operand for a NaN. */
TERN_INLINE __m256 tern_gelu_256(__m256 x) {
    const __m256 magnitude = _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)));
    const __m256 a = _mm256_min_ps(magnitude, _mm256_set1_ps(TERN_GELU_CLAMP));
    __m256 p = _mm256_set1_ps(tern_gelu_coefficients[TERN_GELU_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_GELU_DEGREE - 1; i >= 0; i--) p = _mm256_fmadd_ps(p, a, _mm256_set1_ps(tern_gelu_coefficients[i]));
    return _mm256_fmadd_ps(a, p, _mm256_max_ps(_mm256_setzero_ps(), x));
}

/* E of N-06 for x <= 0; a NaN counts as the lower bound. */
TERN_INLINE __m256 tern_weight_256(__m256 x) {
    x = _mm256_max_ps(x, _mm256_set1_ps(TERN_EXP2_FLOOR));
    const __m256i n = _mm256_cvtps_epi32(x);
    const __m256 f = _mm256_sub_ps(x, _mm256_cvtepi32_ps(n));
    __m256 p = _mm256_set1_ps(tern_weight_coefficients[TERN_WEIGHT_DEGREE]);
#pragma clang loop unroll(full)
    for (int i = TERN_WEIGHT_DEGREE - 1; i >= 0; i--) p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(tern_weight_coefficients[i]));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(n, 23)));
}

TERN_INLINE __m256i tern_magnitude_256(__m256 x) {
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
}

TERN_INLINE int32_t tern_reduce_add_256(__m256i x) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

TERN_INLINE uint32_t tern_reduce_max_256(__m256i x) {
    __m128i four = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4e));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(four, _mm_shuffle_epi32(four, 0xb1)));
}

/* 32 values times r to codes. */
TERN_INLINE __m256i tern_pack_codes_256(const __m256 values[4], __m256 r) {
    const __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(values[0], r)), _mm256_cvtps_epi32(_mm256_mul_ps(values[1], r)));
    const __m256i more = _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(values[2], r)), _mm256_cvtps_epi32(_mm256_mul_ps(values[3], r)));
    /* Packing works on halves: each holds four codes of every register. */
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(words, more), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* The int32 sums of groups of four codes. */
TERN_INLINE __m256i tern_sums_256(__m256i codes) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), codes), _mm256_set1_epi16(1));
}

/* The codes of one row and their sum, N-02: codes [0 ..< codes_stride], zero past `count`; codes_stride is a multiple of 32. */
TERN_INLINE int tern_quantise_row_256(const float *x, size_t count, float levels, int8_t *codes, size_t codes_stride, float *scale,
                                      int32_t *sum) {
    __m256i largest[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    const size_t whole = count / 32 * 32;
    for (size_t i = 0; i < whole; i += 16)
        for (int j = 0; j < 2; j++) largest[j] = _mm256_max_epu32(largest[j], tern_magnitude_256(_mm256_loadu_ps(x + i + 8 * j)));
    for (size_t i = whole; i < count; i += 8)
        largest[0] = _mm256_max_epu32(largest[0], tern_magnitude_256(_mm256_maskload_ps(x + i, tern_lanes_256(count - i))));
    const uint32_t bits = tern_reduce_max_256(_mm256_max_epu32(largest[0], largest[1]));
    const float absmax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)bits)));
    const int is_finite = bits < TERN_INFINITY_BITS;
    const int has_codes = is_finite && absmax >= 0x1p-100f;
    const __m256 r = _mm256_set1_ps(has_codes ? levels / absmax : 0.0f);
    __m256i total = _mm256_setzero_si256();
    size_t i = 0;
    if (has_codes) {
        for (; i < count; i += 32) {
            __m256 values[4];
            for (size_t j = 0; j < 4; j++) {
                if (i < whole) values[j] = _mm256_loadu_ps(x + i + 8 * j);
                else values[j] = count > i + 8 * j ? _mm256_maskload_ps(x + i + 8 * j, tern_lanes_256(count - i - 8 * j)) : _mm256_setzero_ps();
            }
            const __m256i q = tern_pack_codes_256(values, r);
            total = _mm256_add_epi32(total, tern_sums_256(q));
            _mm256_storeu_si256((__m256i *)(codes + i), q);
        }
    }
    for (; i < codes_stride; i += 32) _mm256_storeu_si256((__m256i *)(codes + i), _mm256_setzero_si256());
    *scale = has_codes ? absmax / levels : 0.0f;
    *sum = tern_reduce_add_256(total);
    return !is_finite;
}
