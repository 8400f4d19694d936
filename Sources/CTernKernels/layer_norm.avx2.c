#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "math.avx2.h"

/* Lanes past the end keep their value by blend; adding zero would turn -0 into +0. */
TERN_INLINE __m256 add_lanes(__m256 lanes, const float *x, size_t count) {
    const __m256i mask = tern_lanes_256(count);
    return _mm256_blendv_ps(lanes, _mm256_add_ps(lanes, _mm256_maskload_ps(x, mask)), _mm256_castsi256_ps(mask));
}

TERN_INLINE __m256 add_squares(__m256 lanes, const float *x, __m256 mean, size_t count) {
    const __m256i mask = tern_lanes_256(count);
    const __m256 d = _mm256_sub_ps(_mm256_maskload_ps(x, mask), mean);
    return _mm256_blendv_ps(lanes, _mm256_fmadd_ps(d, d, lanes), _mm256_castsi256_ps(mask));
}

enum { ROWS_AT_ONCE = 4 };

/* 1 / sqrt(v + epsilon) of N-05. */
TERN_INLINE __m256 inverse_deviation(float variance, float epsilon) {
    return _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + epsilon))));
}

/* m rows side by side: the additions of one row wait for each other. */
TERN_INLINE void normalise(const float *x, size_t stride, size_t columns, const int m, const float *gamma, const float *beta, float epsilon,
                           float *y, size_t output_stride) {
    const float count = (float)columns;
    const size_t whole = columns / TERN_LANES * TERN_LANES, rest = columns - whole;
    tern_pair_256 lanes[ROWS_AT_ONCE];
    __m256 means[ROWS_AT_ONCE], factors[ROWS_AT_ONCE];
#pragma clang loop unroll(full)
    for (int r = 0; r < m; r++) lanes[r].low = lanes[r].high = _mm256_setzero_ps();
    for (size_t i = 0; i < whole; i += TERN_LANES) {
#pragma clang loop unroll(full)
        for (int r = 0; r < m; r++) {
            lanes[r].low = _mm256_add_ps(lanes[r].low, _mm256_loadu_ps(x + (size_t)r * stride + i));
            lanes[r].high = _mm256_add_ps(lanes[r].high, _mm256_loadu_ps(x + (size_t)r * stride + i + 8));
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < m; r++) {
        const float *tail = x + (size_t)r * stride + whole;
        if (rest) lanes[r].low = add_lanes(lanes[r].low, tail, rest);
        if (rest > 8) lanes[r].high = add_lanes(lanes[r].high, tail + 8, rest - 8);
        means[r] = _mm256_set1_ps(tern_tree_256(lanes[r]) / count);
        lanes[r].low = lanes[r].high = _mm256_setzero_ps();
    }
    for (size_t i = 0; i < whole; i += TERN_LANES) {
#pragma clang loop unroll(full)
        for (int r = 0; r < m; r++) {
            const float *in = x + (size_t)r * stride + i;
            const __m256 low = _mm256_sub_ps(_mm256_loadu_ps(in), means[r]), high = _mm256_sub_ps(_mm256_loadu_ps(in + 8), means[r]);
            lanes[r].low = _mm256_fmadd_ps(low, low, lanes[r].low);
            lanes[r].high = _mm256_fmadd_ps(high, high, lanes[r].high);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < m; r++) {
        const float *tail = x + (size_t)r * stride + whole;
        if (rest) lanes[r].low = add_squares(lanes[r].low, tail, means[r], rest);
        if (rest > 8) lanes[r].high = add_squares(lanes[r].high, tail + 8, means[r], rest - 8);
        factors[r] = inverse_deviation(tern_tree_256(lanes[r]) / count, epsilon);
    }
    size_t i = 0;
    for (; i + 8 <= columns; i += 8) {
        const __m256 g = _mm256_loadu_ps(gamma + i), b = _mm256_loadu_ps(beta + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < m; r++) {
            const __m256 d = _mm256_sub_ps(_mm256_loadu_ps(x + (size_t)r * stride + i), means[r]);
            _mm256_storeu_ps(y + (size_t)r * output_stride + i, _mm256_fmadd_ps(_mm256_mul_ps(d, factors[r]), g, b));
        }
    }
    if (i == columns) return;
    const __m256i mask = tern_lanes_256(columns - i);
    const __m256 g = _mm256_maskload_ps(gamma + i, mask), b = _mm256_maskload_ps(beta + i, mask);
#pragma clang loop unroll(full)
    for (int r = 0; r < m; r++) {
        const __m256 d = _mm256_sub_ps(_mm256_maskload_ps(x + (size_t)r * stride + i, mask), means[r]);
        _mm256_maskstore_ps(y + (size_t)r * output_stride + i, mask, _mm256_fmadd_ps(_mm256_mul_ps(d, factors[r]), g, b));
    }
}

void tern_layer_norm__avx2(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma, const float *beta,
                           float epsilon, float *y, size_t output_stride) {
    size_t row = begin;
    for (; row + ROWS_AT_ONCE <= end; row += ROWS_AT_ONCE)
        normalise(x + row * stride, stride, columns, ROWS_AT_ONCE, gamma, beta, epsilon, y + row * output_stride, output_stride);
    for (; row < end; row++) normalise(x + row * stride, stride, columns, 1, gamma, beta, epsilon, y + row * output_stride, output_stride);
}
#pragma clang attribute pop
#endif
