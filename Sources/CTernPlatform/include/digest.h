/* Digests and signatures of libsodium. Functions that return int give 0 when they succeeded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TERN_DIGEST_BYTES = 32,
    TERN_ED25519_SEED_BYTES = 32,
    TERN_ED25519_PUBLIC_BYTES = 32,
    TERN_ED25519_SECRET_BYTES = 64,
    TERN_ED25519_SIGNATURE_BYTES = 64,
};

/* Makes the library ready; may be called from any thread and more than once. */
int tern_sodium_ready(void);

int tern_blake2b256(const void *bytes, size_t count, uint8_t digest[TERN_DIGEST_BYTES]);

typedef struct tern_sha256 {
    uint64_t words[16];
} tern_sha256;

void tern_sha256_begin(tern_sha256 *state);
void tern_sha256_update(tern_sha256 *state, const void *bytes, size_t count);
void tern_sha256_finish(tern_sha256 *state, uint8_t digest[TERN_DIGEST_BYTES]);

int tern_ed25519_verify(const uint8_t *signature, const void *message, size_t count, const uint8_t *public_key);
int tern_ed25519_sign(const void *message, size_t count, const uint8_t *secret_key, uint8_t *signature);
int tern_ed25519_from_seed(const uint8_t *seed, uint8_t *public_key, uint8_t *secret_key);
int tern_ed25519_make(uint8_t *public_key, uint8_t *secret_key);
