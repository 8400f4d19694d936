#if defined(__aarch64__)
#include "internal.h"
#include "math.neon.h"

int tern_quantise_rows__neon(const float *x, size_t stride, size_t columns, size_t begin, size_t end, int levels, int8_t *codes,
                             size_t codes_stride, float *scales, int32_t *sums) {
    int not_finite = 0;
    for (size_t row = begin; row < end; row++)
        not_finite |= tern_quantise_row_neon(x + row * stride, columns, (float)levels, codes + row * codes_stride, codes_stride, scales + row,
                                             sums + row);
    return not_finite;
}
#endif
