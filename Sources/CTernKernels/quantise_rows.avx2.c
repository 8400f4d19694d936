#if defined(__x86_64__)
#include <immintrin.h>

#include "internal.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "math.avx2.h"

int tern_quantise_rows__avx2(const float *x, size_t stride, size_t columns, size_t begin, size_t end, int levels, int8_t *codes,
                             size_t codes_stride, float *scales, int32_t *sums) {
    int not_finite = 0;
    for (size_t row = begin; row < end; row++)
        not_finite |= tern_quantise_row_256(x + row * stride, columns, (float)levels, codes + row * codes_stride, codes_stride, scales + row,
                                            sums + row);
    return not_finite;
}
#pragma clang attribute pop
#endif
