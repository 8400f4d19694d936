#include "resize.h"

void tern_resize_columns_u8__scalar(const tern_resize_columns_u8 *op) { tern_resize_add_columns_u8(op, 0); }

void tern_resize_band_u8__scalar(const tern_resize_band_u8 *op) {
    for (size_t row = 0; row < op->row_count; row++)
        for (size_t output = 0; output < op->output_count; output++)
            for (size_t channel = 0; channel < op->channels; channel++) {
                const uint8_t *from = op->samples + row * op->row_bytes + (size_t)op->firsts[output] * op->channels + channel;
                uint32_t sum = TERN_RESIZE_HALF;
                for (int32_t tap = 0; tap < op->counts[output]; tap++, from += op->channels)
                    sum += (uint32_t)(*from ^ op->flip) * (uint32_t)op->weights[output * op->weight_stride + (size_t)tap];
                op->result[(row * op->output_count + output) * op->channels + channel] = tern_resize_byte((int32_t)sum);
            }
}

void tern_luminance_u8__scalar(const uint8_t *rgb, size_t count, uint8_t *grey) {
    for (size_t i = 0; i < count; i++) grey[i] = tern_luminance(rgb + 3 * i);
}
