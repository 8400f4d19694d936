#include "cternblas.h"

#include <cblas.h>
#include <math.h>

void tern_blas_linear(size_t m, size_t n, size_t k, const float *input, size_t input_stride, const float *weights, const float *bias,
                      float *output, size_t output_stride) {
    for (size_t row = 0; row < m; row++)
        for (size_t column = 0; column < n; column++) output[row * output_stride + column] = bias ? bias[column] : 0;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, input, (int)input_stride, weights, (int)k, 1, output,
                (int)output_stride);
}

static void softmax(float *row, size_t count) {
    float largest = row[0];
    for (size_t j = 1; j < count; j++) largest = fmaxf(largest, row[j]);
    double sum = 0;
    for (size_t j = 0; j < count; j++) sum += row[j] = expf(row[j] - largest);
    const float factor = (float)(1 / sum);
    for (size_t j = 0; j < count; j++) row[j] *= factor;
}

void tern_blas_attention(size_t tokens, size_t queries, size_t heads, size_t kv_heads, size_t width, const float *q, size_t q_stride,
                         const float *k, const float *v, size_t kv_stride, float *scores, float *output, size_t output_stride) {
    const float scale = (float)(1 / sqrt((double)width));
    for (size_t head = 0; head < heads; head++) {
        const size_t key = head * kv_heads / heads * width;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)queries, (int)tokens, (int)width, scale, q + head * width, (int)q_stride,
                    k + key, (int)kv_stride, 0, scores, (int)tokens);
        for (size_t i = 0; i < queries; i++) softmax(scores + i * tokens, tokens);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)queries, (int)width, (int)tokens, 1, scores, (int)tokens, v + key,
                    (int)kv_stride, 0, output + head * width, (int)output_stride);
    }
}

void tern_blas_gelu(float *values, size_t count) {
    for (size_t i = 0; i < count; i++) values[i] = (float)(0.5 * values[i] * (1 + erf(values[i] * 0.70710678118654752440)));
}
