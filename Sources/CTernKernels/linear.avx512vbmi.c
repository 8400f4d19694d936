#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#include "internal.h"

/* A looked-up byte is the sum of two codes as int8, or of three plus 128 as uint8; sums of all K values fit int32. */
enum { PAIR_LEVELS = 63, TRIPLE_LEVELS = 42, TRIPLE_BIAS = 128 };
_Static_assert(2 * PAIR_LEVELS <= INT8_MAX, "sum of two codes would wrap");
_Static_assert(3 * TRIPLE_LEVELS + TRIPLE_BIAS <= UINT8_MAX && TRIPLE_BIAS - 3 * TRIPLE_LEVELS >= 0, "sum of three codes would wrap");
_Static_assert((long long)PAIR_LEVELS * TERN_LIMIT_DEPTH <= INT32_MAX, "int32 sum would wrap");
_Static_assert((3LL * TRIPLE_LEVELS + TRIPLE_BIAS) * (TERN_LIMIT_DEPTH / 3 + 64) <= INT32_MAX, "int32 sum would wrap");

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi"))), apply_to = function)
#include "finish.avx512vnni.h"

/* A step of a layer is one vpermb and one vpdpbusd for 16 channels and a row: four look-ups for a channel, look-up r into entries 16 r to
   16 r + 15 of a table that belongs to the row. It takes value r of two or of three groups of four K values.

   Pairs, up to 63 levels: two ternary weights have nine combinations. An entry is the sum of the two activations as they are weighted; vpdpbusd
   multiplies by ones.
   Triples, up to 42 levels: three have zero and, up to sign, thirteen combinations. An entry is the sum with the first weight that is not zero taken
   as +1, plus 128 to be unsigned; vpdpbusd multiplies by the sign, 0 for three zeros, and sums start at -128 times the channel's signs.

   Prepared panels of 64 channels: pairs, 256 bytes (r << 4 | combination) a step; triples, where the sums start as int32 [64], then 256 bytes
   (r << 4 | combination) and 256 signs a step. */
enum {
    PAIR = 2,
    TRIPLE = 3,
    LINE_BYTES = TERN_PANEL * TERN_GROUP,
    TABLE_BYTES = 64,
    ENTRIES = 16,
    COMBINATIONS = 27,
    T5_DIGITS = 5,
    T2_CODES = 4,
    SET_STEPS = 5,    /* of `joined` t5 blocks */
    SPAN = 50,        /* steps whose tables for six rows stay in the first cache */
};
_Static_assert(TERN_ROWS * SPAN * TABLE_BYTES <= 20 << 10, "tables leave no room in a first cache of 32 KiB");
/* Sums of panels are kept only when there is more than one span. */
_Static_assert(TERN_PREPARED_BYTES / (SPAN * LINE_BYTES) * TERN_ROWS * TERN_PANEL * sizeof(int32_t) <= TERN_PREPARED_BYTES / 8, "scratch too small");

/* The groups that the steps of a whole set of two or three t5 blocks join: digits that follow each other in a byte, and what is left of the
   blocks. Groups past the last whole set, and all of t2, are joined in their order. */
static const uint8_t pair_order[SET_STEPS][PAIR] = {{0, 1}, {2, 3}, {5, 6}, {7, 8}, {4, 9}};
static const uint8_t triple_order[SET_STEPS][TRIPLE] = {{0, 1, 2}, {5, 6, 7}, {10, 11, 12}, {3, 4, 8}, {9, 13, 14}};

/* How many groups a step joins; 0: the layer is not looked up. */
static size_t joined_of(tern_weights_kind kind, int levels) {
    if ((kind != TERN_WEIGHTS_T5 && kind != TERN_WEIGHTS_T2) || levels <= 0 || levels > PAIR_LEVELS) return 0;
    return levels <= TRIPLE_LEVELS ? TRIPLE : PAIR;
}

/* Groups in whole sets of t5 blocks. */
static size_t set_groups(tern_weights_kind kind, size_t groups, size_t joined) {
    return kind == TERN_WEIGHTS_T5 ? groups / (joined * T5_DIGITS) * (joined * T5_DIGITS) : 0;
}

static size_t steps_of(tern_weights_kind kind, size_t k, size_t joined) {
    const size_t groups = tern_groups(k), whole = set_groups(kind, groups, joined);
    return whole / joined + (groups - whole + joined - 1) / joined;
}

static size_t step_bytes(size_t joined) { return joined == TRIPLE ? 2 * LINE_BYTES : LINE_BYTES; }
static size_t start_bytes(size_t joined) { return joined == TRIPLE ? TERN_PANEL * sizeof(int32_t) : 0; }

size_t tern_prepared_bytes__avx512vbmi(tern_weights_kind kind, size_t k, int levels) {
    const size_t joined = joined_of(kind, levels);
    return joined ? start_bytes(joined) + steps_of(kind, k, joined) * step_bytes(joined) : 0;
}

/* 64 bytes x of t5: the whole part of 3^n x / 256 is the next n digits as one number; what is left over goes on. Even bytes are in the low
   halves. */
typedef struct digits {
    __m512i even, odd;
} digits;

TERN_INLINE digits digits_of(__m512i x) { return (digits){_mm512_and_si512(x, _mm512_set1_epi16(0xff)), _mm512_srli_epi16(x, 8)}; }

TERN_INLINE __m512i take_digits(digits *x, const short power) {
    const __m512i low = _mm512_set1_epi16(0xff), times = _mm512_set1_epi16(power);
    x->even = _mm512_mullo_epi16(x->even, times);
    x->odd = _mm512_mullo_epi16(x->odd, times);
    /* Bits of the mask choose the first operand of 0xca. */
    const __m512i whole = _mm512_ternarylogic_epi32(low, _mm512_srli_epi16(x->even, 8), x->odd, 0xca);
    x->even = _mm512_and_si512(x->even, low);
    x->odd = _mm512_and_si512(x->odd, low);
    return whole;
}

/* The number 3 x + y of two numbers of digits, y of one. */
TERN_INLINE __m512i append_digit(__m512i x, __m512i y) { return _mm512_add_epi8(_mm512_add_epi8(x, x), _mm512_add_epi8(x, y)); }

/* Where prepared lines of 16 channels go. A number of three digits becomes combination and sign: 13 is zero, above it the first weight that is not
   zero is +1, below it every weight is the other way round. */
typedef struct writer {
    uint8_t *to;
    size_t joined;
    __m512i combinations, signs;  /* of the numbers 0 ... 26 */
    __m512i sums;                 /* 128 times the signs of each channel */
} writer;

static writer writer_of(size_t joined) {
    _Alignas(64) int8_t combinations[64] = {0}, signs[64] = {0};
    for (int number = 0; number < COMBINATIONS; number++) {
        const int middle = COMBINATIONS / 2, distance = number > middle ? number - middle : middle - number;
        combinations[number] = (int8_t)(distance > 0 ? distance - 1 : 0);
        signs[number] = (int8_t)((number > middle) - (number < middle));
    }
    return (writer){.joined = joined, .combinations = _mm512_load_si512(combinations), .signs = _mm512_load_si512(signs)};
}

TERN_INLINE void put(writer *at, __m512i number) {
    const __m512i entries = _mm512_set1_epi32(0x30201000);
    if (at->joined == PAIR) {
        _mm512_storeu_si512(at->to, _mm512_or_si512(number, entries));
        at->to += LINE_BYTES;
        return;
    }
    const __m512i signs = _mm512_permutexvar_epi8(number, at->signs);
    _mm512_storeu_si512(at->to, _mm512_or_si512(_mm512_permutexvar_epi8(number, at->combinations), entries));
    _mm512_storeu_si512(at->to + LINE_BYTES, signs);
    at->sums = _mm512_dpbusd_epi32(at->sums, _mm512_set1_epi8((char)TRIPLE_BIAS), signs);
    at->to += 2 * LINE_BYTES;
}

/* One set of t5 blocks, in the order of pair_order and triple_order. */
TERN_INLINE void put_set(const uint8_t *packed, writer *at) {
    digits a = digits_of(_mm512_loadu_si512(packed)), b = digits_of(_mm512_loadu_si512(packed + LINE_BYTES));
    if (at->joined == PAIR) {
        put(at, take_digits(&a, 9));
        put(at, take_digits(&a, 9));
        put(at, take_digits(&b, 9));
        put(at, take_digits(&b, 9));
        put(at, append_digit(take_digits(&a, 3), take_digits(&b, 3)));
        return;
    }
    digits c = digits_of(_mm512_loadu_si512(packed + 2 * LINE_BYTES));
    put(at, take_digits(&a, 27));
    put(at, take_digits(&b, 27));
    put(at, take_digits(&c, 27));
    put(at, append_digit(take_digits(&a, 9), take_digits(&b, 3)));
    const __m512i last = take_digits(&b, 3), two = take_digits(&c, 9);
    /* 9 x + y, y of two digits. */
    put(at, _mm512_add_epi8(append_digit(append_digit(last, _mm512_setzero_si512()), _mm512_setzero_si512()), two));
}

/* The codes 0, 1, 2 of one group; past the last they are those of a zero weight. */
TERN_INLINE __m512i group_codes(tern_weights_kind kind, const uint8_t *packed, size_t group, size_t groups) {
    if (group >= groups) return _mm512_set1_epi8(1);
    if (kind == TERN_WEIGHTS_T2) {
        const __m512i x = _mm512_loadu_si512(packed + group / T2_CODES * LINE_BYTES);
        return _mm512_and_si512(_mm512_srl_epi16(x, _mm_cvtsi32_si128((int)(group % T2_CODES * 2))), _mm512_set1_epi8(3));
    }
    digits x = digits_of(_mm512_loadu_si512(packed + group / T5_DIGITS * LINE_BYTES));
    __m512i code = take_digits(&x, 3);
    for (size_t i = 0; i < group % T5_DIGITS; i++) code = take_digits(&x, 3);
    return code;
}

/* `joined` is known where this is compiled. */
TERN_INLINE void prepare_panel(const tern_linear *op, const size_t joined, const uint8_t *packed, uint8_t *prepared) {
    const size_t groups = tern_groups(op->k), whole = set_groups(op->kind, groups, joined);
    const writer tables = writer_of(joined);
    for (size_t j = 0; j < LINE_BYTES; j += 64) {
        writer at = tables;
        at.to = prepared + start_bytes(joined) + j;
        for (size_t group = 0; group < whole; group += joined * T5_DIGITS) put_set(packed + group / T5_DIGITS * LINE_BYTES + j, &at);
        for (size_t group = whole; group < groups; group += joined) {
            __m512i number = group_codes(op->kind, packed + j, group, groups);
            for (size_t i = 1; i < joined; i++) number = append_digit(number, group_codes(op->kind, packed + j, group + i, groups));
            put(&at, number);
        }
        if (joined == TRIPLE) _mm512_storeu_si512(prepared + j, _mm512_sub_epi32(_mm512_setzero_si512(), at.sums));
    }
}

void tern_prepare__avx512vbmi(const tern_linear *op, size_t part, size_t parts) {
    const size_t from = tern_panel_bytes(op->kind, op->k), to = tern_prepared_bytes__avx512vbmi(op->kind, op->k, op->levels);
    const tern_share share = tern_share_of(op->panel_end - op->panel_begin, part, parts);
    for (size_t panel = share.begin; panel < share.end; panel++) {
        const uint8_t *packed = (const uint8_t *)op->weights + (op->panel_begin + panel) * from;
        uint8_t *prepared = (uint8_t *)op->panels + panel * to;
        if (joined_of(op->kind, op->levels) == TRIPLE) prepare_panel(op, TRIPLE, packed, prepared);
        else prepare_panel(op, PAIR, packed, prepared);
    }
}

/* How a table is made of the values of its groups: entry e of look-up r takes value r of each, none where its weight is zero. The weight of the first
   group is never -1 in a triple. */
typedef struct recipe {
    __m512i values[TRIPLE];   /* for vpshufb */
    __mmask64 minus[TRIPLE];  /* where the weight is -1 */
} recipe;

static recipe recipe_of(size_t joined) {
    _Alignas(64) uint8_t values[TRIPLE][TABLE_BYTES];
    recipe make = {.minus = {0, 0, 0}};
    for (int i = 0; i < TABLE_BYTES; i++) {
        /* Combinations that do not occur make entries that nothing reads. */
        int number = joined == TRIPLE ? i % ENTRIES + COMBINATIONS / 2 + 1 : i % ENTRIES;
        for (size_t side = joined; side-- > 0; number /= 3) {
            values[side][i] = number % 3 == 1 ? 0x80 : (uint8_t)(i / ENTRIES);
            if (number % 3 == 0) make.minus[side] |= (__mmask64)1 << i;
        }
    }
    for (size_t side = 0; side < joined; side++) make.values[side] = _mm512_load_si512(values[side]);
    return make;
}

/* The four values of a group at the places of their weights. */
TERN_INLINE __m512i place(const int8_t *codes, size_t group, __m512i values) {
    int32_t four;
    memcpy(&four, codes + group * TERN_GROUP, sizeof four);
    return _mm512_shuffle_epi8(_mm512_set1_epi32(four), values);
}

/* x + y, or x - y where the mask says so. */
TERN_INLINE __m512i add_signed(__m512i x, __m512i y, __mmask64 minus) { return _mm512_mask_sub_epi8(_mm512_add_epi8(x, y), minus, x, y); }

TERN_INLINE void make_table(const int8_t *codes, size_t a, size_t b, size_t c, const size_t joined, const recipe make, uint8_t *table) {
    const __m512i first = place(codes, a, make.values[0]), second = place(codes, b, make.values[1]);
    if (joined == PAIR) {
        const __m512i signed_first = _mm512_mask_sub_epi8(first, make.minus[0], _mm512_setzero_si512(), first);
        _mm512_storeu_si512(table, add_signed(signed_first, second, make.minus[1]));
    } else {
        const __m512i two = add_signed(first, second, make.minus[1]);
        const __m512i three = add_signed(two, place(codes, c, make.values[2]), make.minus[2]);
        _mm512_storeu_si512(table, _mm512_xor_si512(three, _mm512_set1_epi8((char)TRIPLE_BIAS)));
    }
}

/* The tables of one row, step after step. `joined` is known where this is compiled. */
TERN_INLINE void make_tables(const tern_linear *op, const int8_t *codes, const size_t joined, const recipe *recipe_in_memory, uint8_t *table) {
    const recipe make = *recipe_in_memory;
    const size_t groups = tern_groups(op->k), whole = set_groups(op->kind, groups, joined), set = joined * T5_DIGITS;
    size_t group = 0;
    for (; group < whole; group += set, codes += set * TERN_GROUP) {
#pragma clang loop unroll(full)
        for (size_t step = 0; step < SET_STEPS; step++, table += TABLE_BYTES) {
            if (joined == PAIR) make_table(codes, pair_order[step][0], pair_order[step][1], 0, joined, make, table);
            else make_table(codes, triple_order[step][0], triple_order[step][1], triple_order[step][2], joined, make, table);
        }
    }
    for (; group < groups; group += joined, codes += joined * TERN_GROUP, table += TABLE_BYTES) make_table(codes, 0, 1, 2, joined, make, table);
}

typedef struct lookup {
    size_t joined;
    const uint8_t *tables;  /* of the first step, first row */
    size_t table_stride;    /* from row to row */
    const int32_t *start;   /* [64], triples */
    const uint8_t *panel;   /* of the first step */
    size_t steps;
    int continues;          /* `sums` holds what earlier steps gave */
    int32_t *sums;          /* [6][64] */
} lookup;

TERN_INLINE void look_up(const lookup *at, const int m, const size_t joined, __m512i sums[TERN_ROWS][4]) {
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) {
            if (at->continues) sums[i][j] = _mm512_loadu_si512(at->sums + i * TERN_PANEL + 16 * j);
            else sums[i][j] = joined == TRIPLE ? _mm512_loadu_si512(at->start + 16 * j) : _mm512_setzero_si512();
        }
    }
    const uint8_t *panel = at->panel, *tables = at->tables;
    for (size_t step = 0; step < at->steps; step++, panel += joined == TRIPLE ? 2 * LINE_BYTES : LINE_BYTES, tables += TABLE_BYTES) {
        __m512i indices[4], factors[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) {
            indices[j] = _mm512_loadu_si512(panel + 64 * j);
            factors[j] = joined == TRIPLE ? _mm512_loadu_si512(panel + LINE_BYTES + 64 * j) : _mm512_set1_epi8(1);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < m; i++) {
            const __m512i table = _mm512_loadu_si512(tables + (size_t)i * at->table_stride);
#pragma clang loop unroll(full)
            for (int j = 0; j < 4; j++) {
                const __m512i found = _mm512_permutexvar_epi8(indices[j], table);
                sums[i][j] = joined == TRIPLE ? _mm512_dpbusd_epi32(sums[i][j], found, factors[j]) : _mm512_dpbusd_epi32(sums[i][j], factors[j], found);
            }
        }
    }
}

TERN_INLINE void look_up_to_memory(const lookup *at, const int m, const size_t joined) {
    __m512i sums[TERN_ROWS][4];
    look_up(at, m, joined, sums);
#pragma clang loop unroll(full)
    for (int i = 0; i < m; i++) {
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) _mm512_storeu_si512(at->sums + i * TERN_PANEL + 16 * j, sums[i][j]);
    }
}

/* One row or six: those past m hold anything. */
static void look_up_rows(const lookup *at, size_t m) {
    if (at->joined == TRIPLE) {
        if (m > 1) look_up_to_memory(at, TERN_ROWS, TRIPLE);
        else look_up_to_memory(at, 1, TRIPLE);
    } else {
        if (m > 1) look_up_to_memory(at, TERN_ROWS, PAIR);
        else look_up_to_memory(at, 1, PAIR);
    }
}

/* Rows row ..< row + m, prepared panels begin ..< end, all steps; a span of steps for every panel before the next span. */
static void row_block(const tern_linear *op, size_t joined, size_t row, size_t m, size_t begin, size_t end, const uint8_t *tables, int32_t *sums) {
    const size_t steps = steps_of(op->kind, op->k, joined), panel_bytes = tern_prepared_bytes__avx512vbmi(op->kind, op->k, op->levels);
    for (size_t first = 0; first < steps; first += SPAN) {
        const size_t count = tern_minimum(SPAN, steps - first);
        lookup at = {.joined = joined, .tables = tables + first * TABLE_BYTES, .table_stride = steps * TABLE_BYTES, .steps = count,
                     .continues = first > 0, .sums = sums};
        for (size_t panel = begin; panel < end; panel++) {
            const size_t column = (op->panel_begin + panel) * TERN_PANEL;
            const uint8_t *prepared = (const uint8_t *)op->panels + panel * panel_bytes;
            at.start = (const int32_t *)prepared;
            at.panel = prepared + start_bytes(joined) + first * step_bytes(joined);
            if (steps > SPAN) at.sums = sums + (panel - begin) * TERN_ROWS * TERN_PANEL;
            look_up_rows(&at, m);
            if (first + count == steps) tern_finish_512(op, at.sums, row, m, column, tern_minimum(TERN_PANEL, op->n - column));
        }
    }
}

/* Six rows are taken through all prepared panels, which stay in the second cache, while their tables stay in the first. */
void tern_linear__avx512vbmi(const tern_linear *op, size_t part, size_t parts, void *scratch) {
    if (!op->panels) {
        tern_linear__avx512vnni(op, part, parts, scratch);
        return;
    }
    const size_t joined = joined_of(op->kind, op->levels), panels = op->panel_end - op->panel_begin, steps = steps_of(op->kind, op->k, joined);
    const tern_share units = tern_share_of(panels * ((op->m + TERN_ROWS - 1) / TERN_ROWS), part, parts);
    const recipe make = recipe_of(joined);
    uint8_t *tables = scratch;
    int32_t *sums = (int32_t *)(tables + TERN_ROWS * steps * TABLE_BYTES);
    for (size_t unit = units.begin; unit < units.end;) {
        const size_t row = unit / panels * TERN_ROWS, m = tern_minimum(TERN_ROWS, op->m - row), begin = unit % panels;
        const size_t end = tern_minimum(panels, begin + (units.end - unit));
        for (size_t i = 0; i < m; i++) {
            const int8_t *codes = op->codes + (row + i) * op->codes_stride;
            if (joined == TRIPLE) make_tables(op, codes, TRIPLE, &make, tables + i * steps * TABLE_BYTES);
            else make_tables(op, codes, PAIR, &make, tables + i * steps * TABLE_BYTES);
        }
        row_block(op, joined, row, m, begin, end, tables, sums);
        unit += end - begin;
    }
}
#pragma clang attribute pop
#endif
