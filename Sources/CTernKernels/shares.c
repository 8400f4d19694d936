/* N-16: the same plain code for every table. */
#include <math.h>

#include "internal.h"

/* N-01 of the products of x and u, each rounded; of x itself where u is NULL. */
static float sum_of_products(const float *restrict x, const float *restrict u, size_t count) {
    float lanes[TERN_LANES] = {0};
    size_t i = 0;
    if (u) {
        for (; i + TERN_LANES <= count; i += TERN_LANES)
            for (size_t j = 0; j < TERN_LANES; j++) lanes[j] = lanes[j] + x[i + j] * u[i + j];
        for (size_t j = 0; i + j < count; j++) lanes[j] = lanes[j] + x[i + j] * u[i + j];
    } else {
        for (; i < count; i++) lanes[i % TERN_LANES] = lanes[i % TERN_LANES] + x[i];
    }
    for (size_t half = TERN_LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++) lanes[j] = lanes[j] + lanes[j + half];
    return lanes[0];
}

/* One output channel of a packed weight matrix, without its scale. */
static void unpack_channel(tern_weights_kind kind, const void *weights, size_t channel, size_t k, float *values) {
    if (kind == TERN_WEIGHTS_F32) {
        for (size_t i = 0; i < k; i++) values[i] = ((const float *)weights)[channel * k + i];
        return;
    }
    const size_t groups_per_block = kind == TERN_WEIGHTS_S8 ? 1 : kind == TERN_WEIGHTS_T2 ? 4 : 5;
    const uint8_t *panel = (const uint8_t *)weights + channel / TERN_PANEL * tern_panel_bytes(kind, k) + channel % TERN_PANEL * TERN_GROUP;
    for (size_t i = 0; i < k; i++) {
        const size_t group = i / TERN_GROUP, place = group % groups_per_block;
        unsigned byte = panel[group / groups_per_block * TERN_PANEL * TERN_GROUP + i % TERN_GROUP], digit = 0;
        if (kind == TERN_WEIGHTS_S8) {
            values[i] = (float)(int8_t)byte;
            continue;
        }
        if (kind == TERN_WEIGHTS_T2) digit = byte >> (2 * place) & 3;
        else
            for (size_t j = 0; j <= place; j++) digit = byte * 3 >> 8, byte = byte * 3 & 255;
        values[i] = (float)((int)digit - 1);
    }
}

float tern_patch_shares(const tern_shares *op) {
    const size_t count = op->columns;
    float *const u = op->direction;
    unpack_channel(op->kind, op->weights, op->channel, count, u);
    float step = 1;
    for (size_t i = 0; i < count; i++) u[i] = op->gamma ? u[i] * op->scale * op->gamma[i] : u[i] * op->scale;
    if (op->gamma) {
        const float mean = sum_of_products(op->pooled, NULL, count) / (float)count, middle = sum_of_products(u, NULL, count) / (float)count;
        float lanes[TERN_LANES] = {0};
        for (size_t i = 0; i < count; i++) {
            const float d = op->pooled[i] - mean;
            lanes[i % TERN_LANES] = lanes[i % TERN_LANES] + d * d;
            u[i] = u[i] - middle;
        }
        step = 1.0f / sqrtf(sum_of_products(lanes, NULL, TERN_LANES) / (float)count + op->epsilon);
    }
    const float offset = op->beta ? sum_of_products(op->beta, u, count) : 0.0f, factor = step / (float)op->rows;
    for (size_t p = 0; p < op->rows; p++) op->shares[p] = (sum_of_products(op->tokens + p * op->stride, u, count) - offset) * factor;
    return op->output - (sum_of_products(op->pooled, u, count) - offset) * step;
}
