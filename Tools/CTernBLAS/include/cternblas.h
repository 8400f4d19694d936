/* Float matrix products by OpenBLAS and the functions around them, for the FP32 reference only. All matrices are row-major. */
#pragma once

#include <stddef.h>

/* output [m][output_stride] = input [m][input_stride] times weights [n][k] transposed, plus bias [n] when it is not NULL. */
void tern_blas_linear(size_t m, size_t n, size_t k, const float *input, size_t input_stride, const float *weights, const float *bias,
                      float *output, size_t output_stride);

/* Softmax attention; head h of q and output starts at column h * width, key/value head h * kv_heads / heads of k and v likewise.
   scores has room for queries * tokens values. */
void tern_blas_attention(size_t tokens, size_t queries, size_t heads, size_t kv_heads, size_t width, const float *q, size_t q_stride,
                         const float *k, const float *v, size_t kv_stride, float *scores, float *output, size_t output_stride);

/* x = 0.5 x (1 + erf(x / sqrt 2)) with the C library's erf in double. */
void tern_blas_gelu(float *values, size_t count);
