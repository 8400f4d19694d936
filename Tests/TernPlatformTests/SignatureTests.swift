import TernPlatform
import Testing

@Suite struct SignatureTests {
    /// RFC 8032, section 7.1, TEST 1 to TEST 3: seed, public key, message, signature.
    static let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: vectors)
    func agreesWithRFC8032(seed: String, publicKey: String, message: String, signature: String) throws {
        let pair = try Ed25519.fromSeed(try #require(Hexadecimal.bytes(seed)))
        #expect(Hexadecimal.string(pair.publicKey) == publicKey)
        let bytes = try #require(Hexadecimal.bytes(message))
        let made = try Ed25519.sign(bytes, secretKey: pair.secretKey)
        #expect(Hexadecimal.string(made) == signature)
        #expect(Ed25519.verify(signature: made, message: bytes, publicKey: pair.publicKey))
    }

    @Test func refusesEveryFlippedBit() throws {
        let pair = try Ed25519.makeKeyPair()
        let message = Array("message".utf8)
        let signature = try Ed25519.sign(message, secretKey: pair.secretKey)
        for bit in 0..<(64 * 8) {
            var flipped = signature
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!Ed25519.verify(signature: flipped, message: message, publicKey: pair.publicKey))
        }
        #expect(!Ed25519.verify(signature: signature, message: message + [0], publicKey: pair.publicKey))
    }

    @Test func refusesOtherLengths() throws {
        let pair = try Ed25519.makeKeyPair()
        #expect(!Ed25519.verify(signature: [], message: [], publicKey: pair.publicKey))
        #expect(!Ed25519.verify(signature: [UInt8](repeating: 0, count: 64), message: [], publicKey: []))
        #expect(throws: PlatformError.wrongKeyByteCount(expected: 64, actual: 32)) { try Ed25519.sign([], secretKey: pair.publicKey) }
        #expect(throws: PlatformError.wrongKeyByteCount(expected: 32, actual: 31)) { try Ed25519.fromSeed([UInt8](repeating: 1, count: 31)) }
    }

    @Test func makesDifferentKeys() throws {
        #expect(try Ed25519.makeKeyPair() != Ed25519.makeKeyPair())
    }
}
