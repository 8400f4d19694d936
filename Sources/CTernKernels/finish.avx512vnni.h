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
