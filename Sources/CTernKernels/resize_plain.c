/* Steps of resizing that are the same for every table. */
#include "resize.h"

size_t tern_resize_scratch(size_t column_count, size_t output_count, size_t channels) {
    return TERN_RESIZE_BAND * (column_count + output_count) * channels;
}

void tern_resize_bytes(const int32_t *sums, size_t count, uint8_t *bytes) {
    for (size_t i = 0; i < count; i++) bytes[i] = tern_resize_byte(sums[i]);
}

void tern_resize_look_up(const void *samples, size_t count, uint16_t mask, const float *table, float *values) {
    const uint8_t *from = samples;
    for (size_t i = 0; i < count; i++) {
        uint16_t stored;
        memcpy(&stored, from + i * sizeof stored, sizeof stored);
        values[i] = table[stored & mask];
    }
}
