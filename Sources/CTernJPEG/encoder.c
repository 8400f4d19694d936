/* The device decodes and never encodes. libjpeg's table of vector routines names its Huffman encoder all the same, with a hundred kilobytes of
   tables; this stands in its place in the static program, and is never called. */
#ifdef TERN_DEVICE

extern const unsigned char jconst_huff_encode_one_block[16];
_Alignas(32) const unsigned char jconst_huff_encode_one_block[16] = {0};

void *jsimd_huff_encode_one_block_sse2(void *state, void *buffer, void *block, int last, void *direct, void *alternate);

void *jsimd_huff_encode_one_block_sse2(void *state, void *buffer, void *block, int last, void *direct, void *alternate)
{
    (void)state;
    (void)buffer;
    (void)block;
    (void)last;
    (void)direct;
    (void)alternate;
    __builtin_trap();
}

#endif
typedef int tern_encoder_is_not_empty;
