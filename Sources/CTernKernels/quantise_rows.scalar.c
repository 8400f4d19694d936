#include <string.h>

#include "internal.h"
#include "math.scalar.h"

int tern_quantise_rows__scalar(const float *x, size_t stride, size_t columns, size_t begin, size_t end, int levels, int8_t *codes,
                               size_t codes_stride, float *scales, int32_t *sums) {
    int not_finite = 0;
    for (size_t row = begin; row < end; row++) {
        const float *values = x + row * stride;
        int8_t *out = codes + row * codes_stride;
        uint32_t largest = 0;
        for (size_t i = 0; i < columns; i++) {
            const uint32_t bits = tern_magnitude_bits(values[i]);
            largest = bits > largest ? bits : largest;
        }
        memset(out, 0, codes_stride);
        scales[row] = 0.0f;
        sums[row] = 0;
        if (largest >= TERN_INFINITY_BITS) {
            not_finite = 1;
            continue;
        }
        const float absmax = tern_from_bits(largest);
        if (absmax < TERN_QUANTISE_FLOOR) continue;
        const float r = (float)levels / absmax;
        int32_t sum = 0;
        for (size_t i = 0; i < columns; i++) {
            out[i] = (int8_t)rintf(values[i] * r);
            sum += out[i];
        }
        scales[row] = absmax / (float)levels;
        sums[row] = sum;
    }
    return not_finite;
}
