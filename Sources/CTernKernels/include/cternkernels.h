/* The kernel tables of Tern: one function per operation and instruction set. Models/NUMERICS.md is the contract; every table gives the
   same bits. Shapes are checked in TernKernels, which is the only caller. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TERN_PANEL = 64,      /* output channels of one weight panel */
    TERN_GROUP = 4,       /* consecutive K values that lie side by side for one output channel */
    TERN_T2_BLOCK = 16,   /* K values of one t2 block: four groups */
    TERN_T5_BLOCK = 20,   /* K values of one t5 block: five groups */
    TERN_LANES = 16,      /* virtual lanes of a float reduction, N-01 */
    TERN_ROWS = 6,        /* rows of one tile; with TERN_PANEL the unit by which linear and attention are shared out */
    TERN_PREPARED_BYTES = 640 << 10, /* of prepared panels, most of a second cache of 1 MiB */
    TERN_ALIGNMENT = 64,  /* of arenas, scratch and packed weights */
    TERN_LIMIT_DEPTH = 131072,  /* K of an integer linear layer: 127 * 127 * K stays below 2^31 */
    TERN_LIMIT_TOKENS = 65536,  /* tokens of attention: 255 * 127 * tokens stays below 2^31 */
    TERN_LIMIT_WIDTH = 4096,    /* of an attention head */
    TERN_RESIZE_LANES = 8,      /* lanes of a sum of taps of real values, N-15; weights of an output are padded to it */
    TERN_RESIZE_OUTPUTS = 7,    /* output rows whose sums a block of columns keeps in registers */
    TERN_RESIZE_BAND = 16,      /* rows of bytes that are resampled together */
    TERN_RESIZE_FRACTION = 22,  /* fractional bits of a weight for bytes */
    TERN_RESIZE_HALF = 1 << (TERN_RESIZE_FRACTION - 1),
};

/* Names mean exact sets of instructions; check_isa tests them. */
typedef enum tern_isa {
    TERN_ISA_SCALAR = 0,
    TERN_ISA_AVX2 = 1,        /* AVX2, FMA, F16C */
    TERN_ISA_AVX512VNNI = 2,  /* TERN_ISA_AVX2 and AVX512 F, BW, DQ, VL, VNNI */
    TERN_ISA_AVXVNNI = 3,     /* TERN_ISA_AVX2 and AVX-VNNI, in VEX encoding */
    TERN_ISA_AVX512VBMI = 4,  /* TERN_ISA_AVX512VNNI and AVX512 VBMI */
    TERN_ISA_NEON = 5,        /* ARMv8.0-A with Advanced SIMD */
    TERN_ISA_NEONDOT = 6,     /* TERN_ISA_NEON and the dot products of ARMv8.2-A, FEAT_DotProd */
    TERN_ISA_NEONI8MM = 7,    /* TERN_ISA_NEONDOT and the matrix products of ARMv8.6-A, FEAT_I8MM */
} tern_isa;

typedef enum tern_weights_kind {
    TERN_WEIGHTS_F32 = 1,
    TERN_WEIGHTS_S8 = 2,
    TERN_WEIGHTS_T2 = 3,
    TERN_WEIGHTS_T5 = 4,
} tern_weights_kind;

/* One linear layer, N-02 to N-04 and N-07. Strides count elements. */
typedef struct tern_linear {
    size_t m, n, k;
    const int8_t *codes;         /* [m][codes_stride], zero past k; unused for f32 weights */
    size_t codes_stride;         /* a multiple of 64 that is at least tern_codes_bytes(k) */
    int levels;                  /* L of N-02: no code is past it; 0 is 127 */
    const float *row_scales;     /* [m], s of N-02 */
    const int32_t *row_sums;     /* [m], the sum of a row's codes */
    const float *input;          /* [m][input_stride], f32 weights only */
    size_t input_stride;
    const void *weights;         /* the packing of Models/FORMAT.md for `kind` */
    tern_weights_kind kind;
    const float *scales;         /* [scale_count], g of N-03 */
    size_t scale_count;          /* 1 or n */
    const float *bias;           /* [n] or NULL */
    const float *residual;       /* [m][residual_stride] or NULL; may be the output itself */
    size_t residual_stride;
    float *output;               /* [m][output_stride] */
    size_t output_stride;
    int gelu;                    /* 0 or 1 */
    void *panels;                /* what `prepare` made of the panels panel_begin ..< panel_end of 64 output channels; NULL: all, unprepared */
    size_t panel_begin, panel_end;
} tern_linear;

/* Multi-head or multi-query attention, N-06. Strides count elements. */
typedef struct tern_attention {
    size_t tokens, queries;      /* queries <= tokens: rows 0 ..< queries are computed */
    size_t heads, kv_heads, width;
    const float *q;              /* [queries][q_stride], head h at column h * width */
    size_t q_stride;
    const float *k, *v;          /* [tokens][kv_stride], key/value head g at column g * width */
    size_t kv_stride;
    float factor;                /* c of N-06 */
    float *output;               /* [queries][output_stride], head h at column h * width */
    size_t output_stride;
    /* What N-17 reads afterwards; NULL, all three: nothing is kept. */
    uint8_t *kept_weights;       /* [heads][queries][kept_stride], u of N-06; nothing is written past the tokens */
    float *kept_inverses;        /* [heads][queries], 1 / f32(Z) */
    float *kept_norms;           /* [kv_heads][kept_stride], written by `norms` */
    size_t kept_stride;          /* a multiple of TERN_PANEL */
} tern_attention;

/* One layer of N-17, from what its attention kept. Rows of `weights`, `norms`, `after` and `before` go on with zeros past the tokens. */
typedef struct tern_relevance {
    size_t queries, heads, kv_heads;
    const uint8_t *weights;      /* [heads][queries][stride] */
    size_t stride;               /* a multiple of TERN_PANEL */
    const float *inverses;       /* [heads][queries] */
    const float *norms;          /* [kv_heads][stride] */
    const float *after;          /* [stride], r behind the layer */
    float *factors;              /* [heads][queries], written by `relevance_rows`, read by `relevance_columns` */
    float *before;               /* [stride], r before the layer */
} tern_relevance;

/* What the values of a row are. */
typedef enum tern_samples {
    TERN_SAMPLES_U16 = 1,  /* stored values, clipped to low ... high */
    TERN_SAMPLES_S16 = 2,
    TERN_SAMPLES_F32 = 3,  /* as they are */
} tern_samples;

/* Adds rows, times their weights, to the growing sums of output rows: sum[o][c] = sum[o][c] + value(r, c) * weight[r][o], rows in order. Products are
   exact in binary64, and must be: weights are binary32 values, and so are values of F32; low and high are whole multiples of 2^-12 within
   +-2^17. So a table may fuse the addition or not. */
typedef struct tern_resize_columns {
    const void *samples;         /* first value of the first row; any alignment */
    size_t row_bytes;            /* from row to row */
    tern_samples kind;
    size_t row_count, column_count;
    double low, high;            /* finite, low <= high; of stored values */
    const double *weights;       /* [row_count][output_count], each a binary32 value */
    size_t output_count;
    size_t continued;            /* outputs before this one go on from their sums, the others start at zero */
    double *sums;                /* ring of [slot_count][sum_stride]: output o in slot (first_slot + o) % slot_count */
    size_t sum_stride, first_slot, slot_count;
} tern_resize_columns;

/* The same for bytes in fixed point; sums start at TERN_RESIZE_HALF. */
typedef struct tern_resize_columns_u8 {
    const uint8_t *samples;
    size_t row_bytes, row_count, column_count;
    uint8_t flip;                /* every byte is taken xor this: 255 inverts */
    const int32_t *weights;      /* TERN_RESIZE_FRACTION fractional bits; of an output the magnitudes sum to less than 2 */
    size_t output_count, continued;
    int32_t *sums;
    size_t sum_stride, first_slot, slot_count;
} tern_resize_columns_u8;

/* Resamples up to TERN_RESIZE_BAND rows of bytes along their length. */
typedef struct tern_resize_band_u8 {
    const uint8_t *samples;      /* [row_count] rows of [column_count][channels] */
    size_t row_bytes, row_count, column_count, channels;  /* channels 1 or 3 */
    uint8_t flip;
    const int32_t *weights;      /* [output_count][weight_stride] */
    size_t weight_stride;
    const int32_t *firsts, *counts;  /* [output_count]; first + count <= column_count */
    size_t output_count;
    uint8_t *scratch;            /* tern_resize_scratch bytes, any alignment */
    uint8_t *result;             /* [row_count][output_count][channels], without gaps */
} tern_resize_band_u8;

/* The share of each token in one output of a model that takes their mean, N-16. */
typedef struct tern_shares {
    size_t rows, columns;        /* tokens, and channels of a token */
    const float *tokens;         /* [rows][stride], what the mean is taken of */
    size_t stride;
    const float *pooled;         /* [columns], their mean */
    const float *gamma;          /* [columns] of the norm behind the mean, with epsilon; NULL: none */
    float epsilon;
    const float *beta;           /* [columns] of the norm before the mean; NULL: none */
    const void *weights;         /* the head, [outputs][columns] in the packing of `kind` */
    tern_weights_kind kind;
    size_t outputs, channel;     /* the head's outputs, and the one whose shares are wanted */
    int is_contrast;             /* 1: of the output less the mean of all others */
    const float *scales;         /* [scale_count]; NULL for f32 weights */
    size_t scale_count;          /* 1 or outputs */
    const float *values;         /* [outputs] */
    float *direction;            /* [2 * columns], overwritten */
    float *shares;               /* [rows] */
} tern_shares;

/* A table. `part` of `parts` (part < parts) is the share of the work this call does; any split gives the same bits.
   `scratch` is 64-byte aligned, private to the call. Functions that return int give 0, or 1 when a value was not finite (N-02). */
typedef struct tern_kernels {
    tern_isa isa;
    const char *name;
    /* N-02: x [rows][stride] -> codes [rows][codes_stride] (zero past columns), scales [rows], sums [rows]; rows begin ..< end. */
    int (*quantise_rows)(const float *x, size_t stride, size_t columns, size_t begin, size_t end, int levels,
                         int8_t *codes, size_t codes_stride, float *scales, int32_t *sums);
    void (*linear)(const tern_linear *op, size_t part, size_t parts, void *scratch);
    /* Bytes that `prepare` makes of one panel of a layer of this kind, K and levels; 0 when `linear` runs straight from the file. NULL: always. */
    size_t (*prepared_bytes)(tern_weights_kind kind, size_t k, int levels);
    /* Turns the panels panel_begin ..< panel_end into the form that `linear` reads for all rows, at op->panels. */
    void (*prepare)(const tern_linear *op, size_t part, size_t parts);
    int (*attention)(const tern_attention *op, size_t part, size_t parts, void *scratch);
    /* N-17. Norms of the values of tokens begin ..< end; of a layer the factors of rows begin ..< end, then r of columns begin ..< end, whole TERN_PANELs. */
    void (*norms)(const tern_attention *op, size_t begin, size_t end);
    void (*relevance_rows)(const tern_relevance *op, size_t begin, size_t end);
    void (*relevance_columns)(const tern_relevance *op, size_t begin, size_t end);
    /* x [rows][stride] -> y [rows][output_stride], N-05; rows begin ..< end; y may be x. */
    void (*layer_norm)(const float *x, size_t stride, size_t columns, size_t begin, size_t end, const float *gamma, const float *beta,
                       float epsilon, float *y, size_t output_stride);
    /* Resizing, N-15. `resize_row`: sums of taps of one line, times factor, plus addend, clipped to 0 ... 255. Taps are read in whole TERN_RESIZE_LANES:
       the line goes on past its last value with finite ones, and weights [outputs][stride] are zero past their count. */
    void (*resize_columns)(const tern_resize_columns *op);
    void (*resize_row)(const double *line, const double *weights, size_t stride, const int32_t *firsts, const int32_t *counts, size_t outputs,
                       double factor, double addend, float *result);
    void (*resize_columns_u8)(const tern_resize_columns_u8 *op);
    void (*resize_band_u8)(const tern_resize_band_u8 *op);
    /* rgb [count][3] -> grey [count]: (19595 R + 38470 G + 7471 B + 32768) >> 16. */
    void (*luminance_u8)(const uint8_t *rgb, size_t count, uint8_t *grey);
    /* The rate of this table's dot-product instruction alone on registers: multiply-adds done by `rounds` rounds. */
    uint64_t (*peak)(uint64_t rounds);
} tern_kernels;

/* One operation as a team of threads runs it: tern_job_<operation>(job, part, parts) for every part. Each part uses its own
   `scratch_stride` bytes of `scratch`; `not_finite` becomes 1 when any part meets a value that is not. */
typedef struct tern_job {
    const tern_kernels *table;
    void *scratch;
    size_t scratch_stride;
    int not_finite;
    size_t prepared_stride;  /* tern_job_rows: from one part's panels to the next part's */
    size_t panels_at_once;   /* tern_job_rows: panels that fit there */
    tern_linear linear;
    tern_attention attention;
    tern_relevance relevance;
    /* N-02 of `linear`: where its codes, scales and sums go. */
    struct {
        int8_t *codes;
        float *scales;
        int32_t *sums;
    } quantise;
    struct {
        size_t rows, columns;
        const float *x;
        size_t stride;
        const float *gamma, *beta;
        float epsilon;
        float *y;
        size_t output_stride;
    } layer_norm;
    struct {
        const float *image;
        size_t channels, height, width, patch;
        float *rows;
        size_t stride;
    } patches;
} tern_job;

/* What a linear layer waits for, each where it is set: layer norm of its rows, their codes, the first panels. A part quantises the rows that
   it has normalised. */
void tern_job_ready(void *job, unsigned part, unsigned parts);
void tern_job_prepare(void *job, unsigned part, unsigned parts);

/* A whole linear layer, rows shared out in blocks of six: a part normalises, quantises and multiplies its own rows with panels that it prepares for
   itself, and waits for nobody. The layer's output must not lie on the norm's input. */
void tern_job_rows(void *job, unsigned part, unsigned parts);
void tern_job_linear(void *job, unsigned part, unsigned parts);
void tern_job_attention(void *job, unsigned part, unsigned parts);
void tern_job_relevance_rows(void *job, unsigned part, unsigned parts);
void tern_job_relevance_columns(void *job, unsigned part, unsigned parts);
void tern_job_layer_norm(void *job, unsigned part, unsigned parts);
void tern_job_patches(void *job, unsigned part, unsigned parts);

/* The table, or NULL when it is not built here or this CPU or its operating system cannot run it. */
const tern_kernels *tern_kernels_for(tern_isa isa);

/* For tests: a table whose instructions past those of this CPU the caller emulates, or NULL when there is no emulation for it. */
const tern_kernels *tern_kernels_to_emulate(tern_isa isa);

/* The table's name as in TERN_ISA, or NULL for a number that is none. */
const char *tern_isa_name(tern_isa isa);

/* Zeroed memory at a multiple of TERN_ALIGNMENT, or NULL; tern_memory_free gives it back. */
void *tern_memory_allocate(size_t byte_count);
void tern_memory_free(void *memory);

/* Bytes of scratch that one call of `linear` or `attention` needs, a multiple of 64. 0 when the size overflows. */
size_t tern_linear_scratch(size_t m, size_t k);

/* Bytes from the start of one row of codes to the start of the next: whole blocks of every packing and two groups more, whole cache lines. */
size_t tern_codes_bytes(size_t k);

/* Panels that are prepared at once: as many of `panels` as stay in a core's second cache, one at least. */
size_t tern_prepared_panels(size_t panels, size_t prepared_bytes);

/* The most memory that prepared panels of a layer may take; 0 when the size overflows. */
size_t tern_prepared_limit(size_t n, size_t k);
size_t tern_attention_scratch(size_t tokens, size_t width);

/* Bytes of a packed weight matrix [n][k]; 0 when the size overflows or the kind is unknown. */
size_t tern_packed_bytes(tern_weights_kind kind, size_t n, size_t k);

/* N-09 and N-10: the same plain code for every table. */
void tern_mean_pool(const float *x, size_t stride, size_t rows, size_t columns, float *y);
/* N-13: the score of a feature against mean [count], inverse variances [rank] and directions [rank][count]. */
float tern_feature_score(const float *feature, const float *mean, const float *precisions, const float *directions, size_t count, size_t rank,
                         float residual_precision);
/* N-16: fills `shares`, gives the rest of the output. */
float tern_patch_shares(const tern_shares *op);
/* Finite binary16 values as the same values in binary32. */
void tern_widen_f16(const uint16_t *halves, size_t count, float *values);
/* Lines of patches begin ..< end, from the top. */
void tern_patches(const float *image, size_t channels, size_t height, size_t width, size_t patch, size_t begin, size_t end, float *rows,
                  size_t stride);

/* Bytes of scratch of `resize_band_u8`. */
size_t tern_resize_scratch(size_t column_count, size_t output_count, size_t channels);
/* values[i] = table[samples[i] & mask]; samples of any alignment. */
void tern_resize_look_up(const void *samples, size_t count, uint16_t mask, const float *table, float *values);
/* Finished sums of `resize_columns_u8` as bytes. */
void tern_resize_bytes(const int32_t *sums, size_t count, uint8_t *bytes);

/* N-08 for x <= 0. */
float tern_exp2(float x);

/* Content checks of a model file: the index of the first byte (value for f32 and f16) that may not occur, or `count` when all are right. */
size_t tern_scan_f32(const float *values, size_t count);                   /* finite */
size_t tern_scan_f16(const uint16_t *values, size_t count);                /* finite */
size_t tern_scan_positive_f32(const float *values, size_t count);          /* finite and positive */
size_t tern_scan_weights(tern_weights_kind kind, const void *packed, size_t n, size_t k);
