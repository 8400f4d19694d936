#include "internal.h"

static void *scratch_of(const tern_job *job, unsigned part) { return (uint8_t *)job->scratch + job->scratch_stride * part; }

static void note(tern_job *job, int not_finite) {
    if (not_finite) __atomic_store_n(&job->not_finite, 1, __ATOMIC_RELAXED);
}

static void normalise(const tern_job *job, size_t begin, size_t end) {
    job->table->layer_norm(job->layer_norm.x, job->layer_norm.stride, job->layer_norm.columns, begin, end, job->layer_norm.gamma,
                           job->layer_norm.beta, job->layer_norm.epsilon, job->layer_norm.y, job->layer_norm.output_stride);
}

/* The codes of the rows begin ..< end, and first their norm, each where it is set. */
static void ready_rows(tern_job *job, size_t begin, size_t end) {
    const tern_linear *op = &job->linear;
    if (job->layer_norm.rows > 0) normalise(job, begin, end);
    if (job->quantise.codes)
        note(job, job->table->quantise_rows(op->input, op->input_stride, op->k, begin, end, op->levels, job->quantise.codes, op->codes_stride,
                                            job->quantise.scales, job->quantise.sums));
}

void tern_job_prepare(void *argument, unsigned part, unsigned parts) {
    const tern_job *job = argument;
    job->table->prepare(&job->linear, part, parts);
}

void tern_job_ready(void *argument, unsigned part, unsigned parts) {
    tern_job *job = argument;
    const tern_share share = tern_share_of(job->linear.m, part, parts);
    ready_rows(job, share.begin, share.end);
    if (job->linear.panels) tern_job_prepare(argument, part, parts);
}

void tern_job_linear(void *argument, unsigned part, unsigned parts) {
    tern_job *job = argument;
    job->table->linear(&job->linear, part, parts, scratch_of(job, part));
}

/* The rows begin ..< end of a layer as a layer of its own. */
static tern_linear rows_of(const tern_linear *op, size_t begin, size_t end) {
    tern_linear rows = *op;
    rows.m = end - begin;
    rows.output += begin * op->output_stride;
    if (op->codes) rows.codes += begin * op->codes_stride, rows.row_scales += begin, rows.row_sums += begin;
    else rows.input += begin * op->input_stride;
    if (op->residual) rows.residual += begin * op->residual_stride;
    return rows;
}

void tern_job_rows(void *argument, unsigned part, unsigned parts) {
    tern_job *job = argument;
    const tern_share blocks = tern_share_of((job->linear.m + TERN_ROWS - 1) / TERN_ROWS, part, parts);
    const size_t begin = blocks.begin * TERN_ROWS, end = tern_minimum(job->linear.m, blocks.end * TERN_ROWS);
    if (begin >= end) return;
    ready_rows(job, begin, end);
    tern_linear rows = rows_of(&job->linear, begin, end);
    const size_t panels = (rows.n + TERN_PANEL - 1) / TERN_PANEL;
    if (rows.panels) rows.panels = (uint8_t *)rows.panels + part * job->prepared_stride;
    for (size_t first = 0; first < panels; first += job->panels_at_once) {
        rows.panel_begin = first;
        rows.panel_end = tern_minimum(panels, first + job->panels_at_once);
        if (rows.panels) job->table->prepare(&rows, 0, 1);
        job->table->linear(&rows, 0, 1, scratch_of(job, part));
    }
}

void tern_job_attention(void *argument, unsigned part, unsigned parts) {
    tern_job *job = argument;
    note(job, job->table->attention(&job->attention, part, parts, scratch_of(job, part)));
    if (!job->attention.kept_norms) return;
    const tern_share share = tern_share_of(job->attention.tokens, part, parts);
    job->table->norms(&job->attention, share.begin, share.end);
}

void tern_job_relevance_rows(void *argument, unsigned part, unsigned parts) {
    const tern_job *job = argument;
    const tern_share share = tern_share_of(job->relevance.queries, part, parts);
    job->table->relevance_rows(&job->relevance, share.begin, share.end);
}

void tern_job_relevance_columns(void *argument, unsigned part, unsigned parts) {
    const tern_job *job = argument;
    const tern_share share = tern_share_of(job->relevance.stride / TERN_PANEL, part, parts);
    job->table->relevance_columns(&job->relevance, share.begin * TERN_PANEL, share.end * TERN_PANEL);
}

void tern_job_layer_norm(void *argument, unsigned part, unsigned parts) {
    tern_job *job = argument;
    const tern_share share = tern_share_of(job->layer_norm.rows, part, parts);
    normalise(job, share.begin, share.end);
}

void tern_job_patches(void *argument, unsigned part, unsigned parts) {
    const tern_job *job = argument;
    const tern_share share = tern_share_of(job->patches.height / job->patches.patch, part, parts);
    tern_patches(job->patches.image, job->patches.channels, job->patches.height, job->patches.width, job->patches.patch, share.begin, share.end,
                 job->patches.rows, job->patches.stride);
}
