/* The integer tiles of linear layers and attention on ARMv8.0-A: up to 6 rows by 16 channels. Include inside the target attribute. */
#pragma once

#include "tile_shared.neon.h"

enum {
    /* Pairs of K values that an int16 lane may gather before it is added to the int32 sum. */
    TERN_PAIRS_PER_FLUSH = 128,
};
/* smull and smlal add two products of magnitude 128 * 127 at most (biased probabilities times values) to one int16 lane. */
_Static_assert(2 * 128 * 127 <= INT16_MAX, "int16 lane would wrap");
/* A pair adds two products of a weight -1 ... 1 and an activation -127 ... 127; each product fits int8. */
_Static_assert(TERN_PAIRS_PER_FLUSH * 2 * 127 <= INT16_MAX && 127 <= INT8_MAX, "int16 lane would wrap");

/* Rows are read as they are. */
enum { TERN_ARRANGES_ROWS = 0, TERN_HAS_TERNARY_TILE = 1 };
TERN_INLINE void tern_arrange_rows(const int8_t *rows, size_t stride, size_t m, size_t groups, int8_t *to, size_t to_stride) {
    (void)rows, (void)stride, (void)m, (void)groups, (void)to, (void)to_stride;
}

/* Within each group the first pairs of the 16 channels, then the second pairs. */
TERN_INLINE void tern_arrange_tile(int8_t *panel, size_t groups) {
    for (size_t g = 0; g < groups; g++, panel += TERN_TILE_BYTES) {
        int16x8_t x[4];
        for (int j = 0; j < 4; j++) x[j] = vreinterpretq_s16_s8(vld1q_s8(panel + 16 * j));
        vst1q_s8(panel, vreinterpretq_s8_s16(vuzp1q_s16(x[0], x[1])));
        vst1q_s8(panel + 16, vreinterpretq_s8_s16(vuzp1q_s16(x[2], x[3])));
        vst1q_s8(panel + 32, vreinterpretq_s8_s16(vuzp2q_s16(x[0], x[1])));
        vst1q_s8(panel + 48, vreinterpretq_s8_s16(vuzp2q_s16(x[2], x[3])));
    }
}

/* A pair of a row's codes for all channels. The empty statement keeps the compiler from taking the pair apart again (it would copy upper
   halves of weights instead of using smull2) and from loading the pairs of all rows ahead, for which there are no registers. */
TERN_INLINE int8x16_t tern_pair_neon(const int8_t *codes) {
    int16_t two;
    memcpy(&two, codes, sizeof two);
    int8x16_t pair = vreinterpretq_s8_s16(vdupq_n_s16(two));
    __asm__ volatile("" : "+w"(pair));
    return pair;
}

/* smull, smlal, sadalp: full INT8. */
TERN_INLINE void tern_tile_fixed_neon(const tern_tile *tile, const int m, int32_t *to) {
    int32x4_t sums[TERN_ROWS][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) sums[i][j] = tern_start_neon(tile, j);
    const int8_t *panel = tile->panel;
    for (size_t g = 0; g < tile->groups; g++, panel += TERN_TILE_BYTES) {
        int8x16_t weights[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) weights[j] = vld1q_s8(panel + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const int8_t *codes = tile->rows + (size_t)i * tile->stride + g * TERN_GROUP;
            const int8x16_t first = tern_pair_neon(codes), second = tern_pair_neon(codes + 2);
#pragma clang loop unroll(full)
            for (int j = 0; j < 2; j++) {
                const int16x8_t low = vmull_s8(vget_low_s8(weights[j]), vget_low_s8(first));
                sums[i][2 * j] = vpadalq_s16(sums[i][2 * j], vmlal_s8(low, vget_low_s8(weights[2 + j]), vget_low_s8(second)));
                const int16x8_t high = vmull_high_s8(weights[j], first);
                sums[i][2 * j + 1] = vpadalq_s16(sums[i][2 * j + 1], vmlal_high_s8(high, weights[2 + j], second));
            }
            /* One row after the other, as above. */
            __asm__ volatile("" : "+w"(sums[i][0]), "+w"(sums[i][1]), "+w"(sums[i][2]), "+w"(sums[i][3]));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) vst1q_s32(to + i * TERN_TILE_CHANNELS + 4 * j, sums[i][j]);
}

/* mul and sadalp in int16: weights -1 ... 1, two tiles that lie `depth` groups apart; sums [2][6][16]. */
TERN_INLINE void tern_ternary_fixed_neon(const tern_tile *tile, size_t depth, const int m, int32_t *to) {
    const int8_t *panel = tile->panel, *second_panel = panel + depth * TERN_TILE_BYTES;
    memset(to, 0, 2 * TERN_TILE_SUMS * sizeof *to);
    for (size_t begin = 0; begin < tile->groups; begin += TERN_PAIRS_PER_FLUSH / 2) {
        const size_t end = tern_minimum(tile->groups, begin + TERN_PAIRS_PER_FLUSH / 2);
        int16x8_t lanes[TERN_ROWS][4];
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) lanes[i][j] = vdupq_n_s16(0);
        for (size_t pair = 2 * begin; pair < 2 * end; pair++, panel += TERN_TILE_BYTES / 2, second_panel += TERN_TILE_BYTES / 2) {
            const int8x16_t weights[4] = {vld1q_s8(panel), vld1q_s8(panel + 16), vld1q_s8(second_panel), vld1q_s8(second_panel + 16)};
            const int8_t *codes = tile->rows + 2 * pair;
#pragma clang loop unroll(full)
            for (int i = 0; i < m; i++, codes += tile->stride) {
                const int8x16_t values = tern_pair_neon(codes);
#pragma clang loop unroll(full)
                for (int j = 0; j < 4; j++) lanes[i][j] = vpadalq_s8(lanes[i][j], vmulq_s8(weights[j], values));
                /* One row after the other, as above. */
                __asm__ volatile("" : "+w"(lanes[i][0]), "+w"(lanes[i][1]), "+w"(lanes[i][2]), "+w"(lanes[i][3]));
            }
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) {
                int32_t *at = to + j / 2 * TERN_TILE_SUMS + i * TERN_TILE_CHANNELS + j % 2 * 8;
                vst1q_s32(at, vaddw_s16(vld1q_s32(at), vget_low_s16(lanes[i][j])));
                vst1q_s32(at + 4, vaddw_high_s16(vld1q_s32(at + 4), lanes[i][j]));
            }
        }
    }
}

TERN_INLINE void tern_tile_rows(const tern_tile *tile, size_t m, int32_t *sums) {
    switch (m) {
    case 1: tern_tile_fixed_neon(tile, 1, sums); break;
    case 2: tern_tile_fixed_neon(tile, 2, sums); break;
    case 3: tern_tile_fixed_neon(tile, 3, sums); break;
    case 4: tern_tile_fixed_neon(tile, 4, sums); break;
    case 5: tern_tile_fixed_neon(tile, 5, sums); break;
    default: tern_tile_fixed_neon(tile, 6, sums); break;
    }
}

TERN_INLINE void tern_ternary_rows(const tern_tile *tile, size_t depth, size_t m, int32_t *sums) {
    switch (m) {
    case 1: tern_ternary_fixed_neon(tile, depth, 1, sums); break;
    case 2: tern_ternary_fixed_neon(tile, depth, 2, sums); break;
    case 3: tern_ternary_fixed_neon(tile, depth, 3, sums); break;
    case 4: tern_ternary_fixed_neon(tile, depth, 4, sums); break;
    case 5: tern_ternary_fixed_neon(tile, depth, 5, sums); break;
    default: tern_ternary_fixed_neon(tile, depth, 6, sums); break;
    }
}
