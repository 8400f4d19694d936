import TernPlatform
import Testing

/// Expected values are those of the standards' own examples or of Python's hashlib, never ours.
@Suite struct DigestTests {
    /// RFC 7693 gives BLAKE2b-512 only; these are `hashlib.blake2b(…, digest_size=32)` of Python 3.11.
    @Test(arguments: [
        ("", "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8"),
        ("abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
    ])
    func blake2b256(text: String, expected: String) {
        #expect(Hexadecimal.string(Digest.blake2b256(Array(text.utf8))) == expected)
    }

    /// FIPS 180-4 examples, NIST's SHA256.pdf.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func sha256(text: String, expected: String) {
        #expect(Hexadecimal.string(Digest.sha256(Array(text.utf8))) == expected)
    }

    @Test func sha256InPiecesOfEverySize() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let whole = Digest.sha256(bytes)
        for piece in 1...130 {
            var state = SHA256()
            for start in stride(from: 0, to: bytes.count, by: piece) {
                let part = Array(bytes[start..<min(start + piece, bytes.count)])
                // SAFETY: bytes have no padding.
                unsafe state.update(part.span.bytes)
            }
            #expect(state.finish() == whole)
        }
    }

    @Test func sha256FinishLeavesTheStateUsable() {
        let (first, second) = (Array("a".utf8), Array("bc".utf8))
        var state = SHA256()
        // SAFETY: bytes have no padding.
        unsafe state.update(first.span.bytes)
        _ = state.finish()
        unsafe state.update(second.span.bytes)
        #expect(state.finish() == Digest.sha256(Array("abc".utf8)))
    }

    @Test func hexadecimalRoundTripsEveryByte() {
        let bytes = [UInt8](0...255)
        #expect(Hexadecimal.bytes(Hexadecimal.string(bytes)) == bytes)
        #expect(Hexadecimal.bytes(Hexadecimal.string(bytes).uppercased()) == bytes)
        #expect(Hexadecimal.string([0x0A, 0xF0]) == "0af0")
    }

    @Test(arguments: ["0", "0g", "abc", "0x12", " 12", "１２"])
    func hexadecimalRefuses(_ text: String) {
        #expect(Hexadecimal.bytes(text) == nil)
    }
}
