/* N-16: the same plain code for every table. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* N-01 of the products of x and u, each rounded; of x itself where u is NULL. */
static float sum_of_products(const float *x, const float *u, size_t count) {
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
static void unpack_channel(const tern_shares *op, size_t channel, float *values) {
    const size_t k = op->columns;
    if (op->kind == TERN_WEIGHTS_F32) {
        memcpy(values, (const float *)op->weights + channel * k, k * sizeof(float));
        return;
    }
    const size_t groups_per_block = op->kind == TERN_WEIGHTS_S8 ? 1 : op->kind == TERN_WEIGHTS_T2 ? 4 : 5;
    const uint8_t *at = (const uint8_t *)op->weights + channel / TERN_PANEL * tern_panel_bytes(op->kind, k) + channel % TERN_PANEL * TERN_GROUP;
    for (size_t first = 0; first < k; first += groups_per_block * TERN_GROUP, at += TERN_PANEL * TERN_GROUP) {
        for (size_t i = 0; i < TERN_GROUP; i++) {
            unsigned byte = at[i];
            for (size_t place = first + i; place < tern_minimum(k, first + groups_per_block * TERN_GROUP); place += TERN_GROUP) {
                int code = (int8_t)byte;
                if (op->kind == TERN_WEIGHTS_T2) code = (int)(byte & 3) - 1, byte >>= 2;
                if (op->kind == TERN_WEIGHTS_T5) code = (int)(byte * 3 >> 8) - 1, byte = byte * 3 & 255;
                values[place] = (float)code;
            }
        }
    }
}

/* The row of the head that is wanted, times its scale; gives the value of the output. */
static float direction_of(const tern_shares *op, float *restrict u, float *restrict row) {
    const size_t count = op->columns;
    memset(u, 0, count * sizeof(float));
    float value = 0;
    for (size_t n = 0; op->is_contrast && n < op->outputs; n++) {
        if (n == op->channel) continue;
        const float scale = op->scales ? op->scales[op->scale_count == 1 ? 0 : n] : 1.0f;
        unpack_channel(op, n, row);
        for (size_t i = 0; i < count; i++) u[i] = u[i] + row[i] * scale;
        value = value + op->values[n];
    }
    const float scale = op->scales ? op->scales[op->scale_count == 1 ? 0 : op->channel] : 1.0f;
    unpack_channel(op, op->channel, row);
    if (!op->is_contrast) {
        for (size_t i = 0; i < count; i++) u[i] = row[i] * scale;
        return op->values[op->channel];
    }
    const float part = 1.0f / (float)(op->outputs - 1);
    for (size_t i = 0; i < count; i++) u[i] = row[i] * scale - u[i] * part;
    return op->values[op->channel] - value * part;
}

float tern_patch_shares(const tern_shares *op) {
    const size_t count = op->columns;
    float *const u = op->direction;
    const float value = direction_of(op, u, u + count);
    float step = 1;
    if (op->gamma) {
        for (size_t i = 0; i < count; i++) u[i] = u[i] * op->gamma[i];
        const float mean = sum_of_products(op->pooled, NULL, count) / (float)count, middle = sum_of_products(u, NULL, count) / (float)count;
        float *const d = u + count;
        for (size_t i = 0; i < count; i++) {
            d[i] = op->pooled[i] - mean;
            u[i] = u[i] - middle;
        }
        step = 1.0f / sqrtf(sum_of_products(d, d, count) / (float)count + op->epsilon);
    }
    const float offset = op->beta ? sum_of_products(op->beta, u, count) : 0.0f, factor = step / (float)op->rows;
    for (size_t p = 0; p < op->rows; p++) op->shares[p] = (sum_of_products(op->tokens + p * op->stride, u, count) - offset) * factor;
    return value - (sum_of_products(op->pooled, u, count) - offset) * step;
}
