#include "cternpng.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

/* One ancillary chunk may not cost more than this; the image data does not pass through it. */
enum { LIMIT_CHUNK_BYTES = 1 << 20, LIMIT_CACHED_CHUNKS = 64 };

typedef struct decoder {
    png_structp library;
    png_infop info;
    const uint8_t *bytes;
    size_t byte_count;
    size_t offset;
    tern_png_status status;
    jmp_buf leave;
} decoder;

_Noreturn static void leave(decoder *self, tern_png_status status) {
    self->status = status;
    longjmp(self->leave, 1);
}

_Noreturn static void on_error(png_structp library, png_const_charp text) {
    (void)text;
    leave(png_get_error_ptr(library), TERN_PNG_INVALID);
}

static void on_warning(png_structp library, png_const_charp text) {
    (void)library;
    (void)text;
}

static void on_read(png_structp library, png_bytep target, size_t count) {
    decoder *self = png_get_io_ptr(library);
    if (count > self->byte_count - self->offset) leave(self, TERN_PNG_TRUNCATED);
    memcpy(target, self->bytes + self->offset, count);
    self->offset += count;
}

/* Must follow a setjmp on `self->leave`: every call into libpng may leave through it. */
static void read_header(decoder *self, uint32_t limit_side) {
    static const png_byte exif[] = "eXIf";
    self->library = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, on_error, on_warning);
    if (self->library == NULL) leave(self, TERN_PNG_MEMORY);
    self->info = png_create_info_struct(self->library);
    if (self->info == NULL) leave(self, TERN_PNG_MEMORY);
    png_set_read_fn(self->library, self, on_read);
    png_set_user_limits(self->library, limit_side, limit_side);
    png_set_chunk_malloc_max(self->library, LIMIT_CHUNK_BYTES);
    png_set_chunk_cache_max(self->library, LIMIT_CACHED_CHUNKS);
    png_set_crc_action(self->library, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    /* Text, profiles and gamma do not change the samples: skipped unread. What then remains is refused when it is damaged. */
    png_set_keep_unknown_chunks(self->library, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(self->library, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
    png_set_benign_errors(self->library, 0);
    png_read_info(self->library, self->info);
}

static void describe(decoder *self, tern_png_header *header) {
    int type = png_get_color_type(self->library, self->info);
    header->width = png_get_image_width(self->library, self->info);
    header->height = png_get_image_height(self->library, self->info);
    header->channels = (type & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    header->has_alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(self->library, self->info, PNG_INFO_tRNS) != 0;
    header->sample_byte_count = png_get_bit_depth(self->library, self->info) == 16 ? 2 : 1;
}

static void request_samples(decoder *self) {
    /* Palette to RGB, 1, 2 and 4 bit grey to 8 bit, a transparent colour to an alpha channel. */
    png_set_expand(self->library);
    if (png_get_bit_depth(self->library, self->info) == 16) {
        const uint16_t one = 1;
        uint8_t first;
        memcpy(&first, &one, 1);
        if (first == 1) png_set_swap(self->library);
    }
}

static void drop_alpha_8(decoder *self, uint8_t *samples, size_t pixel_count, size_t channels) {
    for (size_t pixel = 0; pixel < pixel_count; pixel++) {
        const uint8_t *source = samples + pixel * (channels + 1);
        if (source[channels] != 0xFF) leave(self, TERN_PNG_TRANSPARENT);
        for (size_t channel = 0; channel < channels; channel++) samples[pixel * channels + channel] = source[channel];
    }
}

static void drop_alpha_16(decoder *self, uint16_t *samples, size_t pixel_count, size_t channels) {
    for (size_t pixel = 0; pixel < pixel_count; pixel++) {
        const uint16_t *source = samples + pixel * (channels + 1);
        if (source[channels] != 0xFFFF) leave(self, TERN_PNG_TRANSPARENT);
        for (size_t channel = 0; channel < channels; channel++) samples[pixel * channels + channel] = source[channel];
    }
}

static void decode(decoder *self, void *storage, size_t storage_byte_count) {
    tern_png_header header = {0};
    describe(self, &header);
    request_samples(self);
    int pass_count = png_set_interlace_handling(self->library);
    png_read_update_info(self->library, self->info);
    size_t stride = (size_t)header.width * (header.channels + header.has_alpha) * header.sample_byte_count;
    if (png_get_rowbytes(self->library, self->info) != stride || stride == 0 || storage_byte_count % stride != 0
        || storage_byte_count / stride != header.height) {
        leave(self, TERN_PNG_SHAPE);
    }
    /* The passes of an interlaced image leave the pixels of later passes as they find them. */
    memset(storage, 0, storage_byte_count);
    for (int pass = 0; pass < pass_count; pass++) {
        for (uint32_t row = 0; row < header.height; row++) {
            png_read_row(self->library, (png_bytep)storage + (size_t)row * stride, NULL);
        }
    }
    png_read_end(self->library, NULL);
    if (header.has_alpha == 0) return;
    size_t pixel_count = (size_t)header.width * header.height;
    if (header.sample_byte_count == 2) {
        drop_alpha_16(self, storage, pixel_count, header.channels);
    } else {
        drop_alpha_8(self, storage, pixel_count, header.channels);
    }
}

static void close_decoder(decoder *self) {
    if (self->library != NULL) png_destroy_read_struct(&self->library, self->info != NULL ? &self->info : NULL, NULL);
}

tern_png_status tern_png_read_header(const uint8_t *bytes, size_t byte_count, uint32_t limit_side, uint8_t *exif,
                                     size_t exif_capacity, tern_png_header *header) {
    decoder self;
    memset(&self, 0, sizeof self);
    memset(header, 0, sizeof *header);
    self.bytes = bytes;
    self.byte_count = byte_count;
    if (setjmp(self.leave) == 0) {
        read_header(&self, limit_side);
        describe(&self, header);
        png_uint_32 exif_byte_count = 0;
        png_bytep block = NULL;
        if (png_get_eXIf_1(self.library, self.info, &exif_byte_count, &block) != 0 && exif_byte_count <= exif_capacity) {
            memcpy(exif, block, exif_byte_count);
            header->exif_byte_count = exif_byte_count;
        }
    }
    close_decoder(&self);
    return self.status;
}

tern_png_status tern_png_decode(const uint8_t *bytes, size_t byte_count, uint32_t limit_side, void *storage, size_t storage_byte_count) {
    decoder self;
    memset(&self, 0, sizeof self);
    self.bytes = bytes;
    self.byte_count = byte_count;
    if (setjmp(self.leave) == 0) {
        read_header(&self, limit_side);
        decode(&self, storage, storage_byte_count);
    }
    close_decoder(&self);
    return self.status;
}
