/* The integer tiles of linear layers and attention: 16 channels by up to 6 rows of bytes or 5 of tables. Sums [m][16] are added to. Include
   inside the target attribute. */
#pragma once

#include <immintrin.h>
#include <string.h>

#include "cternkernels.h"
#include "math.avx2.h"

enum { TERN_TILE_CHANNELS = 16 };

/* Which side of vpdpbusd is unsigned. */
typedef enum tern_operands {
    TERN_ROWS_UNSIGNED,   /* rows uint8, panel int8 */
    TERN_PANEL_UNSIGNED,  /* rows int8, panel uint8: weights plus a bias */
} tern_operands;

/* vpdpbusd: rows bytes [m][stride], panel [groups][16 channels][4]. */
TERN_INLINE void tern_bytes_fixed_vnni(const uint8_t *rows, size_t stride, const uint8_t *panel, size_t groups, const int m, const tern_operands operands,
                                       int32_t *sums) {
    __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) lanes[i][j] = _mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j));
    for (size_t g = 0; g < groups; g++, panel += TERN_TILE_CHANNELS * TERN_GROUP) {
        const __m256i weights[2] = {_mm256_loadu_si256((const __m256i *)panel), _mm256_loadu_si256((const __m256i *)(panel + 32))};
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            int32_t four;
            memcpy(&four, rows + (size_t)i * stride + g * TERN_GROUP, sizeof four);
            const __m256i values = _mm256_set1_epi32(four);
            for (int j = 0; j < 2; j++)
                lanes[i][j] = operands == TERN_PANEL_UNSIGNED ? _mm256_dpbusd_avx_epi32(lanes[i][j], weights[j], values)
                                                              : _mm256_dpbusd_avx_epi32(lanes[i][j], values, weights[j]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) _mm256_storeu_si256((__m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j), lanes[i][j]);
}

TERN_INLINE void tern_bytes_vnni(const uint8_t *rows, size_t stride, const uint8_t *panel, size_t groups, size_t m, const tern_operands operands,
                                 int32_t *sums) {
    switch (m) {
    case 1: tern_bytes_fixed_vnni(rows, stride, panel, groups, 1, operands, sums); break;
    case 2: tern_bytes_fixed_vnni(rows, stride, panel, groups, 2, operands, sums); break;
    case 3: tern_bytes_fixed_vnni(rows, stride, panel, groups, 3, operands, sums); break;
    case 4: tern_bytes_fixed_vnni(rows, stride, panel, groups, 4, operands, sums); break;
    case 5: tern_bytes_fixed_vnni(rows, stride, panel, groups, 5, operands, sums); break;
    default: tern_bytes_fixed_vnni(rows, stride, panel, groups, 6, operands, sums); break;
    }
}

/* vpshufb, vpdpbusd: tables [m][stride], 16 bytes a step; panel [steps][2][32 indices, 32 signs]. */
TERN_INLINE void tern_lookups_fixed_vnni(const uint8_t *tables, size_t stride, const uint8_t *panel, size_t steps, const int m, int32_t *sums) {
    __m256i lanes[TERN_ROWS][2];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) lanes[i][j] = _mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j));
    for (size_t s = 0; s < steps; s++, panel += 128) {
        const __m256i *weights = (const __m256i *)panel;
        const __m256i indices[2] = {_mm256_loadu_si256(weights), _mm256_loadu_si256(weights + 2)};
        const __m256i signs[2] = {_mm256_loadu_si256(weights + 1), _mm256_loadu_si256(weights + 3)};
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(tables + (size_t)i * stride + 16 * s)));
            for (int j = 0; j < 2; j++) lanes[i][j] = _mm256_dpbusd_avx_epi32(lanes[i][j], _mm256_shuffle_epi8(table, indices[j]), signs[j]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
        for (int j = 0; j < 2; j++) _mm256_storeu_si256((__m256i *)(sums + i * TERN_TILE_CHANNELS + 8 * j), lanes[i][j]);
}

TERN_INLINE void tern_lookups_vnni(const uint8_t *tables, size_t stride, const uint8_t *panel, size_t steps, size_t m, int32_t *sums) {
    switch (m) {
    case 1: tern_lookups_fixed_vnni(tables, stride, panel, steps, 1, sums); break;
    case 2: tern_lookups_fixed_vnni(tables, stride, panel, steps, 2, sums); break;
    case 3: tern_lookups_fixed_vnni(tables, stride, panel, steps, 3, sums); break;
    case 4: tern_lookups_fixed_vnni(tables, stride, panel, steps, 4, sums); break;
    default: tern_lookups_fixed_vnni(tables, stride, panel, steps, 5, sums); break;
    }
}
