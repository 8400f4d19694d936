/* What follows a layer's exact sums: scale, bias, GELU and residual of N-03. Include inside the target attribute. */
#pragma once

#include "tile.avx512vnni.h"

/* m rows by `columns` channels of sums [m][64]. */
TERN_INLINE void tern_finish_sums_512(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns,
                                      const int gelu, const int residual) {
    __m512 scales[4], biases[4];
    __mmask16 masks[4];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
        masks[j] = columns > 16 * j ? tern_lanes_512(columns - 16 * j) : 0;
        scales[j] = op->scale_count == 1 ? _mm512_set1_ps(op->scales[0]) : _mm512_maskz_loadu_ps(masks[j], op->scales + column + 16 * j);
        biases[j] = op->bias ? _mm512_maskz_loadu_ps(masks[j], op->bias + column + 16 * j) : _mm512_setzero_ps();
    }
    for (size_t i = 0; i < m; i++, sums += TERN_PANEL) {
        const __m512 row_scale = _mm512_set1_ps(op->row_scales[row + i]);
        const float *added = residual ? op->residual + (row + i) * op->residual_stride + column : NULL;
        float *out = op->output + (row + i) * op->output_stride + column;
#pragma clang loop unroll(full)
        for (size_t j = 0; j < 4; j++) {
            const __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + 16 * j));
            __m512 y = _mm512_fmadd_ps(sum, _mm512_mul_ps(row_scale, scales[j]), biases[j]);
            if (gelu) y = tern_gelu_512(y);
            if (residual) y = _mm512_add_ps(y, _mm512_maskz_loadu_ps(masks[j], added + 16 * j));
            _mm512_mask_storeu_ps(out + 16 * j, masks[j], y);
        }
    }
}

static void tern_finish_512(const tern_linear *op, const int32_t *sums, size_t row, size_t m, size_t column, size_t columns) {
    if (op->gelu && op->residual) tern_finish_sums_512(op, sums, row, m, column, columns, 1, 1);
    else if (op->gelu) tern_finish_sums_512(op, sums, row, m, column, columns, 1, 0);
    else if (op->residual) tern_finish_sums_512(op, sums, row, m, column, columns, 0, 1);
    else tern_finish_sums_512(op, sums, row, m, column, columns, 0, 0);
}

/* The epilogues that a whole tile has inlined behind its sums; GELU with a residual takes the way through memory. */
typedef enum tern_epilogue {
    TERN_PLAIN,
    TERN_GELU,
    TERN_RESIDUAL,
    TERN_MEMORY,
} tern_epilogue;

TERN_INLINE tern_epilogue tern_epilogue_of(const tern_linear *op) {
    if (op->gelu) return op->residual ? TERN_MEMORY : TERN_GELU;
    return op->residual ? TERN_RESIDUAL : TERN_PLAIN;
}

/* 6 rows by 64 channels straight from the registers of the sums. */
TERN_INLINE void tern_finish_whole_512(const tern_linear *op, __m512i sums[TERN_ROWS][4], size_t row, size_t column, const tern_epilogue epilogue) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
        const size_t at = column + 16 * j;
        const __m512 scale = op->scale_count == 1 ? _mm512_set1_ps(op->scales[0]) : _mm512_loadu_ps(op->scales + at);
        const __m512 bias = op->bias ? _mm512_loadu_ps(op->bias + at) : _mm512_setzero_ps();
#pragma clang loop unroll(full)
        for (size_t i = 0; i < TERN_ROWS; i++) {
            const __m512 scaled = _mm512_mul_ps(_mm512_set1_ps(op->row_scales[row + i]), scale);
            __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[i][j]), scaled, bias);
            if (epilogue == TERN_GELU) y = tern_gelu_512(y);
            if (epilogue == TERN_RESIDUAL) y = _mm512_add_ps(y, _mm512_loadu_ps(op->residual + (row + i) * op->residual_stride + at));
            _mm512_storeu_ps(op->output + (row + i) * op->output_stride + at, y);
        }
    }
}
