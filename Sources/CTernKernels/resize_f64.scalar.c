#include "resize.h"

void tern_resize_columns__scalar(const tern_resize_columns *op) { tern_resize_add_columns(op, 0); }

void tern_resize_row__scalar(const double *line, const double *weights, size_t stride, const int32_t *firsts, const int32_t *counts, size_t outputs,
                             double factor, double addend, float *result) {
    for (size_t output = 0; output < outputs; output++) {
        double lane[TERN_RESIZE_LANES] = {0};
        for (int32_t tap = 0; tap < counts[output]; tap += TERN_RESIZE_LANES)
            for (int j = 0; j < TERN_RESIZE_LANES; j++)
                lane[j] = lane[j] + line[firsts[output] + tap + j] * weights[output * stride + (size_t)(tap + j)];
        result[output] = tern_resize_finish(lane, factor, addend);
    }
}
