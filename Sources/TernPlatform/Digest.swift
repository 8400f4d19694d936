import CTernPlatform

/// Digests of bytes in memory.
public enum Digest {
    /// Makes libsodium ready. The other functions do so themselves; a process that gives up system calls calls this before.
    ///
    /// - Throws: `PlatformError.cryptographyFailed` when the library finds no source of randomness.
    public static func prepare() throws(PlatformError) {
        guard tern_sodium_ready() == 0 else { throw .cryptographyFailed }
    }

    /// BLAKE2b with a 256-bit result, no key (RFC 7693): 32 bytes.
    public static func blake2b256(_ bytes: RawSpan) -> [UInt8] {
        unsafe digest { result in
            // SAFETY: the callee reads `count` bytes, writes 32, and keeps no pointer.
            let failure = unsafe bytes.withUnsafeBytes { unsafe tern_blake2b256($0.baseAddress, $0.count, result) }
            precondition(failure == 0, "libsodium cannot start")
        }
    }

    /// BLAKE2b-256 of an array of bytes.
    public static func blake2b256(_ bytes: [UInt8]) -> [UInt8] {
        // SAFETY: an array of bytes has no padding that could be read uninitialised.
        unsafe blake2b256(bytes.span.bytes)
    }

    /// SHA-256 (FIPS 180-4): 32 bytes.
    public static func sha256(_ bytes: RawSpan) -> [UInt8] {
        var state = SHA256()
        state.update(bytes)
        return state.finish()
    }

    /// SHA-256 of an array of bytes.
    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        // SAFETY: as for BLAKE2b.
        unsafe sha256(bytes.span.bytes)
    }

    fileprivate static func digest(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Int(TERN_DIGEST_BYTES)) { buffer, initializedCount in
            // SAFETY: the buffer has the 32 bytes asked for, so its base address exists; `fill` writes all of them.
            if let base = buffer.baseAddress { unsafe fill(base) }
            initializedCount = Int(TERN_DIGEST_BYTES)
        }
    }
}

/// SHA-256 (FIPS 180-4) over bytes that arrive in pieces.
@safe public struct SHA256 {
    private var state = tern_sha256()

    /// Starts a digest of no bytes.
    // SAFETY: the callee fills the state it is given.
    public init() { unsafe tern_sha256_begin(&state) }

    /// Appends bytes.
    public mutating func update(_ bytes: RawSpan) {
        // SAFETY: the callee reads `count` bytes during the call and keeps no pointer; an empty span passes a count of zero.
        unsafe bytes.withUnsafeBytes { unsafe tern_sha256_update(&state, $0.baseAddress, $0.count) }
    }

    /// The digest of the bytes so far, 32 bytes; more may follow.
    public func finish() -> [UInt8] {
        var final = state
        return unsafe Digest.digest { unsafe tern_sha256_finish(&final, $0) }
    }
}

/// Bytes as lower-case hexadecimal digits.
public enum Hexadecimal {
    /// Two digits a byte.
    public static func string(_ bytes: [UInt8]) -> String {
        var text = ""
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                text.unicodeScalars.append(Unicode.Scalar(digit < 10 ? 48 + digit : 87 + digit))
            }
        }
        return text
    }

    /// The bytes of an even number of digits of either case; nil for anything else.
    public static func bytes(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count / 2)
        var pending: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 48...57: digit = character - 48
            case 65...70: digit = character - 55
            case 97...102: digit = character - 87
            default: return nil
            }
            if let high = pending {
                result.append(high << 4 | digit)
                pending = nil
            } else {
                pending = digit
            }
        }
        return pending == nil ? result : nil
    }
}
