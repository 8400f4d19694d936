/* Rates of the linear kernels over the layers of DeiT-S and a small one at 197 tokens and at one, one thread, weights hot or cold. One JSON line a measurement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cternkernels.h"

typedef struct shape {
    const char *name;
    size_t m, n, k;
    int gelu, residual;
} shape;

enum { TOKENS = 197, REPEATS = 41, COLD_BYTES = 64 << 20, HEADS = 6, WIDTH = 64 };

static const shape shapes[] = {
    {"qkv", TOKENS, 1152, 384, 0, 0}, {"proj", TOKENS, 384, 384, 0, 1}, {"fc1", TOKENS, 1536, 384, 1, 0}, {"fc1-without-gelu", TOKENS, 1536, 384, 0, 0},
    {"fc2", TOKENS, 384, 1536, 0, 1}, {"small", TOKENS, 192, 192, 0, 0}, {"small-one-row", 1, 192, 192, 0, 0},
    {"fc1-one-row", 1, 1536, 384, 1, 0},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

static double peak_of(const tern_kernels *table) {
    double best = 0;
    for (int i = 0; i < 20; i++) {
        const double begin = now();
        const uint64_t done = table->peak(100000);
        const double rate = (double)done / (now() - begin) / 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

static float *floats(size_t count) {
    float *values = tern_memory_allocate(count * sizeof(float));
    for (size_t i = 0; i < count; i++) values[i] = (float)(int)(i * 2654435761u % 2001 - 1000) / 1000.0f;
    return values;
}

/* As KernelTable.runLinear does: where the table wants its weights in another form, as many panels at a time as `op->panels` holds. Gives the seconds
   spent on that. */
static double run_layer(const tern_kernels *table, tern_linear *op, size_t panel_bytes, void *scratch) {
    const size_t panels = (op->n + TERN_PANEL - 1) / TERN_PANEL, at_once = panel_bytes ? tern_prepared_panels(panels, panel_bytes) : panels;
    double spent = 0;
    for (op->panel_begin = 0; op->panel_begin < panels; op->panel_begin = op->panel_end) {
        op->panel_end = op->panel_begin + at_once < panels ? op->panel_begin + at_once : panels;
        if (panel_bytes) {
            const double begin = now();
            table->prepare(op, 0, 1);
            spent += now() - begin;
        }
        table->linear(op, 0, 1, scratch);
    }
    return spent;
}

static void measure(const tern_kernels *table, const shape *shape, tern_weights_kind kind, const char *dtype, int levels, int cold,
                    double peak) {
    const size_t bytes = tern_packed_bytes(kind, shape->n, shape->k), copies = cold ? COLD_BYTES / bytes + 1 : 1;
    uint8_t *weights = tern_memory_allocate(bytes * copies);
    /* Any byte is a t5 or t2 code for the kernels; -128 is not one of s8. */
    for (size_t i = 0; i < bytes * copies; i++) weights[i] = kind == TERN_WEIGHTS_T2 ? 0x46 : (uint8_t)(i * 2654435761u >> 16 | 1);
    const size_t stride = tern_codes_bytes(shape->k), m = shape->m;
    const size_t panel_bytes = table->prepared_bytes ? table->prepared_bytes(kind, shape->k, levels) : 0;
    float *x = floats(m * shape->k), *y = floats(m * shape->n), *residual = floats(m * shape->n), *bias = floats(shape->n);
    int8_t *codes = tern_memory_allocate(m * stride);
    float scales[TOKENS], scale = 0.01f;
    int32_t sums[TOKENS];
    void *scratch = tern_memory_allocate(tern_linear_scratch(m, shape->k));
    void *panels = panel_bytes ? tern_memory_allocate(panel_bytes * tern_prepared_panels((shape->n + TERN_PANEL - 1) / TERN_PANEL, panel_bytes)) : NULL;
    tern_linear op = {
        .m = m, .n = shape->n, .k = shape->k, .codes = codes, .codes_stride = stride, .row_scales = scales, .row_sums = sums,
        .levels = levels, .kind = kind, .scales = &scale, .scale_count = 1, .bias = bias, .residual = shape->residual ? residual : NULL,
        .residual_stride = shape->n, .output = y, .output_stride = shape->n, .gelu = shape->gelu, .panels = panels,
    };
    double times[REPEATS], quantise = 1, prepare = 1;
    for (size_t i = 0; i < REPEATS + 1; i++) {
        op.weights = weights + bytes * (i % copies);
        const double begin = now();
        table->quantise_rows(x, shape->k, shape->k, 0, m, levels, codes, stride, scales, sums);
        const double middle = now() - begin;
        quantise = middle < quantise ? middle : quantise;
        const double spent = run_layer(table, &op, panel_bytes, scratch);
        if (i > 0) times[i - 1] = now() - begin;
        prepare = spent < prepare ? spent : prepare;
    }
    qsort(times, REPEATS, sizeof *times, ascending);
    const double work = (double)m * (double)shape->n * (double)shape->k / 1e9;
    printf("{\"isa\":\"%s\",\"layer\":\"%s\",\"m\":%zu,\"n\":%zu,\"k\":%zu,\"weights\":\"%s\",\"levels\":%d,\"cache\":\"%s\",\"min_us\":%.2f,\"median_us\":%.2f,"
           "\"quantise_us\":%.2f,\"prepare_us\":%.2f,\"gmac_per_s\":%.1f,\"peak_gmac_per_s\":%.1f,\"share_of_peak\":%.3f}\n",
           table->name, shape->name, m, shape->n, shape->k, dtype, levels, cold ? "cold" : "hot", times[0] * 1e6, times[REPEATS / 2] * 1e6,
           quantise * 1e6, prepare * 1e6, work / times[0], peak, work / times[0] / peak);
    fflush(stdout);
    tern_memory_free(weights), tern_memory_free(x), tern_memory_free(y), tern_memory_free(residual), tern_memory_free(bias);
    tern_memory_free(codes), tern_memory_free(scratch), tern_memory_free(panels);
}

static void measure_rest(const tern_kernels *table) {
    const size_t columns = HEADS * WIDTH;
    float *qkv = floats(TOKENS * 3 * columns), *y = floats(TOKENS * columns);
    void *scratch = tern_memory_allocate(tern_attention_scratch(TOKENS, WIDTH));
    const tern_attention op = {
        .tokens = TOKENS, .queries = TOKENS, .heads = HEADS, .kv_heads = HEADS, .width = WIDTH, .q = qkv, .q_stride = 3 * columns,
        .k = qkv + columns, .v = qkv + 2 * columns, .kv_stride = 3 * columns, .factor = 0.18f, .output = y, .output_stride = columns,
    };
    double attention = 1, norm = 1;
    for (int i = 0; i < REPEATS; i++) {
        double begin = now();
        table->attention(&op, 0, 1, scratch);
        attention = now() - begin < attention ? now() - begin : attention;
        begin = now();
        table->layer_norm(qkv, 3 * columns, columns, 0, TOKENS, qkv, qkv, 1e-6f, y, columns);
        norm = now() - begin < norm ? now() - begin : norm;
    }
    printf("{\"isa\":\"%s\",\"attention_us\":%.1f,\"layer_norm_us\":%.1f}\n", table->name, attention * 1e6, norm * 1e6);
    tern_memory_free(qkv), tern_memory_free(y), tern_memory_free(scratch);
}

int main(int count, char **arguments) {
    static const struct {
        tern_weights_kind kind;
        const char *name;
        int levels;
    } kinds[] = {
        {TERN_WEIGHTS_T5, "t5", 42}, {TERN_WEIGHTS_T5, "t5", 63}, {TERN_WEIGHTS_T5, "t5", 127}, {TERN_WEIGHTS_T2, "t2", 42},
        {TERN_WEIGHTS_T2, "t2", 63}, {TERN_WEIGHTS_T2, "t2", 127}, {TERN_WEIGHTS_S8, "s8", 63}, {TERN_WEIGHTS_S8, "s8", 127},
    };
    for (int isa = TERN_ISA_NEONI8MM; isa >= TERN_ISA_SCALAR; isa--) {
        const tern_kernels *table = tern_kernels_for((tern_isa)isa);
        if (!table || (count > 1 && strcmp(arguments[1], table->name) != 0)) continue;
        const double peak = peak_of(table);
        for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++) {
            /* The tables that do not prepare weights do with 42 levels what they do with 63. */
            if (kinds[kind].levels == 42 && !table->prepared_bytes) continue;
            for (int cold = 0; cold < 2; cold++)
                for (int i = 0; i < SHAPES; i++) measure(table, shapes + i, kinds[kind].kind, kinds[kind].name, kinds[kind].levels, cold, peak);
        }
        measure_rest(table);
    }
    return 0;
}
