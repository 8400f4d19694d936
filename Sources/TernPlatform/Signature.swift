import CTernPlatform

/// Ed25519 signatures (RFC 8032) by libsodium.
public enum Ed25519 {
    /// Byte counts of RFC 8032.
    public static let seedByteCount = 32
    public static let publicKeyByteCount = 32
    /// Seed and public key, as libsodium keeps them.
    public static let secretKeyByteCount = 64
    public static let signatureByteCount = 64

    /// A secret key and the public key that goes with it.
    public struct KeyPair: Equatable, Sendable {
        /// 32 bytes.
        public var publicKey: [UInt8]
        /// 64 bytes.
        public var secretKey: [UInt8]
        public init(publicKey: [UInt8], secretKey: [UInt8]) {
            self.publicKey = publicKey
            self.secretKey = secretKey
        }
    }

    /// Whether `signature` (64 bytes) is one of `message` under `publicKey` (32 bytes). Arrays of other lengths give false.
    public static func verify(signature: [UInt8], message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureByteCount, publicKey.count == publicKeyByteCount else { return false }
        // SAFETY: the guard proves the two fixed lengths; the callee reads `message.count` bytes and keeps no pointer.
        return unsafe tern_ed25519_verify(signature, message, message.count, publicKey) == 0
    }

    /// A signature of `message`, 64 bytes; the same message and key give the same bytes.
    ///
    /// - Throws: `PlatformError.wrongKeyByteCount` unless the key has 64 bytes.
    public static func sign(_ message: [UInt8], secretKey: [UInt8]) throws(PlatformError) -> [UInt8] {
        try check(secretKey, secretKeyByteCount)
        var signature = [UInt8](repeating: 0, count: signatureByteCount)
        // SAFETY: the check proves the key's length; `signature` has the 64 bytes that the callee writes.
        guard unsafe tern_ed25519_sign(message, message.count, secretKey, &signature) == 0 else { throw .cryptographyFailed }
        return signature
    }

    /// The key pair that a seed of 32 bytes gives.
    ///
    /// - Throws: `PlatformError.wrongKeyByteCount` unless the seed has 32 bytes.
    public static func fromSeed(_ seed: [UInt8]) throws(PlatformError) -> KeyPair {
        try check(seed, seedByteCount)
        // SAFETY: the check proves the seed's length; `makePair` gives room for both keys.
        return try unsafe makePair { unsafe tern_ed25519_from_seed(seed, $0, $1) }
    }

    /// A new key pair from the operating system's randomness.
    public static func makeKeyPair() throws(PlatformError) -> KeyPair {
        // SAFETY: `makePair` gives room for both keys.
        try unsafe makePair { unsafe tern_ed25519_make($0, $1) }
    }

    private static func makePair(
        _ fill: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<UInt8>) -> Int32
    ) throws(PlatformError) -> KeyPair {
        var publicKey = [UInt8](repeating: 0, count: publicKeyByteCount)
        var secretKey = [UInt8](repeating: 0, count: secretKeyByteCount)
        // SAFETY: the arrays have the lengths that libsodium writes (asserted in digest.c) and outlive the call.
        guard unsafe fill(&publicKey, &secretKey) == 0 else { throw .cryptographyFailed }
        return KeyPair(publicKey: publicKey, secretKey: secretKey)
    }

    private static func check(_ bytes: [UInt8], _ expected: Int) throws(PlatformError) {
        guard bytes.count == expected else { throw .wrongKeyByteCount(expected: expected, actual: bytes.count) }
    }
}
