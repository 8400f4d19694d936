#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#include "math.avx512vnni.h"

enum { ROWS = 4 };

typedef struct norm {
    const float *x;
    size_t stride, columns;
    const float *gamma, *beta;
    float epsilon;
    float *y;
    size_t output_stride;
} norm;

/* Several rows side by side: their sums are chains that wait for themselves. Lanes past the end are left out by mask, never added as zero:
   that would turn -0 into +0. */
TERN_INLINE void normalise(const norm *op, size_t row, const int rows) {
    const float *in = op->x + row * op->stride;
    float *out = op->y + row * op->output_stride;
    const size_t columns = op->columns, whole = columns / 16 * 16;
    const __mmask16 rest = tern_lanes_512(columns - whole);
    const float count = (float)columns;
    __m512 lanes[ROWS], means[ROWS], scales[ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) lanes[i] = _mm512_setzero_ps();
    for (size_t k = 0; k < whole; k += 16) {
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) lanes[i] = _mm512_add_ps(lanes[i], _mm512_loadu_ps(in + (size_t)i * op->stride + k));
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        lanes[i] = _mm512_mask_add_ps(lanes[i], rest, lanes[i], _mm512_maskz_loadu_ps(rest, in + (size_t)i * op->stride + whole));
        means[i] = _mm512_set1_ps(tern_tree_512(lanes[i]) / count);
        lanes[i] = _mm512_setzero_ps();
    }
    for (size_t k = 0; k < whole; k += 16) {
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(in + (size_t)i * op->stride + k), means[i]);
            lanes[i] = _mm512_fmadd_ps(d, d, lanes[i]);
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, in + (size_t)i * op->stride + whole), means[i]);
        lanes[i] = _mm512_mask3_fmadd_ps(d, d, lanes[i], rest);
        const float variance = tern_tree_512(lanes[i]) / count;
        scales[i] = _mm512_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + op->epsilon))));
    }
    for (size_t k = 0; k < columns; k += 16) {
        const __mmask16 mask = tern_lanes_512(columns - k);
        const __m512 gamma = _mm512_maskz_loadu_ps(mask, op->gamma + k), beta = _mm512_maskz_loadu_ps(mask, op->beta + k);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, in + (size_t)i * op->stride + k), means[i]);
            _mm512_mask_storeu_ps(out + (size_t)i * op->output_stride + k, mask, _mm512_fmadd_ps(_mm512_mul_ps(d, scales[i]), gamma, beta));
        }
    }
}

void tern_layer_norm__avx512vnni(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma,
                                 const float *beta, float epsilon, float *y, size_t output_stride) {
    const norm op = {x, stride, columns, gamma, beta, epsilon, y, output_stride};
    size_t row = begin;
    for (; row + ROWS <= end; row += ROWS) normalise(&op, row, ROWS);
    for (; row < end; row++) normalise(&op, row, 1);
}
#pragma clang attribute pop
#endif
