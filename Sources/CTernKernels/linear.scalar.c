#include <string.h>

#include "internal.h"
#include "math.scalar.h"

/* 127 * 127 * K must fit the int32 sums. */
_Static_assert(127LL * 127LL * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

/* One packed panel to [groups][256] int8 weights. */
static void unpack_panel(tern_weights_kind kind, const uint8_t *packed, size_t groups, int8_t *panel) {
    const size_t group_bytes = TERN_PANEL * TERN_GROUP;
    if (kind == TERN_WEIGHTS_S8) {
        memcpy(panel, packed, groups * group_bytes);
        return;
    }
    const size_t groups_per_block = kind == TERN_WEIGHTS_T2 ? 4 : 5;
    for (size_t g = 0; g < groups; g += groups_per_block, packed += group_bytes) {
        const size_t count = tern_minimum(groups_per_block, groups - g);
        for (size_t p = 0; p < group_bytes; p++) {
            unsigned x = packed[p];
            for (size_t j = 0; j < count; j++) {
                unsigned code;
                if (kind == TERN_WEIGHTS_T2) {
                    code = x & 3, x >>= 2;
                } else {
                    code = x * 3 >> 8, x = x * 3 & 255;
                }
                panel[(g + j) * group_bytes + p] = (int8_t)((int)code - 1);
            }
        }
    }
}

static void finish_value(const tern_linear *op, size_t row, size_t column, float y) {
    if (op->gelu) y = tern_gelu_scalar(y);
    if (op->residual) y = y + op->residual[row * op->residual_stride + column];
    op->output[row * op->output_stride + column] = y;
}

static void integer_row(const tern_linear *op, const int8_t *panel, size_t row, size_t column, size_t columns) {
    int32_t sums[TERN_PANEL] = {0};
    const int8_t *codes = op->codes + row * op->codes_stride;
    for (size_t k = 0; k < op->k; k++) {
        const int8_t *weights = panel + k / TERN_GROUP * TERN_PANEL * TERN_GROUP + k % TERN_GROUP;
        for (size_t n = 0; n < TERN_PANEL; n++) sums[n] += codes[k] * weights[n * TERN_GROUP];
    }
    for (size_t n = 0; n < columns; n++) {
        const float scale = op->row_scales[row] * op->scales[op->scale_count == 1 ? 0 : column + n];
        finish_value(op, row, column + n, fmaf((float)sums[n], scale, op->bias ? op->bias[column + n] : 0.0f));
    }
}

static void float_row(const tern_linear *op, size_t row, size_t column, size_t columns) {
    for (size_t n = column; n < column + columns; n++) {
        const float *x = op->input + row * op->input_stride;
        const float *weights = (const float *)op->weights + n * op->k;
        float lane[TERN_LANES] = {0};
        for (size_t k = 0; k < op->k; k++) lane[k % TERN_LANES] = fmaf(x[k], weights[k], lane[k % TERN_LANES]);
        finish_value(op, row, n, tern_tree_scalar(lane) + (op->bias ? op->bias[n] : 0.0f));
    }
}

void tern_linear__scalar(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    const size_t blocks = (op->m + TERN_ROWS - 1) / TERN_ROWS, panels = (op->n + TERN_PANEL - 1) / TERN_PANEL;
    const tern_share share = tern_share_of(panels * blocks, part, parts);
    size_t unpacked = SIZE_MAX;
    for (size_t unit = share.begin; unit < share.end; unit++) {
        const size_t panel = unit / blocks, first = unit % blocks * TERN_ROWS;
        const size_t column = panel * TERN_PANEL, columns = tern_minimum(TERN_PANEL, op->n - column);
        if (op->kind != TERN_WEIGHTS_F32 && unpacked != panel) {
            const uint8_t *packed = (const uint8_t *)op->weights + panel * tern_panel_bytes(op->kind, op->k);
            unpack_panel(op->kind, packed, tern_groups(op->k), scratch);
            unpacked = panel;
        }
        for (size_t row = first; row < tern_minimum(first + TERN_ROWS, op->m); row++) {
            if (op->kind == TERN_WEIGHTS_F32) float_row(op, row, column, columns);
            else integer_row(op, scratch, row, column, columns);
        }
    }
}
