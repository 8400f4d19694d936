#include "digest.h"

#include <sodium.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(tern_sha256), "tern_sha256 holds libsodium's state");
_Static_assert(_Alignof(crypto_hash_sha256_state) <= _Alignof(tern_sha256), "tern_sha256 is aligned for libsodium's state");
_Static_assert(crypto_hash_sha256_BYTES == TERN_DIGEST_BYTES, "SHA-256");
_Static_assert(crypto_sign_SEEDBYTES == TERN_ED25519_SEED_BYTES, "Ed25519 seed");
_Static_assert(crypto_sign_PUBLICKEYBYTES == TERN_ED25519_PUBLIC_BYTES, "Ed25519 public key");
_Static_assert(crypto_sign_SECRETKEYBYTES == TERN_ED25519_SECRET_BYTES, "Ed25519 secret key");
_Static_assert(crypto_sign_BYTES == TERN_ED25519_SIGNATURE_BYTES, "Ed25519 signature");

int tern_sodium_ready(void) { return sodium_init() < 0; }

int tern_blake2b256(const void *bytes, size_t count, uint8_t digest[TERN_DIGEST_BYTES]) {
    if (tern_sodium_ready() != 0) return 1;
    return crypto_generichash(digest, TERN_DIGEST_BYTES, bytes, count, NULL, 0);
}

void tern_sha256_begin(tern_sha256 *state) {
    /* SHA-256 of libsodium is plain C: nothing depends on sodium_init. */
    crypto_hash_sha256_init((crypto_hash_sha256_state *)(void *)state);
}

void tern_sha256_update(tern_sha256 *state, const void *bytes, size_t count) {
    crypto_hash_sha256_update((crypto_hash_sha256_state *)(void *)state, bytes, count);
}

void tern_sha256_finish(tern_sha256 *state, uint8_t digest[TERN_DIGEST_BYTES]) {
    crypto_hash_sha256_final((crypto_hash_sha256_state *)(void *)state, digest);
}

int tern_ed25519_verify(const uint8_t *signature, const void *message, size_t count, const uint8_t *public_key) {
    if (tern_sodium_ready() != 0) return 1;
    return crypto_sign_verify_detached(signature, message, count, public_key);
}

int tern_ed25519_sign(const void *message, size_t count, const uint8_t *secret_key, uint8_t *signature) {
    if (tern_sodium_ready() != 0) return 1;
    return crypto_sign_detached(signature, NULL, message, count, secret_key);
}

int tern_ed25519_from_seed(const uint8_t *seed, uint8_t *public_key, uint8_t *secret_key) {
    if (tern_sodium_ready() != 0) return 1;
    return crypto_sign_seed_keypair(public_key, secret_key, seed);
}

int tern_ed25519_make(uint8_t *public_key, uint8_t *secret_key) {
    if (tern_sodium_ready() != 0) return 1;
    return crypto_sign_keypair(public_key, secret_key);
}
