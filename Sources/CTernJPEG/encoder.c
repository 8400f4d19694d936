#include "cternjpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* What is given at once: most pictures of 1,024 pixels take one to three pieces. */
enum { PIECE_BYTES = 64 << 10 };

typedef struct encoder {
    struct jpeg_compress_struct library; /* first: callbacks find the encoder by the address of its library part */
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr destination;
    jmp_buf leave;
    uint8_t *bytes;
    size_t capacity;
} encoder;

_Noreturn static void on_error(j_common_ptr common) {
    encoder *self = (encoder *)common;
    longjmp(self->leave, 1);
}

static void on_message(j_common_ptr common, int level) { (void)common, (void)level; }
static void on_output(j_common_ptr common) { (void)common; }

/* Makes room behind the `count` bytes that are written. */
static void grow(encoder *self, size_t count) {
    size_t capacity = self->capacity * 2 < PIECE_BYTES ? PIECE_BYTES : self->capacity * 2;
    uint8_t *bytes = realloc(self->bytes, capacity);
    if (bytes == NULL) longjmp(self->leave, 1);
    self->bytes = bytes;
    self->capacity = capacity;
    self->destination.next_output_byte = bytes + count;
    self->destination.free_in_buffer = capacity - count;
}

static void on_start(j_compress_ptr library) { grow((encoder *)library, 0); }
static boolean on_full(j_compress_ptr library) {
    encoder *self = (encoder *)library;
    grow(self, self->capacity);
    return TRUE;
}
static void on_end(j_compress_ptr library) { (void)library; }

/* Must follow a setjmp on `self->leave`: every call into libjpeg may leave through it. */
static void encode(encoder *self, const uint8_t *samples, uint32_t width, uint32_t height, int32_t components, int32_t quality) {
    j_compress_ptr library = &self->library;
    jpeg_create_compress(library);
    self->destination.init_destination = on_start;
    self->destination.empty_output_buffer = on_full;
    self->destination.term_destination = on_end;
    library->dest = &self->destination;
    library->image_width = width;
    library->image_height = height;
    library->input_components = components;
    library->in_color_space = components == 3 ? JCS_RGB : JCS_GRAYSCALE;
    jpeg_set_defaults(library);
    jpeg_set_quality(library, quality, TRUE);
    /* Colour at every pixel: the edges of a box are thin. */
    library->comp_info[0].h_samp_factor = 1;
    library->comp_info[0].v_samp_factor = 1;
    /* The exact integer transform: the same bytes on every CPU. */
    library->dct_method = JDCT_ISLOW;
    jpeg_start_compress(library, TRUE);
    while (library->next_scanline < height) {
        /* libjpeg takes rows as changeable and changes none. */
        JSAMPROW row = (JSAMPROW)(uintptr_t)(samples + (size_t)library->next_scanline * width * (size_t)components);
        (void)jpeg_write_scanlines(library, &row, 1);
    }
    jpeg_finish_compress(library);
}

int32_t tern_jpeg_encode(const uint8_t *samples, uint32_t width, uint32_t height, int32_t components, int32_t quality, uint8_t **bytes,
                         size_t *byte_count) {
    encoder self;
    memset(&self, 0, sizeof self);
    self.library.err = jpeg_std_error(&self.errors);
    self.errors.error_exit = on_error;
    self.errors.emit_message = on_message;
    self.errors.output_message = on_output;
    *bytes = NULL;
    *byte_count = 0;
    int32_t is_whole = 0;
    if (setjmp(self.leave) == 0) {
        encode(&self, samples, width, height, components, quality);
        is_whole = 1;
    }
    jpeg_destroy_compress(&self.library);
    if (!is_whole) {
        free(self.bytes);
        return 0;
    }
    *bytes = self.bytes;
    *byte_count = self.capacity - self.destination.free_in_buffer;
    return 1;
}

void tern_jpeg_free(uint8_t *bytes) { free(bytes); }
