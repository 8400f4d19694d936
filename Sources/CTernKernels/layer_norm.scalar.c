#include "internal.h"
#include "math.scalar.h"

void tern_layer_norm__scalar(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma,
                             const float *beta, float epsilon, float *y, size_t output_stride) {
    const float count = (float)columns;
    for (size_t row = begin; row < end; row++) {
        const float *in = x + row * stride;
        float *out = y + row * output_stride;
        float lane[TERN_LANES] = {0}, square[TERN_LANES] = {0};
        for (size_t i = 0; i < columns; i++) lane[i % TERN_LANES] = lane[i % TERN_LANES] + in[i];
        const float mean = tern_tree_scalar(lane) / count;
        for (size_t i = 0; i < columns; i++) {
            const float d = in[i] - mean;
            square[i % TERN_LANES] = fmaf(d, d, square[i % TERN_LANES]);
        }
        const float variance = tern_tree_scalar(square) / count;
        const float t = 1.0f / sqrtf(variance + epsilon);
        for (size_t i = 0; i < columns; i++) out[i] = fmaf((in[i] - mean) * t, gamma[i], beta[i]);
    }
}
