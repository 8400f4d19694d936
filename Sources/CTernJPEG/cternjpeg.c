#include "cternjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

typedef struct decoder {
    struct jpeg_decompress_struct library; /* first: callbacks find the decoder by the address of its library part */
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf leave;
    tern_jpeg_status status;
    int32_t limit_scans;
} decoder;

/* The number behind a status that is not OK. */
static int32_t detail(const decoder *self) {
    int has_number = self->status == TERN_JPEG_PRECISION || self->status == TERN_JPEG_PROCESS;
    return has_number ? self->errors.msg_parm.i[0] : self->errors.msg_code;
}

_Noreturn static void leave(decoder *self, tern_jpeg_status status) {
    self->status = status;
    longjmp(self->leave, 1);
}

static void on_error(j_common_ptr common) {
    decoder *self = (decoder *)common;
    switch (self->errors.msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
        leave(self, TERN_JPEG_MEMORY);
    case JERR_INPUT_EMPTY:
    case JERR_INPUT_EOF:
        leave(self, TERN_JPEG_TRUNCATED);
    case JERR_BAD_PRECISION:
        leave(self, TERN_JPEG_PRECISION);
    case JERR_SOF_UNSUPPORTED:
        leave(self, TERN_JPEG_PROCESS);
    default:
        leave(self, TERN_JPEG_INVALID);
    }
}

/* libjpeg repairs what it warns about by guessing; a guessed pixel is no diagnosis, so a warning ends the decoding. */
static void on_message(j_common_ptr common, int level) {
    decoder *self = (decoder *)common;
    if (level >= 0) return;
    leave(self, self->errors.msg_code == JWRN_JPEG_EOF ? TERN_JPEG_TRUNCATED : TERN_JPEG_CORRUPT);
}

static void on_output(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
    decoder *self = (decoder *)common;
    if (self->library.input_scan_number > self->limit_scans) leave(self, TERN_JPEG_SCANS);
}

/* Must follow a setjmp on `self->leave`: every call into libjpeg may leave through it. */
static void read_header(decoder *self, const uint8_t *bytes, size_t byte_count) {
    self->library.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_error;
    self->errors.emit_message = on_message;
    self->errors.output_message = on_output;
    jpeg_create_decompress(&self->library);
    self->progress.progress_monitor = on_progress;
    self->library.progress = &self->progress;
    jpeg_mem_src(&self->library, bytes, (unsigned long)byte_count);
    (void)jpeg_read_header(&self->library, TRUE);
    if (self->library.arith_code) leave(self, TERN_JPEG_ARITHMETIC);
    switch (self->library.jpeg_color_space) {
    case JCS_GRAYSCALE:
        if (self->library.num_components != 1) leave(self, TERN_JPEG_COMPONENTS);
        break;
    case JCS_RGB:
    case JCS_YCbCr:
        if (self->library.num_components != 3) leave(self, TERN_JPEG_COMPONENTS);
        break;
    default:
        leave(self, TERN_JPEG_COMPONENTS);
    }
}

static void decode(decoder *self, int32_t as_stored, size_t limit_coefficient_bytes, uint8_t *samples, size_t sample_count) {
    j_decompress_ptr library = &self->library;
    size_t stride = (size_t)library->image_width * (size_t)library->num_components;
    if (library->image_height == 0 || stride == 0 || sample_count / library->image_height != stride
        || sample_count % library->image_height != 0) {
        leave(self, TERN_JPEG_SHAPE);
    }
    if (library->num_components == 3) {
        if (as_stored) library->jpeg_color_space = JCS_RGB;
        library->out_color_space = JCS_RGB;
    }
    library->dct_method = JDCT_ISLOW;
    library->do_fancy_upsampling = TRUE;
    library->mem->max_memory_to_use = (long)limit_coefficient_bytes;
    (void)jpeg_start_decompress(library);
    while (library->output_scanline < library->output_height) {
        JSAMPROW row = samples + (size_t)library->output_scanline * stride;
        (void)jpeg_read_scanlines(library, &row, 1);
    }
    (void)jpeg_finish_decompress(library);
}

tern_jpeg_status tern_jpeg_read_header(const uint8_t *bytes, size_t byte_count, tern_jpeg_header *header) {
    decoder self;
    memset(&self, 0, sizeof self);
    memset(header, 0, sizeof *header);
    self.limit_scans = 1;
    if (setjmp(self.leave) == 0) {
        read_header(&self, bytes, byte_count);
        header->width = self.library.image_width;
        header->height = self.library.image_height;
        header->components = (uint32_t)self.library.num_components;
        header->has_adobe_marker = self.library.saw_Adobe_marker ? 1 : 0;
    } else {
        header->message = detail(&self);
    }
    jpeg_destroy_decompress(&self.library);
    return self.status;
}

tern_jpeg_status tern_jpeg_decode(const uint8_t *bytes, size_t byte_count, int32_t as_stored, size_t limit_coefficient_bytes,
                                  int32_t limit_scans, uint8_t *samples, size_t sample_count, int32_t *message) {
    decoder self;
    memset(&self, 0, sizeof self);
    self.limit_scans = limit_scans;
    *message = 0;
    if (setjmp(self.leave) == 0) {
        read_header(&self, bytes, byte_count);
        decode(&self, as_stored, limit_coefficient_bytes, samples, sample_count);
    } else {
        *message = detail(&self);
    }
    jpeg_destroy_decompress(&self.library);
    return self.status;
}
