#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "tile.avx2.h"

enum { GROUP_BYTES = TERN_PANEL * TERN_GROUP, TILES = TERN_PANEL / TERN_TILE_CHANNELS, TILE_BYTES = TERN_TILE_CHANNELS * TERN_GROUP };

/* One panel as the tiles read it: [4 tiles][groups][16 channels]; int8 weights as two int16 pairs a group, ternary ones as codes. */
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

static void unpack_t2(const uint8_t *packed, size_t groups, size_t padded_groups, uint8_t *panel) {
    const __m256i mask = _mm256_set1_epi8(3);
    for (size_t g = 0; g < groups; g += 4, packed += GROUP_BYTES) {
        for (size_t at = 0; at < GROUP_BYTES; at += 32) {
            uint8_t *to = panel + (at / TILE_BYTES * padded_groups + g) * TILE_BYTES + at % TILE_BYTES;
            __m256i x = _mm256_loadu_si256((const __m256i *)(packed + at));
            for (int j = 0; j < 4; j++, to += TILE_BYTES) {
                _mm256_storeu_si256((__m256i *)to, _mm256_and_si256(x, mask));
                x = _mm256_srli_epi16(x, 2);
            }
        }
    }
}

/* The digit 3 x >> 8 is 1 from 86 on and 2 from 171 on. */
static void unpack_t5(const uint8_t *packed, size_t groups, size_t padded_groups, uint8_t *panel) {
    const __m256i from_one = _mm256_set1_epi8(86), from_two = _mm256_set1_epi8((char)171);
    for (size_t g = 0; g < groups; g += 5, packed += GROUP_BYTES) {
        for (size_t at = 0; at < GROUP_BYTES; at += 32) {
            uint8_t *to = panel + (at / TILE_BYTES * padded_groups + g) * TILE_BYTES + at % TILE_BYTES;
            __m256i x = _mm256_loadu_si256((const __m256i *)(packed + at));
            for (int j = 0; j < 5; j++, to += TILE_BYTES) {
                const __m256i low = _mm256_cmpeq_epi8(_mm256_max_epu8(x, from_one), x), high = _mm256_cmpeq_epi8(_mm256_max_epu8(x, from_two), x);
                _mm256_storeu_si256((__m256i *)to, _mm256_sub_epi8(_mm256_setzero_si256(), _mm256_add_epi8(low, high)));
                x = _mm256_add_epi8(_mm256_add_epi8(x, x), x);
            }
        }
    }
}

/* Scale, bias, GELU and residual for m rows by `columns` channels, at most 16, of sums [m][16], N-03. */
TERN_INLINE void finish(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns, const int is_whole,
                        const int gelu, const int residual) {
    for (size_t j = 0; j < columns; j += 8) {
        const __m256i mask = tern_lanes_256(columns - j);
        const float *scale = op->scales + column + j, *added = residual ? op->residual + row * op->residual_stride + column + j : NULL;
        const __m256 scales = op->scale_count == 1 ? _mm256_set1_ps(op->scales[0]) : _mm256_maskload_ps(scale, mask);
        const __m256 biases = op->bias ? _mm256_maskload_ps(op->bias + column + j, mask) : _mm256_setzero_ps();
        float *out = op->output + row * op->output_stride + column + j;
        for (size_t i = 0; i < m; i++, out += op->output_stride) {
            const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + j)));
            __m256 y = _mm256_fmadd_ps(sum, _mm256_mul_ps(_mm256_set1_ps(op->row_scales[row + i]), scales), biases);
            if (gelu) y = tern_gelu_256(y);
            if (residual) {
                y = _mm256_add_ps(y, is_whole ? _mm256_loadu_ps(added) : _mm256_maskload_ps(added, mask));
                added += op->residual_stride;
            }
            if (is_whole) _mm256_storeu_ps(out, y);
            else _mm256_maskstore_ps(out, mask, y);
        }
    }
}

static void finish_tile(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns) {
    if (columns == TERN_TILE_CHANNELS) {
        if (op->gelu && op->residual) finish(op, sums, row, m, column, columns, 1, 1, 1);
        else if (op->gelu) finish(op, sums, row, m, column, columns, 1, 1, 0);
        else if (op->residual) finish(op, sums, row, m, column, columns, 1, 0, 1);
        else finish(op, sums, row, m, column, columns, 1, 0, 0);
    } else {
        if (op->gelu && op->residual) finish(op, sums, row, m, column, columns, 0, 1, 1);
        else if (op->gelu) finish(op, sums, row, m, column, columns, 0, 1, 0);
        else if (op->residual) finish(op, sums, row, m, column, columns, 0, 0, 1);
        else finish(op, sums, row, m, column, columns, 0, 0, 0);
    }
}

/* The rows begin ..< end of the codes as int16 [row][stride], stride = k rounded up to 16. */
static void widen_rows(const tern_linear *op, size_t begin, size_t end, size_t stride, int16_t *words) {
    for (size_t row = begin; row < end; row++) {
        const int8_t *codes = op->codes + row * op->codes_stride;
        for (size_t k = 0; k < op->k; k += 16)
            _mm256_storeu_si256((__m256i *)(words + row * stride + k), _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(codes + k))));
    }
}

/* One panel, the tiles of rows in blocks.begin ..< blocks.end; a tile's weights stay in the nearest cache for all of them. */
static void byte_panel(const tern_linear *op, size_t column, tern_share blocks, int16_t *panel, const int16_t *words, size_t stride) {
    const size_t groups = tern_groups(op->k);
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < TILES && column + tile * TERN_TILE_CHANNELS < op->n; tile++) {
        const size_t first = column + tile * TERN_TILE_CHANNELS, columns = tern_minimum(TERN_TILE_CHANNELS, op->n - first);
        for (size_t block = blocks.begin; block < blocks.end; block++) {
            const size_t row = block * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row);
            tern_words_256(words + row * stride, stride, panel + tile * groups * TILE_BYTES, 2 * groups, m, sums, TERN_TILE_CHANNELS);
            finish_tile(op, sums, row, m, first, columns);
        }
    }
}

static void ternary_panel(const tern_linear *op, size_t column, tern_share blocks, size_t padded_groups, const uint8_t *panel) {
    const size_t groups = tern_groups(op->k);
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    for (size_t tile = 0; tile < TILES && column + tile * TERN_TILE_CHANNELS < op->n; tile++) {
        const size_t first = column + tile * TERN_TILE_CHANNELS, columns = tern_minimum(TERN_TILE_CHANNELS, op->n - first);
        for (size_t block = blocks.begin; block < blocks.end; block++) {
            const size_t row = block * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row);
            /* Codes are weight + 1, so each sum is too large by the row's sum. */
            for (size_t i = 0; i < m * TERN_TILE_CHANNELS; i++) sums[i] = -op->row_sums[row + i / TERN_TILE_CHANNELS];
            tern_codes_256(op->codes + row * op->codes_stride, op->codes_stride, panel + tile * padded_groups * TILE_BYTES, groups, m, sums,
                           TERN_TILE_CHANNELS);
            finish_tile(op, sums, row, m, first, columns);
        }
    }
}

static void integer_layer(const tern_linear *op, tern_share units, size_t blocks, void *panel, int16_t *words) {
    const size_t groups = tern_groups(op->k), panel_bytes = tern_panel_bytes(op->kind, op->k), stride = tern_round_up(op->k, 16);
    const size_t padded_groups = tern_round_up(groups, op->kind == TERN_WEIGHTS_T2 ? 4 : 5);
    if (op->kind == TERN_WEIGHTS_S8 && units.begin < units.end) {
        /* A share of one panel or less needs only its own rows. */
        const int is_within = units.begin / blocks == (units.end - 1) / blocks;
        const size_t first = is_within ? units.begin % blocks * TERN_ROWS : 0;
        const size_t last = is_within ? ((units.end - 1) % blocks + 1) * TERN_ROWS : op->m;
        widen_rows(op, first, tern_minimum(last, op->m), stride, words);
    }
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t index = unit / blocks, end = tern_minimum(units.end, (index + 1) * blocks);
        const tern_share share = {unit - index * blocks, end - index * blocks};
        const uint8_t *packed = (const uint8_t *)op->weights + index * panel_bytes;
        if (op->kind == TERN_WEIGHTS_S8) {
            unpack_s8(packed, groups, panel);
            byte_panel(op, index * TERN_PANEL, share, panel, words, stride);
        } else {
            if (op->kind == TERN_WEIGHTS_T2) unpack_t2(packed, groups, padded_groups, panel);
            else unpack_t5(packed, groups, padded_groups, panel);
            ternary_panel(op, index * TERN_PANEL, share, padded_groups, panel);
        }
        unit = end;
    }
}

/* N-04: one row by one channel, its 16 lanes in two registers. */
static float dot(const float *x, const float *weights, size_t count) {
    tern_pair_256 lanes = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    const size_t whole = count / TERN_LANES * TERN_LANES, rest = count - whole;
    for (size_t k = 0; k < whole; k += TERN_LANES) {
        lanes.low = _mm256_fmadd_ps(_mm256_loadu_ps(x + k), _mm256_loadu_ps(weights + k), lanes.low);
        lanes.high = _mm256_fmadd_ps(_mm256_loadu_ps(x + k + 8), _mm256_loadu_ps(weights + k + 8), lanes.high);
    }
    if (rest) {
        const __m256i low = tern_lanes_256(rest), high = tern_lanes_256(tern_past_256(rest));
        const __m256 first = _mm256_fmadd_ps(_mm256_maskload_ps(x + whole, low), _mm256_maskload_ps(weights + whole, low), lanes.low);
        lanes.low = _mm256_blendv_ps(lanes.low, first, _mm256_castsi256_ps(low));
        const __m256 second = _mm256_fmadd_ps(_mm256_maskload_ps(x + whole + 8, high), _mm256_maskload_ps(weights + whole + 8, high), lanes.high);
        lanes.high = _mm256_blendv_ps(lanes.high, second, _mm256_castsi256_ps(high));
    }
    return tern_tree_256(lanes);
}

static void float_layer(const tern_linear *op, tern_share units, size_t blocks) {
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t first = unit % blocks * TERN_ROWS, column = unit / blocks * TERN_PANEL;
        const size_t last = tern_minimum(first + TERN_ROWS, op->m), columns = tern_minimum(TERN_PANEL, op->n - column);
        for (size_t row = first; row < last; row++) {
            for (size_t j = 0; j < columns; j += 8) {
                float values[8] = {0};
                for (size_t n = 0; n < tern_minimum(8, columns - j); n++)
                    values[n] = dot(op->input + row * op->input_stride, (const float *)op->weights + (column + j + n) * op->k, op->k);
                const __m256i mask = tern_lanes_256(columns - j);
                const __m256 bias = op->bias ? _mm256_maskload_ps(op->bias + column + j, mask) : _mm256_setzero_ps();
                __m256 y = _mm256_add_ps(_mm256_loadu_ps(values), bias);
                if (op->gelu) y = tern_gelu_256(y);
                if (op->residual) y = _mm256_add_ps(y, _mm256_maskload_ps(op->residual + row * op->residual_stride + column + j, mask));
                _mm256_maskstore_ps(op->output + row * op->output_stride + column + j, mask, y);
            }
        }
    }
}

void tern_linear__avx2(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share units = tern_share_of(panels * blocks, part, parts);
    const size_t padded = tern_round_up(op->k, TERN_T2_BLOCK * TERN_T5_BLOCK);
    if (op->kind == TERN_WEIGHTS_F32) float_layer(op, units, blocks);
    else integer_layer(op, units, blocks, scratch, (int16_t *)scratch + padded * TERN_PANEL);
}
#pragma clang attribute pop
#endif
