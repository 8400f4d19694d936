/* High throughput block coding is refused on the header, so OpenJPEG's decoder for it, 27 KiB, is left out of the static program: this stands in
   its place and, were it called, would fail as that decoder does on damage. */
#ifdef TERN_DEVICE

int opj_t1_ht_decode_cblk(void *coder, void *block, unsigned orientation, unsigned shift, unsigned style, void *events, void *mutex, int check);

int opj_t1_ht_decode_cblk(void *coder, void *block, unsigned orientation, unsigned shift, unsigned style, void *events, void *mutex, int check)
{
    (void)coder;
    (void)block;
    (void)orientation;
    (void)shift;
    (void)style;
    (void)events;
    (void)mutex;
    (void)check;
    return 0;
}

#endif
typedef int tern_throughput_is_not_empty;
