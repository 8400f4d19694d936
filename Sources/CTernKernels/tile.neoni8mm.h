/* The integer tile of linear layers and attention with smmla: up to 3 pairs of rows by 8 pairs of channels, 24 accumulators of 2 by 2 sums.
   Include inside the target attribute. */
#pragma once

#include "tile_shared.neon.h"

enum { TERN_ARRANGES_ROWS = 1, TERN_HAS_TERNARY_TILE = 0 };

/* Two rows side by side, eight K values of each in turn; a row that is missing is zero. `to` holds m rounded up to even rows. */
TERN_INLINE void tern_arrange_rows(const int8_t *rows, size_t stride, size_t m, size_t groups, int8_t *to, size_t to_stride) {
    for (size_t i = 0; i < m; i += 2) {
        const int8_t *first = rows + i * stride;
        for (size_t k = 0; k < groups * TERN_GROUP; k += 16) {
            const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(first + k));
            const int64x2_t b = i + 1 < m ? vreinterpretq_s64_s8(vld1q_s8(first + stride + k)) : vdupq_n_s64(0);
            vst1q_s8(to + i * to_stride + 2 * k, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
            vst1q_s8(to + i * to_stride + 2 * k + 16, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
        }
    }
}

/* Two groups become eight pairs of channels, eight K values of each channel. */
TERN_INLINE void tern_arrange_tile(int8_t *panel, size_t groups) {
    for (size_t g = 0; g < groups; g += 2, panel += 2 * TERN_TILE_BYTES) {
        int32x4_t first[4], second[4];
        for (int j = 0; j < 4; j++) {
            first[j] = vreinterpretq_s32_s8(vld1q_s8(panel + 16 * j));
            second[j] = vreinterpretq_s32_s8(vld1q_s8(panel + TERN_TILE_BYTES + 16 * j));
        }
        for (int j = 0; j < 4; j++) {
            vst1q_s8(panel + 32 * j, vreinterpretq_s8_s32(vzip1q_s32(first[j], second[j])));
            vst1q_s8(panel + 32 * j + 16, vreinterpretq_s8_s32(vzip2q_s32(first[j], second[j])));
        }
    }
}

/* `m` even. A sum holds (row, channel), (row, channel + 1), (row + 1, channel), (row + 1, channel + 1). */
TERN_INLINE void tern_tile_fixed_neoni8mm(const tern_tile *tile, const int m, int32_t *to) {
    int32x4_t sums[TERN_ROWS / 2][8];
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) {
        const int32x2_t start = tile->start ? vld1_s32(tile->start + 2 * j) : vdup_n_s32(0);
#pragma clang loop unroll(full)
        for (int i = 0; i < m / 2; i++) sums[i][j] = vcombine_s32(start, start);
    }
    const int8_t *panel = tile->panel;
    for (size_t g = 0; g < tile->groups; g += 2, panel += 2 * TERN_TILE_BYTES) {
        int8x16_t codes[TERN_ROWS / 2];
#pragma clang loop unroll(full)
        for (int i = 0; i < m / 2; i++) codes[i] = vld1q_s8(tile->rows + (size_t)(2 * i) * tile->stride + g * 2 * TERN_GROUP);
#pragma clang loop unroll(full)
        for (int j = 0; j < 8; j++) {
            const int8x16_t weights = vld1q_s8(panel + 16 * j);
#pragma clang loop unroll(full)
            for (int i = 0; i < m / 2; i++) sums[i][j] = vmmlaq_s32(sums[i][j], codes[i], weights);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m / 2; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 8; j += 2) {
            int32_t *at = to + 2 * i * TERN_TILE_CHANNELS + 2 * j;
            const int64x2_t a = vreinterpretq_s64_s32(sums[i][j]), b = vreinterpretq_s64_s32(sums[i][j + 1]);
            vst1q_s32(at, vreinterpretq_s32_s64(vzip1q_s64(a, b)));
            vst1q_s32(at + TERN_TILE_CHANNELS, vreinterpretq_s32_s64(vzip2q_s64(a, b)));
        }
    }
}

/* `sums` has room for an even number of rows. */
TERN_INLINE void tern_tile_rows(const tern_tile *tile, size_t m, int32_t *sums) {
    if (m <= 2) tern_tile_fixed_neoni8mm(tile, 2, sums);
    else if (m <= 4) tern_tile_fixed_neoni8mm(tile, 4, sums);
    else tern_tile_fixed_neoni8mm(tile, 6, sums);
}

/* Ternary weights are int8 weights here: TERN_HAS_TERNARY_TILE. */
TERN_INLINE void tern_ternary_rows(const tern_tile *tile, size_t depth, size_t m, int32_t *sums) {
    (void)tile, (void)depth, (void)m, (void)sums;
}
