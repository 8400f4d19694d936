/* Ternary layers with at most 63 levels on ARMv8.0-A, by tables of sums. Include after tile.neon.h and linear.neon.h.

   Two ternary weights have nine combinations, two activations then nine sums, each a byte. A pair of a row's codes (a, b) becomes a table of
   16 bytes, at 3 c + d the sum (c - 1) a + (d - 1) b, and a pair of a channel's weights the byte 3 c + d: tbl looks up 16 channels,
   saddw and saddw2 add them to int16. */
#pragma once

enum {
    LOOKUP_LEVELS = 63,     /* most levels */
    LOOKUP_PAIRS = 128,     /* pairs of K values whose tables are made at once, and that an int16 lane gathers */
    LOOKUP_CHANNELS = 32,   /* of one tile: with 6 rows 24 accumulators */
    LOOKUP_PANELS = 4,      /* panels that share the tables of a row */
    TABLE_BYTES = 16,
};
_Static_assert(2 * LOOKUP_LEVELS <= INT8_MAX, "a sum of two activations would not fit a byte");
_Static_assert(LOOKUP_PAIRS * 2 * LOOKUP_LEVELS <= INT16_MAX, "int16 lane would wrap");
_Static_assert(LOOKUP_PANELS * TERN_PANEL / 2 <= TERN_PANEL * sizeof(int16_t), "panels do not fit the scratch");

static int is_looked_up(const tern_linear *op) {
    return (op->kind == TERN_WEIGHTS_T2 || op->kind == TERN_WEIGHTS_T5) && op->levels > 0 && op->levels <= LOOKUP_LEVELS;
}

/* One block of 16 channels of four or five groups to indices: [pairs][32], of which these channels are the 16 bytes at `to`. */
TERN_INLINE void index_block(const uint8_t *packed, const tern_weights_kind kind, uint8_t *to) {
    const uint8x16_t mask = vdupq_n_u8(3), zero = vdupq_n_u8(0), from_one = vdupq_n_u8(86), from_two = vdupq_n_u8(171), three = vdupq_n_u8(3);
    uint8x16_t x[4];
    for (int j = 0; j < 4; j++) x[j] = vld1q_u8(packed + 16 * j);
    for (int digit = 0; digit < (kind == TERN_WEIGHTS_T2 ? 4 : 5); digit++, to += 2 * LOOKUP_CHANNELS) {
        uint8x16_t codes[4], pairs[2];
        for (int j = 0; j < 4; j++) {
            if (kind == TERN_WEIGHTS_T2) {
                codes[j] = vandq_u8(x[j], mask);
                x[j] = vshrq_n_u8(x[j], 2);
            } else {
                codes[j] = vsubq_u8(vsubq_u8(zero, vcgeq_u8(x[j], from_one)), vcgeq_u8(x[j], from_two));
                x[j] = vaddq_u8(vaddq_u8(x[j], x[j]), x[j]);
            }
        }
        for (int j = 0; j < 2; j++)
            pairs[j] = vmlaq_u8(vuzp2q_u8(codes[2 * j], codes[2 * j + 1]), vuzp1q_u8(codes[2 * j], codes[2 * j + 1]), three);
        vst1q_u8(to, vuzp1q_u8(pairs[0], pairs[1]));
        vst1q_u8(to + LOOKUP_CHANNELS, vuzp2q_u8(pairs[0], pairs[1]));
    }
}

/* One panel as indices: [2 tiles][pairs][32]. */
static void index_panel(const uint8_t *packed, tern_weights_kind kind, size_t pairs, uint8_t *panel) {
    const size_t per_block = kind == TERN_WEIGHTS_T2 ? 8 : 10;
    for (size_t pair = 0; pair < pairs; pair += per_block) {
        for (size_t tile = 0; tile < TERN_TILES; tile++, packed += TERN_TILE_BYTES) {
            uint8_t *to = panel + (tile / 2 * pairs + pair) * LOOKUP_CHANNELS + tile % 2 * TERN_TILE_CHANNELS;
            if (kind == TERN_WEIGHTS_T2) index_block(packed, TERN_WEIGHTS_T2, to);
            else index_block(packed, TERN_WEIGHTS_T5, to);
        }
    }
}

/* The tables of `pairs` pairs of a row. */
static void build_tables(const int8_t *codes, size_t pairs, int8_t *tables) {
    const int8x16_t first = {-1, -1, -1, 0, 0, 0, 1, 1, 1}, second = {-1, 0, 1, -1, 0, 1, -1, 0, 1};
    for (size_t p = 0; p < pairs; p++, codes += 2, tables += TABLE_BYTES)
        vst1q_s8(tables, vmlaq_s8(vmulq_s8(first, vld1q_dup_s8(codes)), second, vld1q_dup_s8(codes + 1)));
}

/* Looks `pairs` pairs of 32 channels up for m rows and adds their sums to [2 tiles][6][16]. */
TERN_INLINE void look_up(const int8_t *tables, const uint8_t *panel, size_t pairs, const int m, int32_t *sums) {
    int16x8_t lanes[TERN_ROWS][4];
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) lanes[i][j] = vdupq_n_s16(0);
    for (size_t p = 0; p < pairs; p++, panel += LOOKUP_CHANNELS) {
        const uint8x16_t low = vld1q_u8(panel), high = vld1q_u8(panel + 16);
        /* Three rows side by side: a core that runs in order need not wait, and there are registers for no more. */
#pragma clang loop unroll(full)
        for (int first = 0; first < m; first += 3) {
            const int end = first + 3 < m ? first + 3 : m;
            int8x16_t a[TERN_ROWS], b[TERN_ROWS];
#pragma clang loop unroll(full)
            for (int i = first; i < end; i++) {
                const int8x16_t table = vld1q_s8(tables + ((size_t)i * LOOKUP_PAIRS + p) * TABLE_BYTES);
                a[i] = vqtbl1q_s8(table, low);
                b[i] = vqtbl1q_s8(table, high);
            }
#pragma clang loop unroll(full)
            for (int i = first; i < end; i++) {
                lanes[i][0] = vaddw_s8(lanes[i][0], vget_low_s8(a[i]));
                lanes[i][1] = vaddw_high_s8(lanes[i][1], a[i]);
                lanes[i][2] = vaddw_s8(lanes[i][2], vget_low_s8(b[i]));
                lanes[i][3] = vaddw_high_s8(lanes[i][3], b[i]);
            }
            /* Keeps the compiler from mixing in the next three. */
#pragma clang loop unroll(full)
            for (int i = first; i < end; i++)
                __asm__ volatile("" : "+w"(lanes[i][0]), "+w"(lanes[i][1]), "+w"(lanes[i][2]), "+w"(lanes[i][3]));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) {
            int32_t *at = sums + j / 2 * TERN_TILE_SUMS + i * TERN_TILE_CHANNELS + j % 2 * 8;
            vst1q_s32(at, vaddw_s16(vld1q_s32(at), vget_low_s16(lanes[i][j])));
            vst1q_s32(at + 4, vaddw_high_s16(vld1q_s32(at + 4), lanes[i][j]));
        }
    }
}

static void look_up_rows(const int8_t *tables, const uint8_t *panel, size_t pairs, size_t m, int32_t *sums) {
    switch (m) {
    case 1: look_up(tables, panel, pairs, 1, sums); break;
    case 2: look_up(tables, panel, pairs, 2, sums); break;
    case 3: look_up(tables, panel, pairs, 3, sums); break;
    case 4: look_up(tables, panel, pairs, 4, sums); break;
    case 5: look_up(tables, panel, pairs, 5, sums); break;
    default: look_up(tables, panel, pairs, 6, sums); break;
    }
}

/* Up to six rows by the channels column ..< end of the panels at `panel`, each of `pairs` pairs. */
static void look_up_block(const tern_linear *op, size_t row, size_t column, size_t end, size_t pairs, const uint8_t *panel) {
    _Alignas(64) int8_t tables[TERN_ROWS * LOOKUP_PAIRS * TABLE_BYTES];
    _Alignas(64) int32_t sums[LOOKUP_PANELS * TERN_TILES * TERN_TILE_SUMS];
    const size_t m = tern_minimum(TERN_ROWS, op->m - row), needed = 2 * tern_groups(op->k);
    memset(sums, 0, (end - column + LOOKUP_CHANNELS - 1) / LOOKUP_CHANNELS * 2 * TERN_TILE_SUMS * sizeof(int32_t));
    for (size_t begin = 0; begin < needed; begin += LOOKUP_PAIRS) {
        const size_t count = tern_minimum(LOOKUP_PAIRS, needed - begin);
        for (size_t i = 0; i < m; i++)
            build_tables(op->codes + (row + i) * op->codes_stride + 2 * begin, count, tables + i * LOOKUP_PAIRS * TABLE_BYTES);
        for (size_t tile = 0; column + tile * LOOKUP_CHANNELS < end; tile++)
            look_up_rows(tables, panel + (tile * pairs + begin) * LOOKUP_CHANNELS, count, m, sums + tile * 2 * TERN_TILE_SUMS);
    }
    for (size_t tile = 0; column + tile * TERN_TILE_CHANNELS < end; tile++) {
        const size_t first = column + tile * TERN_TILE_CHANNELS;
        finish_tile(op, sums + tile * TERN_TILE_SUMS, row, m, first, tern_minimum(TERN_TILE_CHANNELS, end - first));
    }
}

/* The share's units as rectangles: whole panels, several together, and a part of one at either end. */
static void look_up_layer(const tern_linear *op, tern_share units, size_t blocks, uint8_t *panels) {
    const size_t pairs = tern_round_up(op->k, op->kind == TERN_WEIGHTS_T2 ? TERN_T2_BLOCK : TERN_T5_BLOCK) / 2;
    const size_t packed_bytes = tern_panel_bytes(op->kind, op->k);
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t index = unit / blocks, first = unit % blocks, left = units.end - unit;
        const int is_whole = first == 0 && left >= blocks;
        const size_t count = is_whole ? tern_minimum(LOOKUP_PANELS, left / blocks) : 1;
        const size_t last = is_whole ? blocks : tern_minimum(blocks, first + left);
        for (size_t j = 0; j < count; j++)
            index_panel((const uint8_t *)op->weights + (index + j) * packed_bytes, op->kind, pairs, panels + j * pairs * TERN_PANEL);
        for (size_t block = first; block < last; block++)
            look_up_block(op, block * TERN_ROWS, index * TERN_PANEL, tern_minimum((index + count) * TERN_PANEL, op->n), pairs, panels);
        unit += count * (last - first);
    }
}
