#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

/* The signed sum fits int32 by the limit of depth; the biased one may wrap and comes back, because vpdpbusd does not saturate. The start
   value of a row, 128 times the sum of its codes, fits. */
_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");
_Static_assert(128LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "start of a row would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "tile.avxvnni.h"

#include "linear.avx2.h"
#include "lookup.avx2.h"

/* One panel as the tiles of bytes read it, [4 tiles][groups][16 channels][4]: weight + 128. */
static void unpack_s8(const uint8_t *packed, size_t groups, uint8_t *panel) {
    const __m256i bias = _mm256_set1_epi8((char)0x80);
    for (size_t at = 0; at < GROUP_BYTES; at += 32) {
        uint8_t *to = panel + at / TILE_BYTES * groups * TILE_BYTES + at % TILE_BYTES;
        for (size_t g = 0; g < groups; g++, to += TILE_BYTES) {
            const __m256i x = _mm256_loadu_si256((const __m256i *)(packed + g * GROUP_BYTES + at));
            _mm256_storeu_si256((__m256i *)to, _mm256_xor_si256(x, bias));
        }
    }
}

/* One panel's tiles for `rows`; a tile's weights stay in the nearest cache for all of them. The panel holds weight + bias, so each sum is
   too large by the row's sum times the bias. */
static void byte_panel(const tern_linear *op, size_t column, tern_share rows, size_t padded_groups, int32_t bias, const uint8_t *panel) {
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < tiles_of(op, column); tile++, panel += padded_groups * TILE_BYTES) {
        for (size_t row = rows.begin; row < rows.end; row += TERN_ROWS) {
            const size_t m = tern_minimum(TERN_ROWS, rows.end - row);
            start_rows(op->row_sums + row, -bias, m, sums);
            tern_bytes_vnni((const uint8_t *)op->codes + row * op->codes_stride, op->codes_stride, panel, tern_groups(op->k), m,
                            TERN_PANEL_UNSIGNED, sums);
            finish_tile(op, sums, row, m, column + tile * TERN_TILE_CHANNELS);
        }
    }
}

static void lookup_panel(const tern_linear *op, size_t column, tern_share rows, size_t padded_steps, const tern_linear_buffers_256 *at) {
    const size_t steps = (op->k + TERN_STEP - 1) / TERN_STEP, stride = table_stride(op->k);
    const uint8_t *panel = at->panel;
    int32_t sums[TERN_LOOKUP_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < tiles_of(op, column); tile++, panel += padded_steps * 2 * TERN_STEP_BYTES) {
        for (size_t row = rows.begin; row < rows.end; row += TERN_LOOKUP_ROWS) {
            const size_t m = tern_minimum(TERN_LOOKUP_ROWS, rows.end - row);
            start_channels(at->starts + tile * TERN_TILE_CHANNELS, m, sums);
            tern_lookups_vnni(at->rows + row * stride, stride, panel, steps, m, sums);
            finish_tile(op, sums, row, m, column + tile * TERN_TILE_CHANNELS);
        }
    }
}

static void integer_layer(const tern_linear *op, tern_share units, size_t blocks, const tern_linear_buffers_256 *at) {
    const size_t groups = tern_groups(op->k), panel_bytes = tern_panel_bytes(op->kind, op->k);
    const size_t padded_groups = tern_round_up(groups, op->kind == TERN_WEIGHTS_S8 ? 1 : op->kind == TERN_WEIGHTS_T2 ? 4 : 5);
    if (units.begin == units.end) return;
    if (is_looked_up(op)) build_tables(op, rows_of(op, units, blocks), table_stride(op->k), at->rows);
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t index = unit / blocks, end = tern_minimum(units.end, (index + 1) * blocks), column = index * TERN_PANEL;
        const tern_share rows = rows_of(op, (tern_share){unit, end}, blocks);
        const uint8_t *packed = (const uint8_t *)op->weights + index * panel_bytes;
        if (is_looked_up(op)) {
            lookup_panel(op, column, rows, unpack_lookups(op, packed, at->panel, at->starts), at);
        } else {
            if (op->kind == TERN_WEIGHTS_S8) unpack_s8(packed, groups, at->panel);
            else if (op->kind == TERN_WEIGHTS_T2) unpack_t2(packed, groups, padded_groups, at->panel);
            else unpack_t5(packed, groups, padded_groups, at->panel);
            byte_panel(op, column, rows, padded_groups, op->kind == TERN_WEIGHTS_S8 ? 128 : 1, at->panel);
        }
        unit = end;
    }
}

void tern_linear__avxvnni(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share units = tern_share_of(panels * blocks, part, parts);
    const tern_linear_buffers_256 at = tern_linear_buffers_of_256(op, scratch);
    if (op->kind == TERN_WEIGHTS_F32) float_layer(op, units, blocks);
    else integer_layer(op, units, blocks, &at);
}
#pragma clang attribute pop
#endif
