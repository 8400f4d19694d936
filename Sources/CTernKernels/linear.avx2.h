/* What the linear layers of `avx2` and `avxvnni` share: panels of ternary codes, tables of sums, the end of N-03, f32 weights. Include inside
   the target attribute, after the set's tile. */
#pragma once

#include <immintrin.h>

#include "internal.h"
#include "math.avx2.h"

enum { GROUP_BYTES = TERN_PANEL * TERN_GROUP, TILES = TERN_PANEL / TERN_TILE_CHANNELS, TILE_BYTES = TERN_TILE_CHANNELS * TERN_GROUP };

/* The scratch of one call. */
typedef struct tern_linear_buffers_256 {
    int32_t *starts; /* [64] what the sums of a panel's channels start at */
    uint8_t *panel;  /* 128 bytes for each of K rounded up to whole t2 and t5 blocks */
    uint8_t *rows;   /* two bytes a code, all rows */
} tern_linear_buffers_256;

TERN_INLINE tern_linear_buffers_256 tern_linear_buffers_of_256(const tern_linear *op, void *scratch) {
    uint8_t *panel = (uint8_t *)scratch + TERN_PANEL * sizeof(int32_t);
    const size_t padded = tern_round_up(op->k, TERN_T2_BLOCK * TERN_T5_BLOCK);
    return (tern_linear_buffers_256){.starts = scratch, .panel = panel, .rows = panel + padded * TERN_PANEL * sizeof(int16_t)};
}

/* The rows of `op` that the units begin ..< end of panels by `blocks` touch: a share of one panel or less needs only its own. */
static tern_share rows_of(const tern_linear *op, tern_share units, size_t blocks) {
    const int is_within = units.begin / blocks == (units.end - 1) / blocks;
    const size_t first = is_within ? units.begin % blocks * TERN_ROWS : 0;
    const size_t last = is_within ? ((units.end - 1) % blocks + 1) * TERN_ROWS : op->m;
    return (tern_share){first, tern_minimum(last, op->m)};
}

/* Tiles of the panel at `column` that hold channels. */
TERN_INLINE size_t tiles_of(const tern_linear *op, size_t column) {
    return tern_minimum(TILES, (op->n - column + TERN_TILE_CHANNELS - 1) / TERN_TILE_CHANNELS);
}

/* Sums [m][16] that start at `factor` times their row's sum, or at their channel's start. */
TERN_INLINE void start_rows(const int32_t *row_sums, int32_t factor, size_t m, int32_t *sums) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < TERN_TILE_CHANNELS; j++) sums[i * TERN_TILE_CHANNELS + j] = factor * row_sums[i];
}

TERN_INLINE void start_channels(const int32_t *starts, size_t m, int32_t *sums) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < TERN_TILE_CHANNELS; j++) sums[i * TERN_TILE_CHANNELS + j] = starts[j];
}

/* The first digit of 32 bytes of t5, which hold their value less 128: 3 x >> 8 is 1 from 86 on and 2 from 171 on. Three times the rest is
   the same modulo 256 with and without the 128. */
TERN_INLINE __m256i take_digit(__m256i *x) {
    const __m256i from_one = _mm256_cmpgt_epi8(*x, _mm256_set1_epi8(85 - 128)), from_two = _mm256_cmpgt_epi8(*x, _mm256_set1_epi8(170 - 128));
    *x = _mm256_add_epi8(_mm256_add_epi8(*x, *x), *x);
    return _mm256_sub_epi8(_mm256_setzero_si256(), _mm256_add_epi8(from_one, from_two));
}

TERN_INLINE __m256i load_t5(const uint8_t *packed) {
    return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)packed), _mm256_set1_epi8((char)0x80));
}

/* Panels as the tiles of codes read them, [4 tiles][padded_groups][16 channels][4]: weight + 1. */
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

static void unpack_t5(const uint8_t *packed, size_t groups, size_t padded_groups, uint8_t *panel) {
    for (size_t g = 0; g < groups; g += 5, packed += GROUP_BYTES) {
        for (size_t at = 0; at < GROUP_BYTES; at += 32) {
            uint8_t *to = panel + (at / TILE_BYTES * padded_groups + g) * TILE_BYTES + at % TILE_BYTES;
            __m256i x = load_t5(packed + at);
            for (int j = 0; j < 5; j++, to += TILE_BYTES) _mm256_storeu_si256((__m256i *)to, take_digit(&x));
        }
    }
}

/* Scale, bias, GELU and residual for m rows by 16 channels of sums [m][16], N-03. */
TERN_INLINE void finish_whole(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, const int gelu,
                              const int residual) {
    __m256 scales[2], biases[2];
    for (size_t j = 0; j < 2; j++) {
        scales[j] = op->scale_count == 1 ? _mm256_set1_ps(op->scales[0]) : _mm256_loadu_ps(op->scales + column + 8 * j);
        biases[j] = op->bias ? _mm256_loadu_ps(op->bias + column + 8 * j) : _mm256_setzero_ps();
    }
    const float *row_scales = op->row_scales + row, *added = residual ? op->residual + row * op->residual_stride + column : NULL;
    float *out = op->output + row * op->output_stride + column;
    for (size_t i = 0; i < m; i++, sums += TERN_TILE_CHANNELS, out += op->output_stride) {
        const __m256 row_scale = _mm256_set1_ps(row_scales[i]);
        __m256 y[2];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 2; j++) {
            const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(sums + 8 * j)));
            y[j] = _mm256_fmadd_ps(sum, _mm256_mul_ps(row_scale, scales[j]), biases[j]);
            if (gelu) y[j] = tern_gelu_256(y[j]);
            if (residual) y[j] = _mm256_add_ps(y[j], _mm256_loadu_ps(added + 8 * j));
            _mm256_storeu_ps(out + 8 * j, y[j]);
        }
        if (residual) added += op->residual_stride;
    }
}

/* The same for fewer than 16 channels. */
static void finish_part(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns) {
    for (size_t j = 0; j < columns; j += 8) {
        const __m256i mask = tern_lanes_256(columns - j);
        const __m256 scales = op->scale_count == 1 ? _mm256_set1_ps(op->scales[0]) : _mm256_maskload_ps(op->scales + column + j, mask);
        const __m256 biases = op->bias ? _mm256_maskload_ps(op->bias + column + j, mask) : _mm256_setzero_ps();
        for (size_t i = 0; i < m; i++) {
            const __m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(sums + i * TERN_TILE_CHANNELS + j)));
            __m256 y = _mm256_fmadd_ps(sum, _mm256_mul_ps(_mm256_set1_ps(op->row_scales[row + i]), scales), biases);
            if (op->gelu) y = tern_gelu_256(y);
            if (op->residual) y = _mm256_add_ps(y, _mm256_maskload_ps(op->residual + (row + i) * op->residual_stride + column + j, mask));
            _mm256_maskstore_ps(op->output + (row + i) * op->output_stride + column + j, mask, y);
        }
    }
}

static void finish_tile(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column) {
    if (op->n - column < TERN_TILE_CHANNELS) finish_part(op, sums, row, m, column, op->n - column);
    else if (op->gelu && op->residual) finish_whole(op, sums, row, m, column, 1, 1);
    else if (op->gelu) finish_whole(op, sums, row, m, column, 1, 0);
    else if (op->residual) finish_whole(op, sums, row, m, column, 0, 1);
    else finish_whole(op, sums, row, m, column, 0, 0);
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

