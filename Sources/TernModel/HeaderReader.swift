import TernBytes
import TernPlatform

/// What the first 4096 bytes say beyond `ModelHeader`.
struct HeaderPage {
    var header: ModelHeader
    var sectionCount: Int
    var tensorCount: Int
    var operationCount: Int
    /// Minor version.
    var minor: Int
    var identity: [UInt8]
    var signature: ModelFile.Signature
    /// The required features of those names.
    var hasGeneratedGolden: Bool
    var hasHalf: Bool
}

/// Rules F-01 to F-06, F-09, F-10 and the header's part of F-24.
func readHeaderPage(_ file: RawSpan, options: ModelFile.Options) throws(ModelFileError) -> HeaderPage {
    try checkStart(file)
    let page = RecordReader(file.extracting(0..<ModelFormat.headerByteCount), fileOffset: 0, place: .header)
    let identity = try checkIdentity(page)
    let signature = try checkSignature(page, identity: identity, options: options)
    try page.checkZero(60..<64)
    try page.checkZero(176..<256)
    try page.checkZero(1280..<ModelFormat.identityOffset)
    let header = ModelHeader(
        name: try page.text(80..<144),
        version: try page.text(144..<176, mayBeEmpty: true),
        arenaByteCount: try page.size(24),
        inputByteOffset: try page.size(64),
        outputByteOffset: try page.size(72),
        outputCount: try limited(page.uint32(44), .outputs, ModelFormat.limitOutputs, least: 1),
        channels: Int(page.uint32(48)),
        height: Int(page.uint32(52)),
        width: Int(page.uint32(56)))
    if header.arenaByteCount > ModelFormat.limitArenaByteCount {
        throw .limitExceeded(.arenaByteCount, declared: UInt64(header.arenaByteCount), limit: ModelFormat.limitArenaByteCount)
    }
    return HeaderPage(
        header: header,
        sectionCount: try limited(page.uint32(32), .sections, ModelFormat.limitSections),
        tensorCount: try limited(page.uint32(36), .tensors, ModelFormat.limitTensors),
        operationCount: try limited(page.uint32(40), .operations, ModelFormat.limitOperations),
        minor: Int(file.uint16LE(at: 10)),
        identity: identity,
        signature: signature,
        hasGeneratedGolden: page.uint32(12) & ModelFormat.featureGeneratedGolden != 0,
        hasHalf: page.uint32(12) & ModelFormat.featureHalf != 0)
}

private func limited(_ value: UInt32, _ limit: ModelFileError.Limit, _ most: Int, least: UInt32 = 0) throws(ModelFileError) -> Int {
    guard value >= least, value <= UInt32(most) else { throw .limitExceeded(limit, declared: UInt64(value), limit: most) }
    return Int(value)
}

/// F-01 to F-04: what can be said before anything else is believed.
private func checkStart(_ file: RawSpan) throws(ModelFileError) {
    for (offset, byte) in ModelFormat.magic.enumerated() {
        guard offset < file.byteCount, file.uint8(at: offset) == byte else { throw .notAModelFile }
    }
    guard file.byteCount >= ModelFormat.headerByteCount else {
        throw .byteCountMismatch(declared: UInt64(ModelFormat.headerByteCount), actual: file.byteCount)
    }
    let major = Int(file.uint16LE(at: 8))
    guard major == ModelFormat.major else { throw .unsupportedVersion(major: major, minor: Int(file.uint16LE(at: 10))) }
    let features = file.uint32LE(at: 12)
    let unknown = features & ~knownFeatures(minor: Int(file.uint16LE(at: 10)))
    guard unknown == 0 else { throw .unknownFeatures(bits: unknown) }
    let declared = file.uint64LE(at: 16)
    guard declared == UInt64(file.byteCount) else { throw .byteCountMismatch(declared: declared, actual: file.byteCount) }
    guard file.byteCount <= ModelFormat.limitFileByteCount else {
        throw .limitExceeded(.fileByteCount, declared: declared, limit: ModelFormat.limitFileByteCount)
    }
}

/// The required features that a minor version has.
private func knownFeatures(minor: Int) -> UInt32 {
    (minor >= ModelFormat.minorGeneratedGolden ? ModelFormat.featureGeneratedGolden : 0) | (minor >= ModelFormat.minorHalf ? ModelFormat.featureHalf : 0)
}

private func checkIdentity(_ page: borrowing RecordReader) throws(ModelFileError) -> [UInt8] {
    let start = ModelFormat.identityOffset
    let stored = page.bytes.extracting(start..<(start + ModelFormat.digestByteCount)).array
    guard stored == Digest.blake2b256(page.bytes.extracting(0..<start)) else { throw .identityMismatch }
    return stored
}

/// F-10, and F-05 for the bytes around the signature, which the identity does not cover.
private func checkSignature(
    _ page: borrowing RecordReader, identity: [UInt8], options: ModelFile.Options
) throws(ModelFileError) -> ModelFile.Signature {
    try page.checkZero(3876..<ModelFormat.publicKeyOffset)
    try page.checkZero(4000..<ModelFormat.headerByteCount)
    let key = page.bytes.extracting(ModelFormat.publicKeyOffset..<ModelFormat.signatureOffset)
    let signature = page.bytes.extracting(ModelFormat.signatureOffset..<(ModelFormat.signatureOffset + Ed25519.signatureByteCount))
    switch page.uint32(ModelFormat.signatureKindOffset) {
    case 0:
        guard key.firstNonZeroOffset == nil, signature.firstNonZeroOffset == nil else { throw .signature(.unsignedWithBytes) }
        guard options.allowsUnsigned, options.trustedKeys.isEmpty else { throw .signature(.unsignedNotAllowed) }
        return .unsigned
    case 1:
        let publicKey = key.array
        let message = ModelFormat.signedMessage(identity: identity)
        guard Ed25519.verify(signature: signature.array, message: message, publicKey: publicKey) else { throw .signature(.doesNotVerify) }
        guard options.trustedKeys.isEmpty || options.trustedKeys.contains(publicKey) else { throw .signature(.untrustedKey) }
        return .valid(publicKey: publicKey)
    default:
        throw .signature(.unknownKind)
    }
}
