/* Runs every operation of every kernel table that this CPU has on many random and extreme shapes and prints one digest for each. The same
   program built for another architecture must print the same digests: the contract is Models/NUMERICS.md.

       clang -O2 -ISources/CTernKernels/include -ITests/VNNIEmulation/include Tests/kernels/digest.c Tests/VNNIEmulation/vnniemulation.c
             Sources/CTernKernels/<all>.c -lm -o digest && ./digest

   A line is "<table> <operation> <digest> <cases>", or "<table> not run". With --emulate (and Tests/VNNIEmulation) a table that this CPU lacks
   but for instructions that can be emulated runs too, and its lines end in "emulated". Exit code 1 when a table differs from scalar here, and the line on
   standard error names the first case. Inputs end at a page that cannot be read (`digest --unguarded`: a little before it), outputs lie between
   bytes that must not change. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cternkernels.h"
#include "vnniemulation.h"

enum { CASES = 60, LIMIT_BLOCKS = 64, CANARY = 0xa5, MOST_PARTS = 3, HUGE_VALUES = 8, FEW_CASES = 24 };

static uint64_t state;

static uint32_t random_bits(void) { /* Knuth, MMIX */
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 32);
}
static size_t between(size_t low, size_t high) { return low + random_bits() % (high - low + 1); }
static float unit(void) { return (float)(int32_t)random_bits() * 0x1p-31f; }

/* Memory of one case. */
static struct {
    void *base;
    size_t bytes;
} blocks[LIMIT_BLOCKS];
static size_t block_count, slack;

/* `bytes` that end at a page which faults, at a multiple of `alignment` (up to that many bytes less one lie between). */
static void *guarded(size_t bytes, size_t alignment) {
    bytes += slack;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + alignment + page - 1) / page * page + page;
    uint8_t *base = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || block_count == LIMIT_BLOCKS || mprotect(base + whole - page, page, PROT_NONE)) {
        fprintf(stderr, "digest: no memory\n");
        exit(70);
    }
    blocks[block_count].base = base;
    blocks[block_count++].bytes = whole;
    return base + (whole - page - bytes) / alignment * alignment;
}
static float *floats(size_t count) { return guarded(count * sizeof(float), sizeof(float)); }
static void free_case(void) {
    while (block_count) {
        block_count--;
        munmap(blocks[block_count].base, blocks[block_count].bytes);
    }
}

/* FNV-1a over 32-bit words; which NaN an operation makes depends on the architecture, so all count as one. */
static uint64_t digest_words(uint64_t digest, const void *data, size_t bytes, int are_floats) {
    const uint8_t *from = data;
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        uint32_t word;
        memcpy(&word, from + i, 4);
        if (are_floats && (word & 0x7fffffffu) > 0x7f800000u) word = 0x7fc00000u;
        for (int j = 0; j < 32; j += 8) digest = (digest ^ (word >> j & 0xff)) * 0x100000001b3u;
    }
    return digest;
}

/* Values of one of several kinds; `special` may put an infinity or a NaN among them. */
static void fill(float *x, size_t count, int kind, int special) {
    const int levels = (int[]){127, 63, 42}[random_bits() % 3];
    const float large = kind == HUGE_VALUES || random_bits() % 2 ? 3.3e38f : 1e30f;
    for (size_t i = 0; i < count; i++) {
        const float v = unit();
        switch (kind) {
        case 0: x[i] = v; break;
        case 1: x[i] = v * 1e-40f; break;                                     /* subnormal */
        case 2: x[i] = v * 0x1p-100f; break;                                  /* around the floor of N-02 */
        case HUGE_VALUES:
        case 3: x[i] = v * large; break;                                      /* products and sums of the largest are infinite */
        case 4: x[i] = (float)((int)(random_bits() % (uint32_t)(4 * levels + 1)) - 2 * levels) * 0.5f; break; /* ties, where L is `levels` */
        case 5: x[i] = i % 2 ? -0.0f : 0.0f; break;
        case 6: x[i] = v * 8.0f + (random_bits() % 97 == 0 ? 100.0f * v : 0.0f); break;
        default: x[i] = ldexpf(v, (int)(random_bits() % 60) - 30); break;
        }
    }
    if (kind == 4 && count) x[random_bits() % count] = (float)levels;
    if (special && count) {
        const uint32_t bits[] = {0x7f800000u, 0xff800000u, 0x7fc00000u};
        memcpy(x + random_bits() % count, bits + random_bits() % 3, 4);
    }
}

/* One operation of one case on one table with `parts` parts into `output`; gives its digest. */
typedef struct output {
    uint8_t *bytes;
    size_t rows, row_bytes, stride_bytes;
} output;

static output output_of(size_t rows, size_t row_values, size_t gap_values, size_t value_bytes) {
    output out = {.rows = rows, .row_bytes = row_values * value_bytes, .stride_bytes = (row_values + gap_values) * value_bytes};
    out.bytes = guarded(rows * out.stride_bytes, 64);
    memset(out.bytes, CANARY, rows * out.stride_bytes);
    return out;
}

static int damaged; /* a byte that no kernel may write has changed */

static uint64_t digest_output(uint64_t digest, const output *out, int are_floats) {
    for (size_t row = 0; row < out->rows; row++) {
        const uint8_t *at = out->bytes + row * out->stride_bytes;
        digest = digest_words(digest, at, out->row_bytes, are_floats);
        for (size_t i = out->row_bytes; i < out->stride_bytes; i++)
            if (at[i] != CANARY) damaged = 1;
    }
    return digest;
}

static const uint64_t seed_of_digest = 0xcbf29ce484222325u;

/* Packing of Models/FORMAT.md, section 2. */
static void *packed_of(tern_weights_kind kind, size_t n, size_t k, const int8_t *weights) {
    const size_t bytes = tern_packed_bytes(kind, n, k), per_block = kind == TERN_WEIGHTS_S8 ? 1 : kind == TERN_WEIGHTS_T2 ? 4 : 5;
    const size_t blocks_k = bytes / (TERN_PANEL * TERN_GROUP) / ((n + TERN_PANEL - 1) / TERN_PANEL);
    uint8_t *packed = guarded(bytes, TERN_ALIGNMENT);
    for (size_t i = 0; i < bytes; i++) {
        const size_t panel = i / (TERN_PANEL * TERN_GROUP) / blocks_k, block = i / (TERN_PANEL * TERN_GROUP) % blocks_k;
        const size_t p = i % (TERN_PANEL * TERN_GROUP), channel = panel * TERN_PANEL + p / TERN_GROUP;
        unsigned value = 0, power = 1;
        for (size_t j = 0; j < per_block; j++) {
            const size_t depth = (block * per_block + j) * TERN_GROUP + p % TERN_GROUP;
            const int weight = channel < n && depth < k ? weights[channel * k + depth] : 0;
            if (kind == TERN_WEIGHTS_S8) value = (uint8_t)weight;
            else if (kind == TERN_WEIGHTS_T2) value += (unsigned)(weight + 1) * power, power *= 4;
            else value = value * 3 + (unsigned)(weight + 1);
        }
        packed[i] = (uint8_t)(kind == TERN_WEIGHTS_T5 ? (256 * value + 242) / 243 : value);
    }
    return packed;
}

static int pick(int kind, int limit) { /* a code or weight: random, all largest, all smallest, alternating, sparse */
    switch (kind) {
    case 0: return limit;
    case 1: return -limit;
    case 2: return random_bits() % 2 ? limit : -limit;
    case 3: return random_bits() % 4 ? 0 : (int)(random_bits() % (uint32_t)(2 * limit + 1)) - limit;
    default: return (int)(random_bits() % (uint32_t)(2 * limit + 1)) - limit;
    }
}

static size_t depth_of(int index) {
    static const size_t edges[] = {1, 3, 4, 5, 15, 16, 17, 20, 64, 65, 320, 511, 1031, 513, 2063, 2111};
    return index < 16 ? edges[index] : between(1, index % 8 ? 160 : 700);
}

static uint64_t run_linear(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    static const size_t widths[] = {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129};
    const size_t m = index % 4 ? between(1, 8) : between(1, 20), k = depth_of(index), n = index % 2 ? widths[random_bits() % 12] : between(1, 300);
    int levels = (int[]){127, 63, 42}[random_bits() % 3], code_kind = (int)(random_bits() % 6), weight_kind = (int)(random_bits() % 6);
    /* The longest depths of depth_of with the fullest narrow lanes, at 127 and at 63 levels. */
    if (index >= 12 && index < 16) levels = index % 2 ? 127 : 63, code_kind = 0, weight_kind = index / 2 % 2;
    const size_t stride = tern_codes_bytes(k);
    tern_linear op = {.m = m, .n = n, .k = k, .kind = kind, .levels = levels, .gelu = random_bits() % 3 == 0};
    output out = output_of(m, n, random_bits() % 5, sizeof(float));
    if (kind == TERN_WEIGHTS_F32) {
        float *input = floats(m * k), *weights = floats(n * k);
        fill(input, m * k, (int)(random_bits() % 8), random_bits() % 16 == 0);
        fill(weights, n * k, 0, 0);
        op.input = input, op.input_stride = k, op.weights = weights;
    } else {
        int8_t *codes = guarded(m * stride, 64), *weights = guarded(n * k, 1);
        float *row_scales = floats(m), *scales;
        int32_t *sums = guarded(m * sizeof(int32_t), 4);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < k; j++) sums[i] += codes[i * stride + j] = (int8_t)pick(code_kind, levels);
        for (size_t i = 0; i < n * k; i++) weights[i] = (int8_t)pick(weight_kind, kind == TERN_WEIGHTS_S8 ? 127 : 1);
        fill(row_scales, m, (int)(random_bits() % 3), 0);
        op.scale_count = random_bits() % 2 ? n : 1;
        scales = floats(op.scale_count);
        fill(scales, op.scale_count, (int)(random_bits() % 2) * 7, 0);
        op.codes = codes, op.codes_stride = stride, op.row_scales = row_scales, op.row_sums = sums, op.scales = scales;
        op.weights = packed_of(kind, n, k, weights);
    }
    if (random_bits() % 3) {
        float *bias = floats(n);
        fill(bias, n, (int)(random_bits() % 8), 0);
        op.bias = bias;
    }
    op.output = (float *)out.bytes, op.output_stride = out.stride_bytes / sizeof(float);
    switch (random_bits() % 3) {
    case 0: break;
    case 1: {
        float *residual = floats(m * n);
        fill(residual, m * n, 6, 0);
        op.residual = residual, op.residual_stride = n;
        break;
    }
    default:
        for (size_t row = 0; row < m; row++) fill(op.output + row * op.output_stride, n, 6, 0);
        op.residual = op.output, op.residual_stride = op.output_stride;
    }
    void *scratch = guarded(tern_linear_scratch(m, k), TERN_ALIGNMENT);
    const size_t panels = (n + TERN_PANEL - 1) / TERN_PANEL, prepared = table->prepared_bytes ? table->prepared_bytes(kind, k, levels) : 0;
    size_t at_once = panels;
    if (prepared) {
        at_once = tern_prepared_panels(panels, prepared);
        if (at_once > 1 + (size_t)index % 3) at_once = 1 + (size_t)index % 3;
        op.panels = guarded(at_once * prepared, TERN_ALIGNMENT);
    }
    for (op.panel_begin = 0; op.panel_begin < panels; op.panel_begin = op.panel_end) {
        op.panel_end = op.panel_begin + at_once < panels ? op.panel_begin + at_once : panels;
        for (size_t part = 0; prepared && part < parts; part++) table->prepare(&op, part, parts);
        for (size_t part = 0; part < parts; part++) table->linear(&op, part, parts, scratch);
    }
    return digest_output(seed_of_digest, &out, 1);
}

static uint64_t run_quantise(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    const size_t rows = between(1, 7), columns = depth_of(index), stride = columns + random_bits() % 3;
    const size_t codes_stride = tern_codes_bytes(columns);
    const int levels = (int[]){127, 63, 42}[random_bits() % 3];
    float *x = floats(rows * stride - (stride - columns));
    for (size_t row = 0; row < rows; row++) fill(x + row * stride, columns, (int)(random_bits() % 8), random_bits() % 16 == 0);
    output codes = output_of(rows, codes_stride, 0, 1), scales = output_of(rows, 1, 0, sizeof(float)), sums = output_of(rows, 1, 0, sizeof(int32_t));
    uint64_t digest = seed_of_digest;
    int not_finite = 0;
    for (size_t part = 0; part < parts; part++)
        not_finite |= table->quantise_rows(x, stride, columns, rows * part / parts, rows * (part + 1) / parts, levels, (int8_t *)codes.bytes,
                                           codes_stride, (float *)scales.bytes, (int32_t *)sums.bytes);
    digest = digest_words(digest, &not_finite, sizeof not_finite, 0);
    if (not_finite) return digest;
    return digest_output(digest_output(digest_output(digest, &codes, 0), &scales, 1), &sums, 0);
}

static uint64_t run_attention(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    static const size_t widths[] = {1, 3, 4, 15, 16, 17, 24, 32, 33, 48, 64, 65, 96};
    static const size_t token_edges[] = {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 130, 197};
    const size_t tokens = index < 13 ? token_edges[index] : between(1, 70), width = widths[random_bits() % 13];
    const size_t kv_heads = between(1, 3), heads = kv_heads * between(1, 3), queries = random_bits() % 2 ? tokens : between(1, tokens);
    tern_attention op = {.tokens = tokens, .queries = queries, .heads = heads, .kv_heads = kv_heads, .width = width};
    op.factor = 1.442695f / sqrtf((float)width);
    op.q_stride = heads * width + random_bits() % 3, op.kv_stride = 2 * kv_heads * width;
    const size_t q_count = (queries - 1) * op.q_stride + heads * width;
    float *q = floats(q_count), *kv = floats(tokens * op.kv_stride);
    fill(q, q_count, (int)(random_bits() % 8), random_bits() % 16 == 0);
    /* The largest values make t of N-06 infinite. */
    fill(kv, tokens * op.kv_stride, index % 12 == 11 ? HUGE_VALUES : (int)(random_bits() % 8), random_bits() % 16 == 0);
    output out = output_of(queries, heads * width, random_bits() % 5, sizeof(float));
    op.q = q, op.k = kv, op.v = kv + kv_heads * width, op.output = (float *)out.bytes, op.output_stride = out.stride_bytes / sizeof(float);
    void *scratch = guarded(tern_attention_scratch(tokens, width), TERN_ALIGNMENT);
    int not_finite = 0;
    for (size_t part = 0; part < parts; part++) not_finite |= table->attention(&op, part, parts, scratch);
    const uint64_t digest = digest_words(seed_of_digest, &not_finite, sizeof not_finite, 0);
    return not_finite ? digest : digest_output(digest, &out, 1);
}

/* What attention keeps, and a layer of relevance from it; the output is that of an attention that keeps nothing. */
static uint64_t run_relevance(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    if (index >= FEW_CASES) return seed_of_digest;
    static const size_t widths[] = {1, 15, 16, 17, 32, 48, 64, 65};
    static const size_t token_edges[] = {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 130, 197};
    const size_t tokens = index < 12 ? token_edges[index] : between(1, 70), width = widths[random_bits() % 8];
    const size_t kv_heads = between(1, 3), heads = kv_heads * between(1, 3), queries = random_bits() % 2 ? tokens : between(1, tokens);
    tern_attention op = {.tokens = tokens, .queries = queries, .heads = heads, .kv_heads = kv_heads, .width = width};
    op.factor = 1.442695f / sqrtf((float)width);
    op.q_stride = heads * width, op.kv_stride = 2 * kv_heads * width;
    float *q = floats(queries * op.q_stride), *kv = floats(tokens * op.kv_stride);
    fill(q, queries * op.q_stride, (int)(random_bits() % 8), 0);
    fill(kv, tokens * op.kv_stride, (int)(random_bits() % 8), 0);
    const size_t stride = (tokens + TERN_PANEL - 1) / TERN_PANEL * TERN_PANEL;
    output plain = output_of(queries, heads * width, 3, sizeof(float)), out = output_of(queries, heads * width, 3, sizeof(float));
    op.q = q, op.k = kv, op.v = kv + kv_heads * width, op.output = (float *)plain.bytes, op.output_stride = plain.stride_bytes / sizeof(float);
    void *scratch = guarded(tern_attention_scratch(tokens, width), TERN_ALIGNMENT);
    int not_finite = table->attention(&op, 0, 1, scratch);
    output weights = output_of(heads * queries, tokens, stride - tokens, 1), norms = output_of(kv_heads, tokens, stride - tokens, sizeof(float));
    output inverses = output_of(1, heads * queries, 0, sizeof(float)), factors = output_of(1, heads * queries, 0, sizeof(float));
    op.output = (float *)out.bytes, op.kept_weights = weights.bytes, op.kept_inverses = (float *)inverses.bytes;
    op.kept_norms = (float *)norms.bytes, op.kept_stride = stride;
    for (size_t part = 0; part < parts; part++) {
        not_finite |= table->attention(&op, part, parts, scratch);
        table->norms(&op, tokens * part / parts, tokens * (part + 1) / parts);
    }
    uint64_t digest = digest_words(seed_of_digest, &not_finite, sizeof not_finite, 0);
    if (not_finite) return digest;
    if (digest_output(digest, &plain, 1) != digest_output(digest, &out, 1)) damaged = 1;
    digest = digest_output(digest_output(digest, &out, 1), &norms, 1);
    for (size_t i = 0; i < heads * queries; i++)
        for (size_t j = 0; j < tokens; j++) digest = (digest ^ weights.bytes[i * stride + j]) * 0x100000001b3u;
    digest = digest_output(digest_output(digest, &weights, 0), &inverses, 1);
    float *after = guarded(stride * sizeof(float), sizeof(float)), *before = guarded(stride * sizeof(float), sizeof(float));
    for (size_t j = 0; j < stride; j++) after[j] = j < queries && random_bits() % 4 ? fabsf(unit()) : 0;
    for (size_t row = 0; row < heads * queries; row++) memset(weights.bytes + row * stride + tokens, 0, stride - tokens);
    for (size_t row = 0; row < kv_heads; row++) memset(norms.bytes + (row * stride + tokens) * sizeof(float), 0, (stride - tokens) * sizeof(float));
    tern_relevance layer = {.queries = queries, .heads = heads, .kv_heads = kv_heads, .weights = weights.bytes, .stride = stride,
                            .inverses = op.kept_inverses, .norms = op.kept_norms, .after = after, .factors = (float *)factors.bytes, .before = before};
    for (size_t part = 0; part < parts; part++) table->relevance_rows(&layer, queries * part / parts, queries * (part + 1) / parts);
    const size_t panels = stride / TERN_PANEL;
    for (size_t part = 0; part < parts; part++)
        table->relevance_columns(&layer, panels * part / parts * TERN_PANEL, panels * (part + 1) / parts * TERN_PANEL);
    return digest_words(digest_output(digest, &factors, 1), before, stride * sizeof(float), 1);
}

static uint64_t run_layer_norm(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    const size_t rows = between(1, 7), columns = depth_of(index), stride = columns + random_bits() % 3;
    float *x = floats(rows * stride - (stride - columns)), *gamma = floats(columns), *beta = floats(columns);
    for (size_t row = 0; row < rows; row++) fill(x + row * stride, columns, (int)(random_bits() % 8), random_bits() % 16 == 0);
    fill(gamma, columns, 6, 0);
    fill(beta, columns, 6, 0);
    const int in_place = random_bits() % 2;
    output out = output_of(rows, columns, in_place ? stride - columns : random_bits() % 5, sizeof(float));
    if (in_place) {
        for (size_t row = 0; row < rows; row++) memcpy(out.bytes + row * out.stride_bytes, x + row * stride, columns * sizeof(float));
        x = (float *)out.bytes;
    }
    for (size_t part = 0; part < parts; part++)
        table->layer_norm(x, stride, columns, rows * part / parts, rows * (part + 1) / parts, gamma, beta, 1e-6f, (float *)out.bytes,
                          out.stride_bytes / sizeof(float));
    return digest_output(seed_of_digest, &out, 1);
}

/* The same plain code for every table: what may differ is how compilers of other CPUs order and fuse it. */
static uint64_t run_feature(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)table, (void)kind, (void)parts;
    const size_t count = depth_of(index), rank = between(0, count < 40 ? count : 40);
    float *x = floats(count), *mean = floats(count), *precisions = floats(rank), *directions = floats(rank * count);
    fill(x, count, (int)(random_bits() % 8), random_bits() % 16 == 0);
    fill(mean, count, 6, 0);
    for (size_t k = 0; k < rank; k++) precisions[k] = unit() + 1.5f;
    fill(directions, rank * count, 6, 0);
    output out = output_of(1, 1, 0, sizeof(float));
    *(float *)out.bytes = tern_feature_score(x, mean, precisions, directions, count, rank, unit() + 1.5f);
    return digest_output(seed_of_digest, &out, 1);
}

/* Taps of `outputs` outputs of `inputs` inputs: firsts that never decrease, counts within `stride`. */
static void fill_taps(int32_t *firsts, int32_t *counts, size_t inputs, size_t outputs, size_t stride) {
    int32_t from = 0;
    for (size_t i = 0; i < outputs; i++) {
        const int32_t left = (int32_t)inputs - from, most = left < (int32_t)stride ? left : (int32_t)stride;
        firsts[i] = from, counts[i] = (int32_t)between(1, (size_t)most);
        if (from + 1 < (int32_t)inputs) from += (int32_t)between(0, inputs - 1 - (size_t)from < 3 ? inputs - 1 - (size_t)from : 3);
    }
}

/* Columns of stored values and of real ones, then the finished rows. `parts` is the number of calls the rows are cut into. */
/* Plain code for every table as well. */
static uint64_t run_shares(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)table, (void)parts;
    if (index >= FEW_CASES) return seed_of_digest;
    const size_t columns = depth_of(index), rows = between(1, 20), stride = columns + random_bits() % 3, outputs = between(1, 70);
    float *tokens = floats(rows * stride), *vectors = floats(3 * columns), *direction = floats(2 * columns), *values = floats(2 * outputs);
    fill(tokens, rows * stride, (int)(random_bits() % 8), random_bits() % 16 == 0);
    fill(vectors, 3 * columns, 6, 0);
    fill(values, 2 * outputs, 0, 0);
    const size_t bytes = tern_packed_bytes(kind, outputs, columns);
    uint8_t *weights = guarded(bytes, sizeof(float));
    for (size_t i = 0; i < bytes; i++) weights[i] = (uint8_t)random_bits();
    if (kind == TERN_WEIGHTS_F32) fill((float *)weights, outputs * columns, 6, 0);
    output shares = output_of(1, rows, 3, sizeof(float));
    const tern_shares op = {.rows = rows, .columns = columns, .tokens = tokens, .stride = stride, .pooled = vectors,
                            .gamma = random_bits() % 2 ? vectors + columns : NULL, .epsilon = 1e-6f, .beta = random_bits() % 2 ? vectors + 2 * columns : NULL,
                            .weights = weights, .kind = kind, .outputs = outputs, .channel = random_bits() % outputs, .is_contrast = outputs > 1 && random_bits() % 2,
                            .scales = kind == TERN_WEIGHTS_F32 ? NULL : values + outputs, .scale_count = random_bits() % 2 ? outputs : 1, .values = values,
                            .direction = direction, .shares = (float *)shares.bytes};
    const float base = tern_patch_shares(&op);
    return digest_output(digest_words(seed_of_digest, &base, sizeof base, 1), &shares, 1);
}

static uint64_t run_resize(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    static const size_t widths[] = {1, 7, 8, 9, 15, 16, 17, 23, 31, 33, 64};
    const size_t columns = index < 11 ? widths[index] : between(1, 200), rows = between(3, 16), outputs = between(1, 17), slots = outputs + random_bits() % 3;
    const tern_samples samples = (tern_samples)(1 + index % 3);
    const size_t bytes = samples == TERN_SAMPLES_F32 ? 4 : 2, gap = random_bits() % 5, stride = columns + TERN_RESIZE_LANES;
    uint8_t *store = guarded((rows - 1) * (columns + gap) * bytes + columns * bytes, samples == TERN_SAMPLES_F32 ? 4 : 2);
    for (size_t i = 0; i < (rows - 1) * (columns + gap) + columns; i++) {
        const float value = (unit() + 1.0f) * 128.0f;
        const uint16_t stored = (uint16_t)random_bits();
        if (samples == TERN_SAMPLES_F32) memcpy(store + 4 * i, &value, 4);
        else memcpy(store + 2 * i, &stored, 2);
    }
    const double ends[] = {(double)(int32_t)(random_bits() % (1u << 28)) / 4096.0 - 32768.0, (double)(int32_t)(random_bits() % (1u << 28)) / 4096.0 - 32768.0};
    const int order = ends[0] <= ends[1];
    double *weights = guarded(rows * outputs * sizeof(double), 8), *sums = guarded(slots * stride * sizeof(double), 8);
    for (size_t i = 0; i < rows * outputs; i++) weights[i] = random_bits() % 9 ? (double)unit() : 0.0;
    for (size_t i = 0; i < slots * stride; i++) sums[i] = i % stride < columns ? (double)unit() * 1e5 : 0.0;
    tern_resize_columns op = {.row_bytes = (columns + gap) * bytes, .kind = samples, .column_count = columns, .low = ends[!order], .high = ends[order],
                              .output_count = outputs, .sums = sums, .sum_stride = stride, .first_slot = random_bits() % slots, .slot_count = slots};
    const size_t continued = random_bits() % (outputs + 1);
    for (size_t part = 0; part < parts; part++) {
        const size_t begin = rows * part / parts;
        op.samples = store + begin * op.row_bytes, op.row_count = rows * (part + 1) / parts - begin, op.weights = weights + begin * outputs;
        op.continued = begin == 0 ? continued : outputs;
        table->resize_columns(&op);
    }
    const size_t taps = 8 * between(1, 4), results = between(1, 40);
    int32_t *firsts = guarded(results * 4, 4), *counts = guarded(results * 4, 4);
    double *row_weights = guarded(results * taps * sizeof(double), 8);
    fill_taps(firsts, counts, columns, results, taps);
    for (size_t i = 0; i < results * taps; i++) row_weights[i] = (int32_t)(i % taps) < counts[i / taps] ? (double)unit() * 0.3 : 0.0;
    uint64_t digest = seed_of_digest;
    for (size_t o = 0; o < outputs; o++) {
        output out = output_of(1, results, 3, sizeof(float));
        double *line = sums + (op.first_slot + o) % slots * stride;
        table->resize_row(line, row_weights, taps, firsts, counts, results, 255.0 / 65535.0, 3.25, (float *)out.bytes);
        digest = digest_output(digest_words(digest, line, stride * sizeof(double), 0), &out, 1);
    }
    return digest;
}

static uint64_t run_resize_u8(const tern_kernels *table, tern_weights_kind kind, int index, size_t parts) {
    (void)kind;
    static const size_t widths[] = {1, 5, 15, 16, 17, 31, 32, 33, 48, 100};
    const size_t channels = index % 2 ? 3 : 1, columns = index < 10 ? widths[index] : between(1, 120), rows = between(3, 16), results = between(1, 40);
    const size_t taps = 8 * between(1, 4), gap = random_bits() % 5, wide = results * channels, outputs = between(1, 9), slots = outputs + random_bits() % 3;
    const size_t source_bytes = rows * columns * channels + (rows - 1) * gap;
    uint8_t *source = guarded(source_bytes, 1);
    for (size_t i = 0; i < source_bytes; i++) source[i] = (uint8_t)random_bits();
    int32_t *firsts = guarded(results * 4, 4), *counts = guarded(results * 4, 4), *weights = guarded(results * taps * 4, 4);
    fill_taps(firsts, counts, columns, results, taps);
    for (size_t i = 0; i < results * taps; i++) weights[i] = (int32_t)(i % taps) < counts[i / taps] ? (int32_t)(random_bits() % 400000) - 100000 : 0;
    output band = output_of(1, rows * wide, 3, 1);
    tern_resize_band_u8 op = {.row_bytes = columns * channels + gap, .column_count = columns, .channels = channels, .flip = index % 3 ? 0 : 255,
                              .weights = weights, .weight_stride = taps, .firsts = firsts, .counts = counts, .output_count = results,
                              .scratch = guarded(tern_resize_scratch(columns, results, channels), 1)};
    int32_t *sums = guarded(slots * (wide + 8) * 4, 4), *column_weights = guarded(rows * outputs * 4, 4);
    for (size_t i = 0; i < slots * (wide + 8); i++) sums[i] = (int32_t)random_bits() >> 3;
    for (size_t i = 0; i < rows * outputs; i++) column_weights[i] = (int32_t)(random_bits() % 2000000) - 500000;
    tern_resize_columns_u8 down = {.row_bytes = wide, .column_count = wide, .flip = index % 5 ? 0 : 255, .output_count = outputs, .sums = sums,
                                   .sum_stride = wide + 8, .first_slot = random_bits() % slots, .slot_count = slots};
    const size_t continued = random_bits() % (outputs + 1);
    for (size_t part = 0; part < parts; part++) {
        const size_t begin = rows * part / parts;
        op.samples = source + begin * op.row_bytes, op.row_count = rows * (part + 1) / parts - begin, op.result = band.bytes + begin * wide;
        table->resize_band_u8(&op);
        down.samples = op.result, down.row_count = op.row_count, down.weights = column_weights + begin * outputs;
        down.continued = begin == 0 ? continued : outputs;
        table->resize_columns_u8(&down);
    }
    uint64_t digest = digest_words(digest_output(seed_of_digest, &band, 0), sums, slots * (wide + 8) * 4, 0);
    const size_t pixels = source_bytes / 3;
    output grey = output_of(1, pixels, 3, 1);
    table->luminance_u8(source, pixels, grey.bytes);
    for (size_t i = 0; i < pixels; i++) digest = (digest ^ grey.bytes[i]) * 0x100000001b3u;
    return digest_output(digest, &grey, 0);
}

typedef struct operation {
    const char *name;
    uint64_t (*run)(const tern_kernels *, tern_weights_kind, int, size_t);
    tern_weights_kind kind;
} operation;

static const operation operations[] = {
    {"quantise", run_quantise, TERN_WEIGHTS_F32},  {"linear-s8", run_linear, TERN_WEIGHTS_S8},   {"linear-t2", run_linear, TERN_WEIGHTS_T2},
    {"linear-t5", run_linear, TERN_WEIGHTS_T5},    {"linear-f32", run_linear, TERN_WEIGHTS_F32}, {"attention", run_attention, TERN_WEIGHTS_F32},
    {"layer-norm", run_layer_norm, TERN_WEIGHTS_F32}, {"feature", run_feature, TERN_WEIGHTS_F32},
    {"resize", run_resize, TERN_WEIGHTS_F32},      {"resize-u8", run_resize_u8, TERN_WEIGHTS_F32},
    {"relevance", run_relevance, TERN_WEIGHTS_F32}, {"shares-s8", run_shares, TERN_WEIGHTS_S8}, {"shares-t2", run_shares, TERN_WEIGHTS_T2},
    {"shares-t5", run_shares, TERN_WEIGHTS_T5}, {"shares-f32", run_shares, TERN_WEIGHTS_F32},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static uint64_t run_case(const tern_kernels *table, const operation *operation, int index, size_t parts) {
    state = (uint64_t)(operation - operations) * 1000003u + (uint64_t)index * 7919u + 1;
    for (int i = 0; i < 8; i++) random_bits();
    const uint64_t digest = operation->run(table, operation->kind, index, parts);
    free_case();
    return digest;
}

int main(int count, char **words) {
    const int emulates = count == 2 && strcmp(words[1], "--emulate") == 0;
    if (count > 2 || (count == 2 && !emulates && strcmp(words[1], "--unguarded"))) {
        fprintf(stderr, "usage: digest [--unguarded | --emulate]\n");
        return 64;
    }
    slack = count == 2 && !emulates ? 64 : 0;
    const tern_kernels *scalar = tern_kernels_for(TERN_ISA_SCALAR);
    int status = 0;
    for (int isa = 0; tern_isa_name((tern_isa)isa); isa++) {
        const tern_kernels *table = tern_kernels_for((tern_isa)isa);
        const int is_emulated = !table && emulates && tern_kernels_to_emulate((tern_isa)isa) && tern_emulate_vnni();
        if (is_emulated) table = tern_kernels_to_emulate((tern_isa)isa);
        if (!table) {
            printf("%s not run\n", tern_isa_name((tern_isa)isa));
            continue;
        }
        for (size_t i = 0; i < OPERATIONS; i++) {
            uint64_t all = seed_of_digest;
            for (int index = 0; index < CASES; index++) {
                const uint64_t expected = run_case(scalar, operations + i, index, 1);
                damaged = 0;
                for (size_t parts = 1; parts <= MOST_PARTS; parts += 2) {
                    const uint64_t digest = run_case(table, operations + i, index, parts);
                    all = digest_words(all, &digest, sizeof digest, 0);
                    if (digest == expected && !damaged) continue;
                    fprintf(stderr, "%s %s: case %d in %zu parts %s\n", table->name, operations[i].name, index, parts,
                            damaged ? "writes outside its output" : "differs from scalar");
                    status = 1;
                }
            }
            printf("%s %s %016" PRIx64 " %d%s\n", table->name, operations[i].name, all, CASES, is_emulated ? " emulated" : "");
        }
    }
    return status;
}
