/* What the attention of `avx2` and `avxvnni` shares: the factors of V, softmax and the end of N-06. Include inside the target attribute,
   after the set's tile. */
#pragma once

#include <immintrin.h>

#include "internal.h"
#include "math.avx2.h"

/* N-02 of eight channels of V over the tokens: what to multiply by, and the scales to store. Gives 1 when a value is not finite. */
TERN_INLINE int value_factors(const tern_attention *op, const float *v, __m256i mask, __m256 *factors, float *scales) {
    const __m256 levels = _mm256_set1_ps(127.0f);
    __m256i largest = _mm256_setzero_si256();
    for (size_t j = 0; j < op->tokens; j++)
        largest = _mm256_max_epu32(largest, tern_magnitude_256(_mm256_maskload_ps(v + j * op->kv_stride, mask)));
    if (tern_reduce_max_256(largest) >= TERN_INFINITY_BITS) return 1;
    const __m256 absmax = _mm256_castsi256_ps(largest);
    const __m256 has_codes = _mm256_cmp_ps(absmax, _mm256_set1_ps(TERN_QUANTISE_FLOOR), _CMP_GE_OQ);
    *factors = _mm256_and_ps(has_codes, _mm256_div_ps(levels, absmax));
    _mm256_storeu_ps(scales, _mm256_and_ps(has_codes, _mm256_div_ps(absmax, levels)));
    return 0;
}

/* Eight rows of eight 32-bit values to columns. */
TERN_INLINE void transpose_8(__m256i rows[8]) {
    __m256i pairs[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    __m256i fours[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4) {
        fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        rows[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
        rows[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
    }
}

/* t[i][j] of N-06 for 16 tokens from m rows of sums [16]. */
TERN_INLINE void store_scores(const int32_t *sums, size_t m, const float *k_scales, float *scores, size_t stride) {
    for (size_t i = 0; i < m; i++) {
        for (size_t lane = 0; lane < TERN_TILE_CHANNELS; lane += 8) {
            const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + lane)));
            _mm256_storeu_ps(scores + i * stride + lane, _mm256_mul_ps(sum, _mm256_loadu_ps(k_scales + lane)));
        }
    }
}

/* m[i] of N-06 in all lanes. */
TERN_INLINE __m256 largest_score(const float *scores, size_t tokens) {
    const __m256 lowest = _mm256_set1_ps(-__builtin_inff());
    const size_t whole = tokens / 16 * 16;
    __m256 highest[2] = {lowest, lowest};
    for (size_t j = 0; j < whole; j += 16) {
        highest[0] = _mm256_max_ps(_mm256_loadu_ps(scores + j), highest[0]);
        highest[1] = _mm256_max_ps(_mm256_loadu_ps(scores + j + 8), highest[1]);
    }
    for (size_t j = whole; j < tokens; j += 8) {
        const __m256 mask = _mm256_castsi256_ps(tern_lanes_256(tokens - j));
        highest[0] = _mm256_max_ps(_mm256_blendv_ps(lowest, _mm256_loadu_ps(scores + j), mask), highest[0]);
    }
    const __m256 both = _mm256_max_ps(highest[0], highest[1]);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm256_set1_ps(_mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four))));
}

/* u of eight scores. */
TERN_INLINE __m256i weigh(const float *scores, __m256 largest, __m256 factor) {
    const __m256 x = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(scores), largest), factor);
    return _mm256_cvtps_epi32(tern_weight_256(x));
}

/* o[i][d] of N-06 for 16 channels from m rows of sums [16]; `columns` exist. */
TERN_INLINE void store_mixed(const tern_attention *op, const int32_t *sums, size_t m, size_t columns, const float *v_scales,
                             const float *inverses, float *output) {
    for (size_t lane = 0; lane < TERN_TILE_CHANNELS && lane < columns; lane += 8) {
        const __m256i mask = tern_lanes_256(columns - lane);
        const __m256 scales = _mm256_loadu_ps(v_scales + lane);
        for (size_t i = 0; i < m; i++) {
            const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + lane)));
            const __m256 value = _mm256_mul_ps(_mm256_mul_ps(sum, scales), _mm256_set1_ps(inverses[i]));
            if (columns >= TERN_TILE_CHANNELS) _mm256_storeu_ps(output + i * op->output_stride + lane, value);
            else _mm256_maskstore_ps(output + i * op->output_stride + lane, mask, value);
        }
    }
}
