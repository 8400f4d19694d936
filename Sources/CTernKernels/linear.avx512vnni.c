#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

/* The signed sum fits int32 by the limit of depth; the biased one may wrap and comes back, because vpdpbusd does not saturate. */
_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#include "finish.avx512vnni.h"

enum { GROUP_BYTES = TERN_PANEL * TERN_GROUP, CACHE_LINE = 64 };

/* t2 blocks to one code a byte, 0 ... 2; four groups a block. */
static void unpack_t2(const uint8_t *packed, size_t groups, uint8_t *panel) {
    const __m512i mask = _mm512_set1_epi8(3);
    for (size_t g = 0; g < groups; g += 4, packed += GROUP_BYTES, panel += 4 * GROUP_BYTES) {
        for (int j = 0; j < GROUP_BYTES; j += 64) {
            const __m512i x = _mm512_loadu_si512(packed + j);
            _mm512_storeu_si512(panel + j, _mm512_and_si512(x, mask));
            _mm512_storeu_si512(panel + GROUP_BYTES + j, _mm512_and_si512(_mm512_srli_epi16(x, 2), mask));
            _mm512_storeu_si512(panel + 2 * GROUP_BYTES + j, _mm512_and_si512(_mm512_srli_epi16(x, 4), mask));
            _mm512_storeu_si512(panel + 3 * GROUP_BYTES + j, _mm512_and_si512(_mm512_srli_epi16(x, 6), mask));
        }
    }
}

/* t5 blocks to one code a byte; five groups a block. The digit 3 x >> 8 is 1 from 86 on and 2 from 171 on. */
static void unpack_t5(const uint8_t *packed, size_t groups, uint8_t *panel) {
    const __m512i one = _mm512_set1_epi8(1), from_one = _mm512_set1_epi8(86), from_two = _mm512_set1_epi8((char)171);
    for (size_t g = 0; g < groups; g += 5, packed += GROUP_BYTES, panel += 5 * GROUP_BYTES) {
        for (int j = 0; j < GROUP_BYTES; j += 64) {
            __m512i x = _mm512_loadu_si512(packed + j);
            for (int digit = 0; digit < 5; digit++) {
                const __m512i low = _mm512_maskz_mov_epi8(_mm512_cmpge_epu8_mask(x, from_one), one);
                const __m512i code = _mm512_mask_add_epi8(low, _mm512_cmpge_epu8_mask(x, from_two), low, one);
                _mm512_storeu_si512(panel + digit * GROUP_BYTES + j, code);
                x = _mm512_add_epi8(_mm512_add_epi8(x, x), x);
            }
        }
    }
}

/* -128 times the sum of each channel's weights. */
static void correct_s8(const uint8_t *panel, size_t groups, int32_t *channel_sums) {
    const __m512i bias = _mm512_set1_epi8((char)0x80);
    __m512i sums[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t g = 0; g < groups; g++, panel += GROUP_BYTES)
        for (int j = 0; j < 4; j++) sums[j] = _mm512_dpbusd_epi32(sums[j], bias, _mm512_loadu_si512(panel + 64 * j));
    for (int j = 0; j < 4; j++) _mm512_storeu_si512(channel_sums + 16 * j, _mm512_sub_epi32(_mm512_setzero_si512(), sums[j]));
}

/* Asks for share `index` of `count` of the packed panel that comes next, spread over the tiles of this one. */
static void prefetch_share(const uint8_t *next, size_t bytes, size_t index, size_t count) {
    const tern_share share = tern_share_of(bytes / CACHE_LINE, index, count);
    for (size_t line = share.begin; line < share.end; line++) _mm_prefetch((const char *)next + line * CACHE_LINE, _MM_HINT_T1);
}

static void integer_layer(const tern_linear *op, tern_share units, size_t blocks, uint8_t *unpacked, int32_t *channel_sums) {
    const size_t groups = tern_groups(op->k), panel_bytes = tern_panel_bytes(op->kind, op->k);
    const size_t panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    _Alignas(64) int32_t sums[TERN_ROWS * TERN_PANEL];
    tern_tile tile = {.stride = op->codes_stride, .groups = groups, .channel_sums = channel_sums, .sums = sums};
    size_t prepared = SIZE_MAX;
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t panel = unit / blocks, block = unit % blocks, row = block * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row);
        const size_t column = panel * TERN_PANEL, columns = tern_minimum(TERN_PANEL, op->n - column);
        const uint8_t *packed = (const uint8_t *)op->weights + panel * panel_bytes;
        if (prepared != panel) {
            tile.panel = op->kind == TERN_WEIGHTS_S8 ? packed : unpacked;
            if (op->kind == TERN_WEIGHTS_S8) correct_s8(packed, groups, channel_sums);
            else if (op->kind == TERN_WEIGHTS_T2) unpack_t2(packed, groups, unpacked);
            else unpack_t5(packed, groups, unpacked);
            prepared = panel;
        }
        if (panel + 1 < panels) prefetch_share(packed + panel_bytes, panel_bytes, block, blocks);
        tile.rows = (const uint8_t *)op->codes + row * op->codes_stride;
        tile.row_sums = op->row_sums + row;
        tile.count = m;
        if (op->kind == TERN_WEIGHTS_S8) tern_tile_512(&tile, columns, TERN_ROWS_BIASED);
        else tern_tile_512(&tile, columns, TERN_PANEL_UNSIGNED);
        tern_finish_512(op, sums, row, m, column, columns);
    }
}

/* N-04 for `count` rows by up to four channels: each pair keeps its 16 lanes in one register. m rows are computed, the last again. */
TERN_INLINE void float_tile(const tern_linear *op, size_t row, const int m, size_t count, size_t column, size_t columns) {
    const float *weights[4], *rows[TERN_ROWS];
    __m512 lanes[TERN_ROWS][4];
    for (size_t j = 0; j < 4; j++) weights[j] = (const float *)op->weights + (column + tern_minimum(j, columns - 1)) * op->k;
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        rows[i] = op->input + (row + tern_minimum((size_t)i, count - 1)) * op->input_stride;
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) lanes[i][j] = _mm512_setzero_ps();
    }
    for (size_t k = 0; k < op->k; k += 16) {
        const __mmask16 mask = tern_lanes_512(op->k - k);
        __m512 w[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) w[j] = _mm512_maskz_loadu_ps(mask, weights[j] + k);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const __m512 x = _mm512_maskz_loadu_ps(mask, rows[i] + k);
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) lanes[i][j] = _mm512_mask3_fmadd_ps(x, w[j], lanes[i][j], mask);
        }
    }
    const __mmask8 stored = (__mmask8)((1u << columns) - 1);
    const __m128 bias = op->bias ? _mm_maskz_loadu_ps(stored, op->bias + column) : _mm_setzero_ps();
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
        if ((size_t)i >= count) break;
        const __m128 sum = _mm_setr_ps(tern_tree_512(lanes[i][0]), tern_tree_512(lanes[i][1]), tern_tree_512(lanes[i][2]), tern_tree_512(lanes[i][3]));
        __m128 y = _mm_add_ps(sum, bias);
        if (op->gelu) y = _mm512_castps512_ps128(tern_gelu_512(_mm512_castps128_ps512(y)));
        if (op->residual) y = _mm_add_ps(y, _mm_maskz_loadu_ps(stored, op->residual + (row + (size_t)i) * op->residual_stride + column));
        _mm_mask_storeu_ps(op->output + (row + (size_t)i) * op->output_stride + column, stored, y);
    }
}

static void float_layer(const tern_linear *op, tern_share units, size_t blocks) {
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t row = unit % blocks * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row);
        const size_t end = tern_minimum((unit / blocks + 1) * TERN_PANEL, op->n);
        for (size_t column = unit / blocks * TERN_PANEL; column < end; column += 4) {
            const size_t columns = tern_minimum(4, end - column);
            if (m > 1) float_tile(op, row, TERN_ROWS, m, column, columns);
            else float_tile(op, row, 1, m, column, columns);
        }
    }
}

void tern_linear__avx512vnni(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share units = tern_share_of(panels * blocks, part, parts);
    int32_t *channel_sums = scratch;
    uint8_t *unpacked = (uint8_t *)scratch + TERN_PANEL * sizeof(int32_t);
    if (op->kind == TERN_WEIGHTS_F32) float_layer(op, units, blocks);
    else integer_layer(op, units, blocks, unpacked, channel_sums);
}
#pragma clang attribute pop
#endif
