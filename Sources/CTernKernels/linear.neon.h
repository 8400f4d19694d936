/* Integer linear layers of the ARM sets over the tile of the set, which is included before. Include inside the target attribute. */
#pragma once

enum { GROUP_BYTES = TERN_PANEL * TERN_GROUP };
_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

/* The depth of a tile in groups: whole blocks of the packing and whole steps of the tile. It fits the panel of tern_linear_scratch, which is
   a multiple of both blocks deep. */
static inline size_t tern_tile_depth(tern_weights_kind kind, size_t k) {
    const size_t unit = kind == TERN_WEIGHTS_T2 ? TERN_T2_BLOCK : kind == TERN_WEIGHTS_T5 ? TERN_T5_BLOCK : TERN_GROUP;
    return tern_round_up(tern_round_up(k, unit) / TERN_GROUP, TERN_TILE_GROUPS);
}
_Static_assert(TERN_T2_BLOCK * TERN_T5_BLOCK % (TERN_TILE_GROUPS * TERN_GROUP) == 0, "a tile would not fit its panel");

/* One panel as tiles [4 tiles][depth][64], weights as int8; what is past the packed groups is zero. Each gives the groups it wrote. */
static size_t spread_s8(const uint8_t *packed, size_t k, size_t depth, int8_t *panel) {
    const size_t groups = tern_groups(k);
    for (size_t g = 0; g < groups; g++)
        for (size_t at = 0; at < GROUP_BYTES; at += 16, packed += 16)
            vst1q_s8(panel + (at / TERN_TILE_BYTES * depth + g) * TERN_TILE_BYTES + at % TERN_TILE_BYTES, vld1q_s8((const int8_t *)packed));
    return groups;
}

static size_t spread_t2(const uint8_t *packed, size_t k, size_t depth, int8_t *panel) {
    const size_t groups = tern_round_up(k, TERN_T2_BLOCK) / TERN_GROUP;
    const uint8x16_t mask = vdupq_n_u8(3), one = vdupq_n_u8(1);
    for (size_t g = 0; g < groups; g += 4) {
        for (size_t at = 0; at < GROUP_BYTES; at += 16, packed += 16) {
            int8_t *to = panel + (at / TERN_TILE_BYTES * depth + g) * TERN_TILE_BYTES + at % TERN_TILE_BYTES;
            uint8x16_t x = vld1q_u8(packed);
            for (int j = 0; j < 4; j++, to += TERN_TILE_BYTES) {
                vst1q_s8(to, vreinterpretq_s8_u8(vsubq_u8(vandq_u8(x, mask), one)));
                x = vshrq_n_u8(x, 2);
            }
        }
    }
    return groups;
}

/* The digit 3 x >> 8 is 1 from 86 on and 2 from 171 on. */
static size_t spread_t5(const uint8_t *packed, size_t k, size_t depth, int8_t *panel) {
    const size_t groups = tern_round_up(k, TERN_T5_BLOCK) / TERN_GROUP;
    const uint8x16_t from_one = vdupq_n_u8(86), from_two = vdupq_n_u8(171), least = vdupq_n_u8(0xff);
    for (size_t g = 0; g < groups; g += 5) {
        for (size_t at = 0; at < GROUP_BYTES; at += 16, packed += 16) {
            int8_t *to = panel + (at / TERN_TILE_BYTES * depth + g) * TERN_TILE_BYTES + at % TERN_TILE_BYTES;
            uint8x16_t x = vld1q_u8(packed);
            for (int j = 0; j < 5; j++, to += TERN_TILE_BYTES) {
                /* A comparison that holds is -1. */
                const uint8x16_t weight = vsubq_u8(vsubq_u8(least, vcgeq_u8(x, from_one)), vcgeq_u8(x, from_two));
                vst1q_s8(to, vreinterpretq_s8_u8(weight));
                x = vaddq_u8(vaddq_u8(x, x), x);
            }
        }
    }
    return groups;
}

static size_t spread_panel(const tern_linear *op, const uint8_t *packed, size_t depth, int8_t *panel) {
    switch (op->kind) {
    case TERN_WEIGHTS_T2: return spread_t2(packed, op->k, depth, panel);
    case TERN_WEIGHTS_T5: return spread_t5(packed, op->k, depth, panel);
    default: return spread_s8(packed, op->k, depth, panel);
    }
}

/* Scale, bias, GELU and residual for m rows by `columns` channels, at most 16, of sums [m][16], N-03. */
TERN_INLINE void finish(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns, const int gelu,
                        const int residual) {
    for (size_t j = 0; j < columns; j += 4) {
        const size_t at = column + j, left = columns - j;
        const float32x4_t scales = op->scale_count == 1 ? vdupq_n_f32(op->scales[0]) : tern_load_neon(op->scales + at, left);
        const float32x4_t biases = op->bias ? tern_load_neon(op->bias + at, left) : vdupq_n_f32(0.0f);
        for (size_t i = 0; i < m; i++) {
            const float32x4_t sum = vcvtq_f32_s32(vld1q_s32(sums + i * TERN_TILE_CHANNELS + j));
            float32x4_t y = vfmaq_f32(biases, sum, vmulq_n_f32(scales, op->row_scales[row + i]));
            if (gelu) y = tern_gelu_neon(y);
            if (residual) y = vaddq_f32(y, tern_load_neon(op->residual + (row + i) * op->residual_stride + at, left));
            tern_store_neon(op->output + (row + i) * op->output_stride + at, y, left);
        }
    }
}

static void finish_tile(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns) {
    if (op->gelu && op->residual) finish(op, sums, row, m, column, columns, 1, 1);
    else if (op->gelu) finish(op, sums, row, m, column, columns, 1, 0);
    else if (op->residual) finish(op, sums, row, m, column, columns, 0, 1);
    else finish(op, sums, row, m, column, columns, 0, 0);
}

/* The rows of the share's units as the tile reads them, at rows [row][stride]; a share of one panel or less needs only its own. */
static void arrange_share(const tern_linear *op, tern_share units, size_t blocks, int8_t *rows, size_t stride) {
    const int is_within = units.begin / blocks == (units.end - 1) / blocks;
    const size_t first = is_within ? units.begin % blocks : 0, last = is_within ? (units.end - 1) % blocks + 1 : blocks;
    const size_t begin = first * TERN_ROWS, end = tern_minimum(last * TERN_ROWS, op->m);
    tern_arrange_rows(op->codes + begin * op->codes_stride, op->codes_stride, end - begin, stride / TERN_GROUP, rows + begin * stride, stride);
}

/* One panel, the tiles of rows in blocks.begin ..< blocks.end; a tile's weights stay in the nearest cache for all of them. */
static void panel_rows(const tern_linear *op, size_t column, tern_share blocks, tern_tile tile, const int8_t *panel, size_t depth) {
    const int8_t *rows = tile.rows;
    const int is_pair = TERN_HAS_TERNARY_TILE && op->kind != TERN_WEIGHTS_S8;
    const size_t width = is_pair ? 2 * TERN_TILE_CHANNELS : TERN_TILE_CHANNELS, end = tern_minimum(TERN_PANEL, op->n - column);
    for (size_t first = 0; first < end; first += width) {
        tile.panel = panel + first * TERN_GROUP * depth;
        for (size_t block = blocks.begin; block < blocks.end; block++) {
            const size_t row = block * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row);
            int32_t sums[2 * TERN_TILE_SUMS];
            tile.rows = rows + row * tile.stride;
            if (is_pair) tern_ternary_rows(&tile, depth, m, sums);
            else tern_tile_rows(&tile, m, sums);
            for (size_t j = 0; j < width && first + j < end; j += TERN_TILE_CHANNELS)
                finish_tile(op, sums + j / TERN_TILE_CHANNELS * TERN_TILE_SUMS, row, m, column + first + j,
                            tern_minimum(TERN_TILE_CHANNELS, end - first - j));
        }
    }
}

static void integer_layer(const tern_linear *op, tern_share units, size_t blocks, void *scratch) {
    const size_t depth = tern_tile_depth(op->kind, op->k), groups = tern_round_up(tern_groups(op->k), TERN_TILE_GROUPS);
    const size_t panel_bytes = tern_panel_bytes(op->kind, op->k);
    int8_t *panel = scratch;
    tern_tile tile = {.rows = op->codes, .stride = op->codes_stride, .groups = groups};
    if (units.begin == units.end) return;
    if (TERN_ARRANGES_ROWS) {
        /* Behind the panel there is room for all rows, and one more, as bytes: they have two each. */
        int8_t *rows = panel + TERN_PANEL * sizeof(int16_t) * tern_round_up(op->k, TERN_T2_BLOCK * TERN_T5_BLOCK);
        tile.stride = groups * TERN_GROUP;
        arrange_share(op, units, blocks, rows, tile.stride);
        tile.rows = rows;
    }
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t index = unit / blocks, end = tern_minimum(units.end, (index + 1) * blocks);
        const size_t written = spread_panel(op, (const uint8_t *)op->weights + index * panel_bytes, depth, panel);
        for (size_t j = 0; j < TERN_TILES; j++) {
            int8_t *at = panel + j * depth * TERN_TILE_BYTES;
            if (written < groups) memset(at + written * TERN_TILE_BYTES, 0, (groups - written) * TERN_TILE_BYTES);
            tern_arrange_tile(at, groups);
        }
        panel_rows(op, index * TERN_PANEL, (tern_share){unit - index * blocks, end - index * blocks}, tile, panel, depth);
        unit = end;
    }
}
