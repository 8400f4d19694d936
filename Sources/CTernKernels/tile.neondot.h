/* The integer tile of linear layers and attention with sdot: up to 6 rows by 16 channels, 24 accumulators. Include inside the target attribute. */
#pragma once

#include "tile_shared.neon.h"

/* Rows and panels are read as they are: a group of four K values is what sdot takes. */
enum { TERN_ARRANGES_ROWS = 0, TERN_HAS_TERNARY_TILE = 0 };
TERN_INLINE void tern_arrange_rows(const int8_t *rows, size_t stride, size_t m, size_t groups, int8_t *to, size_t to_stride) {
    (void)rows, (void)stride, (void)m, (void)groups, (void)to, (void)to_stride;
}
TERN_INLINE void tern_arrange_tile(int8_t *panel, size_t groups) { (void)panel, (void)groups; }

/* One group of all rows and channels; the lane of the rows' registers is a constant of the instruction. */
#define TERN_STEP_NEONDOT(lane)                                                                                        \
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++) {                                                   \
        const int8x16_t weights = vld1q_s8(panel + (lane) * TERN_TILE_BYTES + 16 * j);                                 \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < m; i++) sums[i][j] = vdotq_laneq_s32(sums[i][j], weights, codes[i], lane); \
    }

TERN_INLINE void tern_tile_fixed_neondot(const tern_tile *tile, const int m, int32_t *to) {
    int32x4_t sums[TERN_ROWS][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) sums[i][j] = tern_start_neon(tile, j);
    const int8_t *panel = tile->panel;
    for (size_t g = 0; g < tile->groups; g += TERN_TILE_GROUPS, panel += TERN_TILE_GROUPS * TERN_TILE_BYTES) {
        int8x16_t codes[TERN_ROWS];
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) codes[i] = vld1q_s8(tile->rows + (size_t)i * tile->stride + g * TERN_GROUP);
        TERN_STEP_NEONDOT(0)
        TERN_STEP_NEONDOT(1)
        TERN_STEP_NEONDOT(2)
        TERN_STEP_NEONDOT(3)
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) vst1q_s32(to + i * TERN_TILE_CHANNELS + 4 * j, sums[i][j]);
}
#undef TERN_STEP_NEONDOT

TERN_INLINE void tern_tile_rows(const tern_tile *tile, size_t m, int32_t *sums) {
    switch (m) {
    case 1: tern_tile_fixed_neondot(tile, 1, sums); break;
    case 2: tern_tile_fixed_neondot(tile, 2, sums); break;
    case 3: tern_tile_fixed_neondot(tile, 3, sums); break;
    case 4: tern_tile_fixed_neondot(tile, 4, sums); break;
    case 5: tern_tile_fixed_neondot(tile, 5, sums); break;
    default: tern_tile_fixed_neondot(tile, 6, sums); break;
    }
}

/* Ternary weights are int8 weights here: TERN_HAS_TERNARY_TILE. */
TERN_INLINE void tern_ternary_rows(const tern_tile *tile, size_t depth, size_t m, int32_t *sums) {
    (void)tile, (void)depth, (void)m, (void)sums;
}
