/* Attention of the ARM sets over the tile of the set, which is included before. Include inside the target attribute. */
#pragma once

_Static_assert(255LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 sum would wrap");
_Static_assert(128LL * 127LL * TERN_LIMIT_TOKENS <= INT32_MAX, "int32 start value would wrap");
_Static_assert(127LL * 127LL * TERN_LIMIT_WIDTH <= INT32_MAX, "int32 sum would wrap");

/* The scratch of one call, by what it holds. Panels take half of their room in the layout; the sums of V take from the other half. */
typedef struct buffers {
    int8_t *k_panels;       /* [padded tokens / 16][width groups][64]: a token is a channel */
    int8_t *v_panels;       /* [padded width / 16][token groups][64] */
    int32_t *v_sums;        /* [padded width], 128 * the sum of a channel's codes */
    int8_t *q_codes;        /* [6][padded width], and as the tile reads them behind these */
    float *k_scales;        /* [padded tokens] */
    float *v_scales;        /* [padded width] */
    float *scores;          /* [6][padded tokens] */
    int8_t *probabilities;  /* [6][padded tokens], u - 128, and as the tile reads them behind these */
    size_t padded_tokens, padded_width;
} buffers;

static buffers buffers_of(const tern_attention *op, void *scratch) {
    const tern_attention_layout layout = tern_attention_layout_of(op->tokens, op->width);
    uint8_t *base = scratch;
    int8_t *v_panels = (int8_t *)(base + layout.v_panels);
    return (buffers){
        .k_panels = (int8_t *)(base + layout.k_panels), .v_panels = v_panels,
        .v_sums = (int32_t *)(v_panels + layout.padded_tokens * layout.padded_width), .q_codes = (int8_t *)(base + layout.q_codes),
        .k_scales = (float *)(base + layout.k_scales), .v_scales = (float *)(base + layout.v_scales), .scores = (float *)(base + layout.scores),
        .probabilities = (int8_t *)(base + layout.probabilities),
        .padded_tokens = layout.padded_tokens, .padded_width = layout.padded_width,
    };
}
_Static_assert(TERN_PANEL >= sizeof(int32_t), "the sums of V do not fit behind its panels");

static size_t tile_groups(size_t depth) { return tern_round_up(tern_groups(depth), TERN_TILE_GROUPS); }

/* K: each token alone, its codes spread into the panel in groups. */
static int prepare_keys(const tern_attention *op, const float *k, const buffers *at) {
    const size_t groups = tile_groups(op->width);
    int not_finite = 0;
    for (size_t j = 0; j < tern_round_up(op->tokens, TERN_TILE_CHANNELS); j++) {
        int8_t *to = at->k_panels + j / TERN_TILE_CHANNELS * groups * TERN_TILE_BYTES + j % TERN_TILE_CHANNELS * TERN_GROUP;
        int32_t sum;
        if (j < op->tokens)
            not_finite |= tern_quantise_row_neon(k + j * op->kv_stride, op->width, 127.0f, at->q_codes, at->padded_width, at->k_scales + j, &sum);
        else
            memset(at->q_codes, 0, at->padded_width);
        for (size_t g = 0; g < groups; g++) memcpy(to + g * TERN_TILE_BYTES, at->q_codes + g * TERN_GROUP, TERN_GROUP);
    }
    for (size_t j = 0; j < op->tokens; j += TERN_TILE_CHANNELS) tern_arrange_tile(at->k_panels + j * groups * TERN_GROUP, groups);
    return not_finite;
}

/* V: four channels at a time, each over all tokens; four tokens of a channel side by side. */
static int prepare_values(const tern_attention *op, const float *v, const buffers *at) {
    const size_t groups = tile_groups(op->tokens);
    const float32x4_t levels = vdupq_n_f32(127.0f);
    memset(at->v_panels, 0, tern_round_up(op->width, TERN_TILE_CHANNELS) * groups * TERN_GROUP);
    for (size_t d = 0; d < op->width; d += 4) {
        const size_t left = op->width - d;
        uint32x4_t largest = vdupq_n_u32(0);
        for (size_t j = 0; j < op->tokens; j++) largest = vmaxq_u32(largest, tern_magnitude_neon(tern_load_neon(v + j * op->kv_stride + d, left)));
        if (vmaxvq_u32(largest) >= TERN_INFINITY_BITS) return 1;
        const float32x4_t absmax = vreinterpretq_f32_u32(largest);
        const uint32x4_t has_codes = vcgeq_f32(absmax, vdupq_n_f32(TERN_QUANTISE_FLOOR));
        const float32x4_t r = vreinterpretq_f32_u32(vandq_u32(has_codes, vreinterpretq_u32_f32(vdivq_f32(levels, absmax))));
        vst1q_f32(at->v_scales + d, vreinterpretq_f32_u32(vandq_u32(has_codes, vreinterpretq_u32_f32(vdivq_f32(absmax, levels)))));
        int8_t *to = at->v_panels + d / TERN_TILE_CHANNELS * groups * TERN_TILE_BYTES + d % TERN_TILE_CHANNELS * TERN_GROUP;
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t j = 0; j < op->tokens; j += TERN_GROUP, to += TERN_TILE_BYTES) {
            int32x4_t codes[TERN_GROUP];
            for (size_t i = 0; i < TERN_GROUP; i++) {
                const int is_there = j + i < op->tokens;
                codes[i] = is_there ? vcvtnq_s32_f32(vmulq_f32(tern_load_neon(v + (j + i) * op->kv_stride + d, left), r)) : vdupq_n_s32(0);
                sum = vaddq_s32(sum, codes[i]);
            }
            const int32x4_t low = vsliq_n_s32(codes[0], codes[1], 8);
            vst1q_s8(to, vreinterpretq_s8_s32(vsliq_n_s32(vsliq_n_s32(low, codes[2], 16), codes[3], 24)));
        }
        vst1q_s32(at->v_sums + d, vshlq_n_s32(sum, 7));
    }
    for (size_t d = 0; d < op->width; d += TERN_TILE_CHANNELS) tern_arrange_tile(at->v_panels + d * groups * TERN_GROUP, groups);
    return 0;
}

/* Rows [6][stride] as the tile reads them. */
static const int8_t *tile_rows(int8_t *rows, size_t stride, size_t m, size_t groups) {
    if (!TERN_ARRANGES_ROWS) return rows;
    tern_arrange_rows(rows, stride, m, groups, rows + TERN_ROWS * stride, stride);
    return rows + TERN_ROWS * stride;
}

/* t[i][j] of N-06 for m rows. */
static void score_rows(const tern_attention *op, size_t m, const buffers *at) {
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    const size_t groups = tile_groups(op->width);
    tern_tile tile = {.rows = tile_rows(at->q_codes, at->padded_width, m, groups), .stride = at->padded_width, .groups = groups};
    for (size_t j = 0; j < op->tokens; j += TERN_TILE_CHANNELS) {
        tile.panel = at->k_panels + j * groups * TERN_GROUP;
        tern_tile_rows(&tile, m, sums);
        for (size_t i = 0; i < m; i++) {
            for (size_t lane = 0; lane < TERN_TILE_CHANNELS; lane += 4) {
                const float32x4_t sum = vcvtq_f32_s32(vld1q_s32(sums + i * TERN_TILE_CHANNELS + lane));
                vst1q_f32(at->scores + i * at->padded_tokens + j + lane, vmulq_f32(sum, vld1q_f32(at->k_scales + j + lane)));
            }
        }
    }
}

/* u[i][j] - 128 of one row, to a multiple of 16 tokens; gives 1 / f32(Z). */
static float weigh_row(const tern_attention *op, float factor, const float *scores, int8_t *probabilities) {
    const uint32x4_t index = {0, 1, 2, 3};
    float32x4_t highest = vdupq_n_f32(-__builtin_inff());
    for (size_t j = 0; j < op->tokens; j += 4) {
        const uint32x4_t is_there = vcltq_u32(vaddq_u32(index, vdupq_n_u32((uint32_t)j)), vdupq_n_u32((uint32_t)op->tokens));
        const float32x4_t score = vld1q_f32(scores + j);
        highest = vbslq_f32(vandq_u32(is_there, vcgtq_f32(score, highest)), score, highest);
    }
    const float32x4_t largest = vdupq_n_f32(vmaxvq_f32(highest));
    int32x4_t total = vdupq_n_s32(0);
    for (size_t j = 0; j < op->tokens; j += 16) {
        int16x4_t words[4];
        for (size_t i = 0; i < 4; i++) {
            const size_t first = j + 4 * i;
            const uint32x4_t is_there = vcltq_u32(vaddq_u32(index, vdupq_n_u32((uint32_t)first)), vdupq_n_u32((uint32_t)op->tokens));
            const float32x4_t x = vmulq_n_f32(vsubq_f32(vld1q_f32(scores + first), largest), factor);
            const int32x4_t u = vandq_s32(vcvtnq_s32_f32(tern_weight_neon(x)), vreinterpretq_s32_u32(is_there));
            total = vaddq_s32(total, u);
            words[i] = vmovn_s32(u);
        }
        const int8x16_t u = vcombine_s8(vmovn_s16(vcombine_s16(words[0], words[1])), vmovn_s16(vcombine_s16(words[2], words[3])));
        vst1q_s8(probabilities + j, veorq_s8(u, vdupq_n_s8(-128)));
    }
    return 1.0f / (float)vaddvq_s32(total);
}

/* o[i][d] of N-06 for m rows: probabilities are read 128 too small, and the sums start at 128 times the channel's. */
static void mix_rows(const tern_attention *op, size_t m, const float *inverses, const buffers *at, float *output) {
    int32_t sums[TERN_ROWS * TERN_TILE_CHANNELS];
    const size_t groups = tile_groups(op->tokens);
    tern_tile tile = {.rows = tile_rows(at->probabilities, at->padded_tokens, m, groups), .stride = at->padded_tokens, .groups = groups};
    for (size_t d = 0; d < op->width; d += TERN_TILE_CHANNELS) {
        tile.panel = at->v_panels + d * groups * TERN_GROUP;
        tile.start = at->v_sums + d;
        tern_tile_rows(&tile, m, sums);
        for (size_t i = 0; i < m; i++) {
            for (size_t lane = 0; lane < TERN_TILE_CHANNELS && d + lane < op->width; lane += 4) {
                const float32x4_t sum = vcvtq_f32_s32(vld1q_s32(sums + i * TERN_TILE_CHANNELS + lane));
                const float32x4_t scaled = vmulq_f32(sum, vld1q_f32(at->v_scales + d + lane));
                tern_store_neon(output + i * op->output_stride + d + lane, vmulq_n_f32(scaled, inverses[i]), op->width - d - lane);
            }
        }
    }
}

static int attend(const tern_attention *op, size_t part, size_t parts, void *scratch) {
    const buffers at = buffers_of(op, scratch);
    const size_t blocks = (op->queries + TERN_ROWS - 1) / TERN_ROWS;
    const tern_share units = tern_share_of(op->heads * blocks, part, parts);
    size_t prepared = SIZE_MAX;
    for (size_t unit = units.begin; unit < units.end; unit++) {
        const size_t head = unit / blocks, row = unit % blocks * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->queries - row);
        const size_t kv_head = head * op->kv_heads / op->heads;
        if (prepared != kv_head) {
            if (prepare_keys(op, op->k + kv_head * op->width, &at) || prepare_values(op, op->v + kv_head * op->width, &at)) return 1;
            prepared = kv_head;
        }
        float scales[TERN_ROWS], inverses[TERN_ROWS];
        int32_t sum;
        for (size_t i = 0; i < m; i++) {
            if (tern_quantise_row_neon(op->q + (row + i) * op->q_stride + head * op->width, op->width, 127.0f, at.q_codes + i * at.padded_width,
                                       at.padded_width, scales + i, &sum))
                return 1;
        }
        score_rows(op, m, &at);
        for (size_t i = 0; i < m; i++)
            inverses[i] = weigh_row(op, scales[i] * op->factor, at.scores + i * at.padded_tokens, at.probabilities + i * at.padded_tokens);
        tern_keep_rows(op, head, row, m, (const uint8_t *)at.probabilities, at.padded_tokens, inverses);
        for (size_t i = 0; i < m && op->kept_weights; i++) {
            uint8_t *kept = tern_kept_weights(op, head, row + i);
            for (size_t j = 0; j < op->tokens; j++) kept[j] ^= 0x80;
        }
        mix_rows(op, m, inverses, &at, op->output + row * op->output_stride + head * op->width);
    }
    return 0;
}
