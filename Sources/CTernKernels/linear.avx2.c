#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "tile.avx2.h"

#include "linear.avx2.h"
#include "lookup.avx2.h"

/* One panel as the tiles of words read it, [4 tiles][groups][2 pairs][16 channels][2]. */
static void unpack_s8(const uint8_t *packed, size_t groups, int16_t *panel) {
    const __m256i pairs = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    for (size_t g = 0; g < groups; g++, packed += GROUP_BYTES) {
        for (size_t tile = 0; tile < TILES; tile++) {
            int16_t *to = panel + (tile * groups + g) * TILE_BYTES;
            for (size_t half = 0; half < 2; half++) {
                /* Eight channels: the first pairs of all, then the second pairs. */
                const __m256i four = _mm256_loadu_si256((const __m256i *)(packed + tile * TILE_BYTES + 32 * half));
                const __m256i two = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(four, pairs), 0xd8);
                _mm256_storeu_si256((__m256i *)(to + 16 * half), _mm256_cvtepi8_epi16(_mm256_castsi256_si128(two)));
                _mm256_storeu_si256((__m256i *)(to + 32 + 16 * half), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(two, 1)));
            }
        }
    }
}

/* The codes of `rows` as int16 [row][stride], stride = k rounded up to 16. */
static void widen_rows(const tern_linear *op, tern_share rows, size_t stride, int16_t *words) {
    for (size_t row = rows.begin; row < rows.end; row++) {
        const int8_t *codes = op->codes + row * op->codes_stride;
        for (size_t k = 0; k < op->k; k += 16)
            _mm256_storeu_si256((__m256i *)(words + row * stride + k), _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(codes + k))));
    }
}

/* With few levels INT8 weights are multiplied as bytes. */
TERN_INLINE int is_bytes(const tern_linear *op) {
    return op->kind == TERN_WEIGHTS_S8 && op->levels > 0 && op->levels <= TERN_BYTE_LEVELS;
}

/* The codes of `rows` plus the bias [row][stride], stride = k rounded up to 32. */
static void bias_rows(const tern_linear *op, tern_share rows, size_t stride, uint8_t *biased) {
    const __m256i bias = _mm256_set1_epi8(TERN_BYTE_BIAS);
    for (size_t row = rows.begin; row < rows.end; row++) {
        for (size_t k = 0; k < op->k; k += 32) {
            const __m256i codes = _mm256_loadu_si256((const __m256i *)(op->codes + row * op->codes_stride + k));
            _mm256_storeu_si256((__m256i *)(biased + row * stride + k), _mm256_add_epi8(codes, bias));
        }
    }
}

/* One panel as the tiles of bytes read it, [4 tiles][groups][16 channels][4]; starts [64] are -bias times the weights of each channel. */
static void unpack_bytes(const uint8_t *packed, size_t groups, int8_t *panel, int32_t *starts) {
    for (size_t at = 0; at < GROUP_BYTES; at += 32) {
        int8_t *to = panel + at / TILE_BYTES * groups * TILE_BYTES + at % TILE_BYTES;
        __m256i sum = _mm256_setzero_si256();
        for (size_t g = 0; g < groups; g++, to += TILE_BYTES) {
            const __m256i weights = _mm256_loadu_si256((const __m256i *)(packed + g * GROUP_BYTES + at));
            sum = _mm256_add_epi32(sum, tern_sums_256(weights));
            _mm256_storeu_si256((__m256i *)to, weights);
        }
        _mm256_storeu_si256((__m256i *)(starts + at / TERN_GROUP), _mm256_mullo_epi32(sum, _mm256_set1_epi32(-TERN_BYTE_BIAS)));
    }
}

/* One panel's tiles for `rows`; a tile's weights stay in the nearest cache for all of them. */
static void word_panel(const tern_linear *op, size_t column, tern_share rows, const int16_t *panel, const int16_t *words, size_t stride) {
    const size_t groups = tern_groups(op->k);
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < tiles_of(op, column); tile++, panel += groups * TILE_BYTES) {
        for (size_t row = rows.begin; row < rows.end; row += TERN_ROWS) {
            const size_t m = tern_minimum(TERN_ROWS, rows.end - row);
            tern_words_256(words + row * stride, stride, panel, 2 * groups, m, sums, TERN_TILE_CHANNELS);
            finish_tile(op, sums, row, m, column + tile * TERN_TILE_CHANNELS);
        }
    }
}

static void byte_panel(const tern_linear *op, size_t column, tern_share rows, const tern_linear_buffers_256 *at) {
    const size_t groups = tern_groups(op->k), stride = tern_round_up(op->k, 32);
    const int8_t *panel = (const int8_t *)at->panel;
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < tiles_of(op, column); tile++, panel += groups * TILE_BYTES) {
        for (size_t row = rows.begin; row < rows.end; row += TERN_ROWS) {
            const size_t m = tern_minimum(TERN_ROWS, rows.end - row);
            start_channels(at->starts + tile * TERN_TILE_CHANNELS, m, sums);
            tern_bytes_256(at->rows + row * stride, stride, panel, groups, m, sums);
            finish_tile(op, sums, row, m, column + tile * TERN_TILE_CHANNELS);
        }
    }
}

static void code_panel(const tern_linear *op, size_t column, tern_share rows, size_t padded_groups, const uint8_t *panel) {
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < tiles_of(op, column); tile++, panel += padded_groups * TILE_BYTES) {
        for (size_t row = rows.begin; row < rows.end; row += TERN_ROWS) {
            const size_t m = tern_minimum(TERN_ROWS, rows.end - row);
            /* Codes are weight + 1, so each sum is too large by the row's sum. */
            start_rows(op->row_sums + row, -1, m, sums);
            tern_codes_256(op->codes + row * op->codes_stride, op->codes_stride, panel, tern_groups(op->k), m, sums, TERN_TILE_CHANNELS);
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
            tern_lookups_256(at->rows + row * stride, stride, panel, steps, m, sums, TERN_TILE_CHANNELS);
            finish_tile(op, sums, row, m, column + tile * TERN_TILE_CHANNELS);
        }
    }
}

static void integer_layer(const tern_linear *op, tern_share units, size_t blocks, const tern_linear_buffers_256 *at) {
    const size_t groups = tern_groups(op->k), panel_bytes = tern_panel_bytes(op->kind, op->k), stride = tern_round_up(op->k, 16);
    const size_t padded_groups = tern_round_up(groups, op->kind == TERN_WEIGHTS_T2 ? 4 : 5);
    if (units.begin == units.end) return;
    if (is_bytes(op)) bias_rows(op, rows_of(op, units, blocks), tern_round_up(op->k, 32), at->rows);
    else if (op->kind == TERN_WEIGHTS_S8) widen_rows(op, rows_of(op, units, blocks), stride, (int16_t *)at->rows);
    else if (is_looked_up(op)) build_tables(op, rows_of(op, units, blocks), table_stride(op->k), at->rows);
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t index = unit / blocks, end = tern_minimum(units.end, (index + 1) * blocks), column = index * TERN_PANEL;
        const tern_share rows = rows_of(op, (tern_share){unit, end}, blocks);
        const uint8_t *packed = (const uint8_t *)op->weights + index * panel_bytes;
        if (is_bytes(op)) {
            unpack_bytes(packed, groups, (int8_t *)at->panel, at->starts);
            byte_panel(op, column, rows, at);
        } else if (op->kind == TERN_WEIGHTS_S8) {
            unpack_s8(packed, groups, (int16_t *)at->panel);
            word_panel(op, column, rows, (const int16_t *)at->panel, (const int16_t *)at->rows, stride);
        } else if (is_looked_up(op)) {
            lookup_panel(op, column, rows, unpack_lookups(op, packed, at->panel, at->starts), at);
        } else {
            if (op->kind == TERN_WEIGHTS_T2) unpack_t2(packed, groups, padded_groups, at->panel);
            else unpack_t5(packed, groups, padded_groups, at->panel);
            code_panel(op, column, rows, padded_groups, at->panel);
        }
        unit = end;
    }
}

void tern_linear__avx2(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share units = tern_share_of(panels * blocks, part, parts);
    const tern_linear_buffers_256 at = tern_linear_buffers_of_256(op, scratch);
    if (op->kind == TERN_WEIGHTS_F32) float_layer(op, units, blocks);
    else integer_layer(op, units, blocks, &at);
}
#pragma clang attribute pop
#endif
