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

void tern_layer_norm__avx2(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma, const float *beta,
                           float epsilon, float *y, size_t output_stride) {
    const float count = (float)columns;
    const size_t whole = columns / TERN_LANES * TERN_LANES, rest = columns - whole;
    for (size_t row = begin; row < end; row++) {
        const float *in = x + row * stride;
        float *out = y + row * output_stride;
        tern_pair_256 lanes = {_mm256_setzero_ps(), _mm256_setzero_ps()}, squares = lanes;
        for (size_t i = 0; i < whole; i += TERN_LANES) {
            lanes.low = _mm256_add_ps(lanes.low, _mm256_loadu_ps(in + i));
            lanes.high = _mm256_add_ps(lanes.high, _mm256_loadu_ps(in + i + 8));
        }
        if (rest) lanes.low = add_lanes(lanes.low, in + whole, rest);
        if (rest > 8) lanes.high = add_lanes(lanes.high, in + whole + 8, rest - 8);
        const __m256 mean = _mm256_set1_ps(tern_tree_256(lanes) / count);
        for (size_t i = 0; i < whole; i += TERN_LANES) {
            const __m256 low = _mm256_sub_ps(_mm256_loadu_ps(in + i), mean), high = _mm256_sub_ps(_mm256_loadu_ps(in + i + 8), mean);
            squares.low = _mm256_fmadd_ps(low, low, squares.low);
            squares.high = _mm256_fmadd_ps(high, high, squares.high);
        }
        if (rest) squares.low = add_squares(squares.low, in + whole, mean, rest);
        if (rest > 8) squares.high = add_squares(squares.high, in + whole + 8, mean, rest - 8);
        const float variance = tern_tree_256(squares) / count;
        const __m256 t = _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + epsilon))));
        for (size_t i = 0; i < columns; i += 8) {
            const __m256i mask = tern_lanes_256(columns - i);
            const __m256 d = _mm256_sub_ps(_mm256_maskload_ps(in + i, mask), mean);
            const __m256 value = _mm256_fmadd_ps(_mm256_mul_ps(d, t), _mm256_maskload_ps(gamma + i, mask), _mm256_maskload_ps(beta + i, mask));
            _mm256_maskstore_ps(out + i, mask, value);
        }
    }
}
#pragma clang attribute pop
#endif
