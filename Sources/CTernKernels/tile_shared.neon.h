/* What the integer tiles of the ARM sets share: a panel of 64 channels is cut into tiles of 16, each [groups][16 channels][4 K values]
   before tern_arrange_tile puts it in the order of the set's instruction. Include inside the target attribute. */
#pragma once

#include "internal.h"
#include "math.neon.h"

enum {
    TERN_TILE_CHANNELS = 16,
    TERN_TILES = TERN_PANEL / TERN_TILE_CHANNELS,
    TERN_TILE_BYTES = TERN_TILE_CHANNELS * TERN_GROUP,
    TERN_TILE_SUMS = TERN_ROWS * TERN_TILE_CHANNELS,
    TERN_TILE_GROUPS = 4, /* a tile's depth is a multiple of so many groups, padded with zero weights */
};
_Static_assert(TERN_ROWS % 2 == 0, "rows are taken in pairs");

typedef struct tern_tile {
    const int8_t *rows;    /* [m][stride], as tern_arrange_rows leaves them; whole units of 16 bytes are read */
    size_t stride;
    const int8_t *panel;   /* [groups][64], as tern_arrange_tile leaves them */
    size_t groups;         /* a multiple of TERN_TILE_GROUPS */
    const int32_t *start;  /* [16] start values of the sums, or NULL for zero */
} tern_tile;

/* Start values of four channels. */
TERN_INLINE int32x4_t tern_start_neon(const tern_tile *tile, int four) {
    return tile->start ? vld1q_s32(tile->start + 4 * four) : vdupq_n_s32(0);
}
