#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#include "math.avx512vnni.h"

/* Lanes past the end are left out by mask, never added as zero: that would turn -0 into +0. */
void tern_layer_norm__avx512vnni(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma,
                                 const float *beta, float epsilon, float *y, size_t output_stride) {
    const float count = (float)columns;
    for (size_t row = begin; row < end; row++) {
        const float *in = x + row * stride;
        float *out = y + row * output_stride;
        __m512 lanes = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
        for (size_t i = 0; i < columns; i += 16) {
            const __mmask16 mask = tern_lanes_512(columns - i);
            lanes = _mm512_mask_add_ps(lanes, mask, lanes, _mm512_maskz_loadu_ps(mask, in + i));
        }
        const __m512 mean = _mm512_set1_ps(tern_tree_512(lanes) / count);
        for (size_t i = 0; i < columns; i += 16) {
            const __mmask16 mask = tern_lanes_512(columns - i);
            const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, in + i), mean);
            squares = _mm512_mask3_fmadd_ps(d, d, squares, mask);
        }
        const float variance = tern_tree_512(squares) / count;
        const __m512 t = _mm512_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + epsilon))));
        for (size_t i = 0; i < columns; i += 16) {
            const __mmask16 mask = tern_lanes_512(columns - i);
            const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, in + i), mean);
            const __m512 value = _mm512_fmadd_ps(_mm512_mul_ps(d, t), _mm512_maskz_loadu_ps(mask, gamma + i), _mm512_maskz_loadu_ps(mask, beta + i));
            _mm512_mask_storeu_ps(out + i, mask, value);
        }
    }
}
#pragma clang attribute pop
#endif
