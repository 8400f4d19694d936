#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "internal.h"

/* A looked-up byte is the sum of two codes; four of them and the sum of K / 2 fit int32 by the limit of depth. */
enum { LOOKUP_LEVELS = 63 };
_Static_assert(2 * LOOKUP_LEVELS <= INT8_MAX, "sum of two codes would wrap");
_Static_assert((long long)LOOKUP_LEVELS * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi"))), apply_to = function)
#include "finish.avx512vnni.h"

/* Two ternary weights of one output channel have nine combinations. A step is eight K values in four pairs: for a row, a table of 64 bytes
   with 16 entries a pair; for 64 channels, 256 bytes (pair << 4 | combination), the four pairs of a channel side by side. vpermb looks up
   64 sums of two, vpdpbusd with ones adds the four of each channel. Pair r of a step joins value r of one group of four with value r of
   another, because that is how digits of one t5 byte lie. */
enum {
    STEP_BYTES = TERN_PANEL * TERN_GROUP,  /* of a prepared panel */
    TABLE_BYTES = 64,
    PAIRS = 4,
    ENTRIES = 16,
    T5_GROUPS = 10,   /* of two t5 blocks */
    T5_STEPS = 5,
    T5_ZEROS = 0x80,  /* five digits of weight 0 */
    SPAN = 50,        /* steps whose tables for six rows stay in the first cache */
};
_Static_assert(TERN_ROWS * SPAN * TABLE_BYTES <= 20 << 10, "tables leave no room in a first cache of 32 KiB");
/* Sums of panels are kept only when there is more than one span. */
_Static_assert(TERN_PREPARED_BYTES / (SPAN * STEP_BYTES) * TERN_ROWS * TERN_PANEL * sizeof(int32_t) <= TERN_PREPARED_BYTES / 8, "scratch too small");

/* Which steps two t5 blocks A and B give when `groups` of their ten groups of four are real: pairs of neighbours of A, then of B, then the
   one that is left of A with the next of B. Whole pairs of blocks have all five. */
typedef struct t5_steps {
    size_t pairs[2];
    size_t single;
} t5_steps;

static t5_steps t5_steps_of(size_t groups) {
    if (groups <= 4) return (t5_steps){{(groups + 1) / 2, 0}, 0};
    return (t5_steps){{2, groups <= 6 ? 0 : groups <= 8 ? 1 : 2}, 1};
}

static size_t steps_of(tern_weights_kind kind, size_t k) {
    const size_t groups = tern_groups(k);
    if (kind == TERN_WEIGHTS_T2) return (groups + 1) / 2;
    const t5_steps tail = t5_steps_of(groups % T5_GROUPS);
    return groups / T5_GROUPS * T5_STEPS + tail.pairs[0] + tail.pairs[1] + tail.single;
}

size_t tern_prepared_bytes__avx512vbmi(tern_weights_kind kind, size_t k, int levels) {
    const int is_ternary = kind == TERN_WEIGHTS_T5 || kind == TERN_WEIGHTS_T2;
    return is_ternary && levels > 0 && levels <= LOOKUP_LEVELS ? steps_of(kind, k) * STEP_BYTES : 0;
}

/* 64 bytes x of t5: two digits, as 3 a + b, are the whole part of 9 x / 256; what is left over goes on. Even bytes are in the low halves. */
typedef struct digits {
    __m512i even, odd;
} digits;

TERN_INLINE __m512i take_digits(digits *x, const short factor) {
    const __m512i low = _mm512_set1_epi16(0xff), times = _mm512_set1_epi16(factor);
    x->even = _mm512_mullo_epi16(x->even, times);
    x->odd = _mm512_mullo_epi16(x->odd, times);
    /* Bits of the mask choose the first operand of 0xca. */
    const __m512i whole = _mm512_ternarylogic_epi32(low, _mm512_srli_epi16(x->even, 8), x->odd, 0xca);
    x->even = _mm512_and_si512(x->even, low);
    x->odd = _mm512_and_si512(x->odd, low);
    return whole;
}

/* One pair of blocks, `present` of them there; gives where the next step goes. */
TERN_INLINE uint8_t *prepare_t5_blocks(const uint8_t *packed, size_t present, const t5_steps steps, uint8_t *prepared) {
    const __m512i low = _mm512_set1_epi16(0xff), pair = _mm512_set1_epi32(0x30201000), zeros = _mm512_set1_epi8((char)T5_ZEROS);
    for (int j = 0; j < STEP_BYTES; j += 64) {
        uint8_t *to = prepared + j;
        __m512i last[2];
        for (size_t i = 0; i < 2; i++) {
            const __m512i x = i < present ? _mm512_loadu_si512(packed + i * STEP_BYTES + j) : zeros;
            digits rest = {_mm512_and_si512(x, low), _mm512_srli_epi16(x, 8)};
            for (size_t step = 0; step < steps.pairs[i]; step++, to += STEP_BYTES)
                _mm512_storeu_si512(to, _mm512_or_si512(take_digits(&rest, 9), pair));
            last[i] = take_digits(&rest, 3);
        }
        const __m512i thrice = _mm512_add_epi8(_mm512_add_epi8(last[0], last[0]), last[0]);
        if (steps.single) _mm512_storeu_si512(to, _mm512_or_si512(_mm512_add_epi8(thrice, last[1]), pair));
    }
    return prepared + (steps.pairs[0] + steps.pairs[1] + steps.single) * STEP_BYTES;
}

static void prepare_t5(const uint8_t *packed, size_t groups, uint8_t *prepared) {
    for (; groups >= T5_GROUPS; groups -= T5_GROUPS, packed += 2 * STEP_BYTES)
        prepared = prepare_t5_blocks(packed, 2, (t5_steps){{2, 2}, 1}, prepared);
    if (groups > 0) prepare_t5_blocks(packed, groups > T5_GROUPS / 2 ? 2 : 1, t5_steps_of(groups), prepared);
}

/* Two codes of t2 are four bits as they lie: a + 4 b. */
static void prepare_t2(const uint8_t *packed, size_t steps, uint8_t *prepared) {
    const __m512i low = _mm512_set1_epi8(15), pair = _mm512_set1_epi32(0x30201000);
    for (size_t step = 0; step < steps; step++) {
        for (int j = 0; j < STEP_BYTES; j += 64) {
            const __m512i x = _mm512_loadu_si512(packed + step / 2 * STEP_BYTES + j), shifted = step % 2 ? _mm512_srli_epi16(x, 4) : x;
            _mm512_storeu_si512(prepared + step * STEP_BYTES + j, _mm512_or_si512(_mm512_and_si512(shifted, low), pair));
        }
    }
}

void tern_prepare__avx512vbmi(const tern_linear *op, size_t part, size_t parts) {
    const size_t from = tern_panel_bytes(op->kind, op->k), to = steps_of(op->kind, op->k) * STEP_BYTES;
    const tern_share share = tern_share_of(op->panel_end - op->panel_begin, part, parts);
    for (size_t panel = share.begin; panel < share.end; panel++) {
        const uint8_t *packed = (const uint8_t *)op->weights + (op->panel_begin + panel) * from;
        uint8_t *prepared = (uint8_t *)op->panels + panel * to;
        if (op->kind == TERN_WEIGHTS_T5) prepare_t5(packed, tern_groups(op->k), prepared);
        else prepare_t2(packed, to / STEP_BYTES, prepared);
    }
}

/* How a table is made of the values of its two groups: entry e of pair r takes value r of each, none where its weight is zero. */
typedef struct recipe {
    __m512i first, second;            /* for vpshufb */
    __mmask64 first_minus, second_minus;  /* where the weight is -1 */
} recipe;

static recipe recipe_of(tern_weights_kind kind) {
    const int radix = kind == TERN_WEIGHTS_T5 ? 3 : 4;
    _Alignas(64) uint8_t from[2][TABLE_BYTES];
    __mmask64 minus[2] = {0, 0};
    for (int i = 0; i < TABLE_BYTES; i++) {
        const int pair = i / ENTRIES, combination = i % ENTRIES, low = combination % radix, high = combination / radix;
        /* The first of two t5 digits is the high one; the first of two t2 codes the low one. Other combinations do not occur. */
        const int codes[2] = {kind == TERN_WEIGHTS_T5 ? high : low, kind == TERN_WEIGHTS_T5 ? low : high};
        for (int side = 0; side < 2; side++) {
            from[side][i] = codes[side] == 0 || codes[side] == 2 ? (uint8_t)pair : 0x80;
            if (codes[side] == 0) minus[side] |= (__mmask64)1 << i;
        }
    }
    return (recipe){_mm512_load_si512(from[0]), _mm512_load_si512(from[1]), minus[0], minus[1]};
}

TERN_INLINE __m512i four_values(const int8_t *codes) {
    int32_t four;
    memcpy(&four, codes, sizeof four);
    return _mm512_set1_epi32(four);
}

/* The table of the group at `first` with the one at `second`. */
TERN_INLINE uint8_t *make_table(const int8_t *first, const int8_t *second, const recipe make, uint8_t *table) {
    const __m512i x = _mm512_shuffle_epi8(four_values(first), make.first);
    __m512i y = _mm512_shuffle_epi8(four_values(second), make.second);
    y = _mm512_mask_sub_epi8(y, make.second_minus, _mm512_setzero_si512(), y);
    const __m512i sum = _mm512_add_epi8(y, x);
    _mm512_storeu_si512(table, _mm512_mask_sub_epi8(sum, make.first_minus, y, x));
    return table + TABLE_BYTES;
}

TERN_INLINE uint8_t *make_t5_tables(const int8_t *codes, const t5_steps steps, const recipe make, uint8_t *tables) {
    for (size_t i = 0; i < 2; i++)
        for (size_t step = 0; step < steps.pairs[i]; step++) {
            const int8_t *pair = codes + i * TERN_T5_BLOCK + step * 2 * TERN_GROUP;
            tables = make_table(pair, pair + TERN_GROUP, make, tables);
        }
    if (steps.single)
        tables = make_table(codes + TERN_T5_BLOCK - TERN_GROUP, codes + TERN_T5_BLOCK + steps.pairs[1] * 2 * TERN_GROUP, make, tables);
    return tables;
}

/* The tables of one row, step after step, in the order of the prepared panels. */
static void make_tables(const int8_t *codes, tern_weights_kind kind, size_t groups, const recipe *recipe_in_memory, uint8_t *tables) {
    const recipe make = *recipe_in_memory;
    if (kind == TERN_WEIGHTS_T2) {
        for (size_t step = 0; step < (groups + 1) / 2; step++, codes += 2 * TERN_GROUP) tables = make_table(codes, codes + TERN_GROUP, make, tables);
        return;
    }
    for (; groups >= T5_GROUPS; groups -= T5_GROUPS, codes += 2 * TERN_T5_BLOCK) tables = make_t5_tables(codes, (t5_steps){{2, 2}, 1}, make, tables);
    make_t5_tables(codes, t5_steps_of(groups), make, tables);
}

typedef struct lookup {
    const uint8_t *tables;  /* of the first step, first row */
    size_t table_stride;    /* from row to row */
    const uint8_t *panel;
    size_t steps;
    int continues;          /* `sums` holds what earlier steps gave */
    int32_t *sums;          /* [m][64] */
} lookup;

TERN_INLINE void look_up(const lookup *at, const int m, __m512i sums[TERN_ROWS][4]) {
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) sums[i][j] = at->continues ? _mm512_loadu_si512(at->sums + i * TERN_PANEL + 16 * j) : _mm512_setzero_si512();
    }
    const __m512i ones = _mm512_set1_epi8(1);
    const uint8_t *panel = at->panel, *tables = at->tables;
    for (size_t step = 0; step < at->steps; step++, panel += STEP_BYTES, tables += TABLE_BYTES) {
        __m512i weights[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) weights[j] = _mm512_loadu_si512(panel + 64 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const __m512i table = _mm512_loadu_si512(tables + (size_t)i * at->table_stride);
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], ones, _mm512_permutexvar_epi8(weights[j], table));
        }
    }
}

TERN_INLINE void look_up_to_memory(const lookup *at, const int m) {
    __m512i sums[TERN_ROWS][4];
    look_up(at, m, sums);
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) _mm512_storeu_si512(at->sums + i * TERN_PANEL + 16 * j, sums[i][j]);
    }
}

/* 1, 3 or 6 rows: tables of rows past m hold anything. */
static void look_up_rows(const lookup *at, size_t m) {
    if (m > 3) look_up_to_memory(at, 6);
    else if (m > 1) look_up_to_memory(at, 3);
    else look_up_to_memory(at, 1);
}

TERN_INLINE void look_up_whole(const tern_linear *op, const lookup *at, size_t row, size_t column, const tern_epilogue epilogue) {
    __m512i sums[TERN_ROWS][4];
    look_up(at, TERN_ROWS, sums);
    tern_finish_whole_512(op, sums, row, column, epilogue);
}

static void look_up_and_finish(const tern_linear *op, const lookup *at, size_t row, size_t m, size_t column, size_t columns) {
    const tern_epilogue epilogue = m == TERN_ROWS && columns == TERN_PANEL ? tern_epilogue_of(op) : TERN_MEMORY;
    switch (epilogue) {
    case TERN_PLAIN: look_up_whole(op, at, row, column, TERN_PLAIN); break;
    case TERN_GELU: look_up_whole(op, at, row, column, TERN_GELU); break;
    case TERN_RESIDUAL: look_up_whole(op, at, row, column, TERN_RESIDUAL); break;
    case TERN_MEMORY:
        look_up_rows(at, m);
        tern_finish_512(op, at->sums, row, m, column, columns);
    }
}

/* Rows row ..< row + m, prepared panels begin ..< end, all steps; a span of steps for every panel before the next span. */
static void row_block(const tern_linear *op, size_t row, size_t m, size_t begin, size_t end, size_t steps, const uint8_t *tables, int32_t *sums) {
    for (size_t first = 0; first < steps; first += SPAN) {
        const size_t count = tern_minimum(SPAN, steps - first);
        lookup at = {.tables = tables + first * TABLE_BYTES, .table_stride = steps * TABLE_BYTES, .steps = count, .continues = first > 0, .sums = sums};
        for (size_t panel = begin; panel < end; panel++) {
            const size_t column = (op->panel_begin + panel) * TERN_PANEL;
            at.panel = (const uint8_t *)op->panels + (panel * steps + first) * STEP_BYTES;
            if (steps > SPAN) at.sums = sums + (panel - begin) * TERN_ROWS * TERN_PANEL;
            if (first + count < steps) look_up_rows(&at, m);
            else look_up_and_finish(op, &at, row, m, column, tern_minimum(TERN_PANEL, op->n - column));
        }
    }
}

/* Six rows are taken through all prepared panels, which stay in the second cache, while their tables stay in the first. */
void tern_linear__avx512vbmi(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    if (!op->panels) {
        tern_linear__avx512vnni(op, part, parts, scratch);
        return;
    }
    const size_t panels = op->panel_end - op->panel_begin, steps = steps_of(op->kind, op->k);
    const tern_share units = tern_share_of(panels * ((op->m + TERN_ROWS - 1) / TERN_ROWS), part, parts);
    const recipe make = recipe_of(op->kind);
    uint8_t *tables = scratch;
    int32_t *sums = (int32_t *)(tables + TERN_ROWS * steps * TABLE_BYTES);
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t row = unit / panels * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row), begin = unit % panels;
        const size_t end = tern_minimum(panels, begin + (units.end - unit));
        for (size_t i = 0; i < m; i++)
            make_tables(op->codes + (row + i) * op->codes_stride, op->kind, tern_groups(op->k), &make, tables + i * steps * TABLE_BYTES);
        row_block(op, row, m, begin, end, steps, tables, sums);
        unit += end - begin;
    }
}
#pragma clang attribute pop
#endif
