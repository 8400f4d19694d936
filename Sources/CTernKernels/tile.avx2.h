/* The integer tiles of linear layers and attention: up to 6 rows by 16 channels, 12 accumulators. Include inside the target attribute. */
#pragma once

#include <immintrin.h>
#include <string.h>

#include "math.avx2.h"

enum {
    TERN_TILE_CHANNELS = 16,
    /* Groups of four K that an int16 lane may gather before it is added to the int32 sum. */
    TERN_GROUPS_PER_FLUSH = 64,
    /* Steps of eight K that an int16 lane may gather: two looked-up bytes of at most 128 + 2 * 63 with a sign, each. */
    TERN_STEPS_PER_FLUSH = 64,
};
/* A group adds two products of a code 0 ... 2 and an activation -127 ... 127 to an int16 lane. */
_Static_assert(TERN_GROUPS_PER_FLUSH * 2 * 2 * 127 <= INT16_MAX, "int16 lane would wrap");
_Static_assert(TERN_STEPS_PER_FLUSH * 2 * (128 + 2 * 63) <= INT16_MAX, "int16 lane would wrap");

/* vpmaddwd: rows int16 [m][stride], panel int16 [pairs][16 channels][2], sums [m][sums_stride] overwritten. Two products of at most
   255 * 127 fit the int32 that vpmaddwd makes. */
TERN_INLINE void tern_words_fixed_256(const int16_t *rows, size_t stride, const int16_t *panel, size_t pairs, const int m, int32_t *sums,
                                      size_t sums_stride) {
    __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) lanes[i][0] = lanes[i][1] = _mm256_setzero_si256();
    for (size_t p = 0; p < pairs; p++, panel += 2 * TERN_TILE_CHANNELS) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)panel), high = _mm256_loadu_si256((const __m256i *)(panel + 16));
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            int32_t two;
            memcpy(&two, rows + (size_t)i * stride + 2 * p, sizeof two);
            const __m256i values = _mm256_set1_epi32(two);
            lanes[i][0] = _mm256_add_epi32(lanes[i][0], _mm256_madd_epi16(values, low));
            lanes[i][1] = _mm256_add_epi32(lanes[i][1], _mm256_madd_epi16(values, high));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        _mm256_storeu_si256((__m256i *)(sums + (size_t)i * sums_stride), lanes[i][0]);
        _mm256_storeu_si256((__m256i *)(sums + (size_t)i * sums_stride + 8), lanes[i][1]);
    }
}

TERN_INLINE void tern_words_256(const int16_t *rows, size_t stride, const int16_t *panel, size_t pairs, size_t m, int32_t *sums,
                                size_t sums_stride) {
    switch (m) {
    case 1: tern_words_fixed_256(rows, stride, panel, pairs, 1, sums, sums_stride); break;
    case 2: tern_words_fixed_256(rows, stride, panel, pairs, 2, sums, sums_stride); break;
    case 3: tern_words_fixed_256(rows, stride, panel, pairs, 3, sums, sums_stride); break;
    case 4: tern_words_fixed_256(rows, stride, panel, pairs, 4, sums, sums_stride); break;
    case 5: tern_words_fixed_256(rows, stride, panel, pairs, 5, sums, sums_stride); break;
    default: tern_words_fixed_256(rows, stride, panel, pairs, 6, sums, sums_stride); break;
    }
}

/* A pair of biased activations 0 ... 64 + 63 and weights is one int16. */
enum { TERN_BYTE_LEVELS = 63, TERN_BYTE_BIAS = 64 };
_Static_assert(2 * (TERN_BYTE_BIAS + TERN_BYTE_LEVELS) * 127 <= INT16_MAX && TERN_BYTE_BIAS >= TERN_BYTE_LEVELS, "vpmaddubsw would saturate");

/* vpmaddubsw, vpmaddwd with ones: rows uint8 [m][stride], code + TERN_BYTE_BIAS; panel int8 [groups][16 channels][4]; sums [m][16] are added
   to. */
TERN_INLINE void tern_bytes_fixed_256(const uint8_t *rows, size_t stride, const int8_t *panel, size_t groups, const int m, int32_t *sums) {
    const __m256i one = _mm256_set1_epi16(1);
    __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) lanes[i][j] = _mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j));
    for (size_t g = 0; g < groups; g++, panel += TERN_TILE_CHANNELS * TERN_GROUP) {
        const __m256i low = _mm256_loadu_si256((const __m256i *)panel), high = _mm256_loadu_si256((const __m256i *)(panel + 32));
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            int32_t four;
            memcpy(&four, rows + (size_t)i * stride + g * TERN_GROUP, sizeof four);
            const __m256i values = _mm256_set1_epi32(four);
            lanes[i][0] = _mm256_add_epi32(lanes[i][0], _mm256_madd_epi16(_mm256_maddubs_epi16(values, low), one));
            lanes[i][1] = _mm256_add_epi32(lanes[i][1], _mm256_madd_epi16(_mm256_maddubs_epi16(values, high), one));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) _mm256_storeu_si256((__m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j), lanes[i][j]);
}

TERN_INLINE void tern_bytes_256(const uint8_t *rows, size_t stride, const int8_t *panel, size_t groups, size_t m, int32_t *sums) {
    switch (m) {
    case 1: tern_bytes_fixed_256(rows, stride, panel, groups, 1, sums); break;
    case 2: tern_bytes_fixed_256(rows, stride, panel, groups, 2, sums); break;
    case 3: tern_bytes_fixed_256(rows, stride, panel, groups, 3, sums); break;
    case 4: tern_bytes_fixed_256(rows, stride, panel, groups, 4, sums); break;
    case 5: tern_bytes_fixed_256(rows, stride, panel, groups, 5, sums); break;
    default: tern_bytes_fixed_256(rows, stride, panel, groups, 6, sums); break;
    }
}

/* vpmaddubsw: rows int8 [m][stride], panel codes weight + 1 [groups][16 channels][4]; sums [m][sums_stride] are added to. */
TERN_INLINE void tern_codes_fixed_256(const int8_t *rows, size_t stride, const uint8_t *panel, size_t groups, const int m, int32_t *sums,
                                      size_t sums_stride) {
    const __m256i one = _mm256_set1_epi16(1);
    for (size_t begin = 0; begin < groups; begin += TERN_GROUPS_PER_FLUSH) {
        const size_t end = groups - begin < TERN_GROUPS_PER_FLUSH ? groups : begin + TERN_GROUPS_PER_FLUSH;
        __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) lanes[i][0] = lanes[i][1] = _mm256_setzero_si256();
        for (size_t g = begin; g < end; g++, panel += TERN_TILE_CHANNELS * TERN_GROUP) {
            const __m256i low = _mm256_loadu_si256((const __m256i *)panel), high = _mm256_loadu_si256((const __m256i *)(panel + 32));
#pragma clang loop unroll(full)
            for (int i = 0; i < m; i++) {
                int32_t four;
                memcpy(&four, rows + (size_t)i * stride + g * TERN_GROUP, sizeof four);
                const __m256i values = _mm256_set1_epi32(four);
                lanes[i][0] = _mm256_add_epi16(lanes[i][0], _mm256_maddubs_epi16(low, values));
                lanes[i][1] = _mm256_add_epi16(lanes[i][1], _mm256_maddubs_epi16(high, values));
            }
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < 2; j++) {
                __m256i *sum = (__m256i *)(sums + (size_t)i * sums_stride + 8 * j);
                _mm256_storeu_si256(sum, _mm256_add_epi32(_mm256_loadu_si256(sum), _mm256_madd_epi16(lanes[i][j], one)));
            }
        }
    }
}

TERN_INLINE void tern_codes_256(const int8_t *rows, size_t stride, const uint8_t *panel, size_t groups, size_t m, int32_t *sums,
                                size_t sums_stride) {
    switch (m) {
    case 1: tern_codes_fixed_256(rows, stride, panel, groups, 1, sums, sums_stride); break;
    case 2: tern_codes_fixed_256(rows, stride, panel, groups, 2, sums, sums_stride); break;
    case 3: tern_codes_fixed_256(rows, stride, panel, groups, 3, sums, sums_stride); break;
    case 4: tern_codes_fixed_256(rows, stride, panel, groups, 4, sums, sums_stride); break;
    case 5: tern_codes_fixed_256(rows, stride, panel, groups, 5, sums, sums_stride); break;
    default: tern_codes_fixed_256(rows, stride, panel, groups, 6, sums, sums_stride); break;
    }
}

/* vpshufb, vpmaddubsw: tables [m][stride], 16 bytes a step; panel [steps][2][32 indices, 32 signs]; sums [m][sums_stride] are added to. */
TERN_INLINE void tern_lookups_fixed_256(const uint8_t *tables, size_t stride, const uint8_t *panel, size_t steps, const int m, int32_t *sums,
                                        size_t sums_stride) {
    const __m256i one = _mm256_set1_epi16(1);
    for (size_t begin = 0; begin < steps; begin += TERN_STEPS_PER_FLUSH) {
        const size_t end = steps - begin < TERN_STEPS_PER_FLUSH ? steps : begin + TERN_STEPS_PER_FLUSH;
        __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) lanes[i][0] = lanes[i][1] = _mm256_setzero_si256();
        for (size_t s = begin; s < end; s++, panel += 128) {
            const __m256i *weights = (const __m256i *)panel;
            const __m256i indices[2] = {_mm256_loadu_si256(weights), _mm256_loadu_si256(weights + 2)};
            const __m256i signs[2] = {_mm256_loadu_si256(weights + 1), _mm256_loadu_si256(weights + 3)};
#pragma clang loop unroll(full)
            for (int i = 0; i < m; i++) {
                const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(tables + (size_t)i * stride + 16 * s)));
                for (int j = 0; j < 2; j++)
                    lanes[i][j] = _mm256_add_epi16(lanes[i][j], _mm256_maddubs_epi16(_mm256_shuffle_epi8(table, indices[j]), signs[j]));
            }
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < 2; j++) {
                __m256i *sum = (__m256i *)(sums + (size_t)i * sums_stride + 8 * j);
                _mm256_storeu_si256(sum, _mm256_add_epi32(_mm256_loadu_si256(sum), _mm256_madd_epi16(lanes[i][j], one)));
            }
        }
    }
}

/* `m` 1 ... 5. */
TERN_INLINE void tern_lookups_256(const uint8_t *tables, size_t stride, const uint8_t *panel, size_t steps, size_t m, int32_t *sums,
                                  size_t sums_stride) {
    switch (m) {
    case 1: tern_lookups_fixed_256(tables, stride, panel, steps, 1, sums, sums_stride); break;
    case 2: tern_lookups_fixed_256(tables, stride, panel, steps, 2, sums, sums_stride); break;
    case 3: tern_lookups_fixed_256(tables, stride, panel, steps, 3, sums, sums_stride); break;
    case 4: tern_lookups_fixed_256(tables, stride, panel, steps, 4, sums, sums_stride); break;
    default: tern_lookups_fixed_256(tables, stride, panel, steps, 5, sums, sums_stride); break;
    }
}
