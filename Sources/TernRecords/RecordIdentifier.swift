import TernFindings

/// Identifiers of the parts of a record: the same for the same content, model, thresholds and answer, whenever and wherever it is written.
///
/// A UUID of version 8 (RFC 9562 section 5.8) from two 64-bit FNV-1a sums. It tells records apart and proves nothing: what must not be forged are
/// the digests in the record.
struct RecordIdentifier {
    private var sums: (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x6C62_272E_07BB_0142)

    init(_ result: FindingResult) {
        // What could not be read has no digest; then nothing but the result's own name tells it apart.
        add(result.input.sha256 ?? result.id)
        add(result.model.digest)
        add(result.status.rawValue)
        add(result.reason?.value ?? "")
        add(result.outputDigest ?? "")
        if let earlier = result.answeredFrom { add(earlier.id) }
        for finding in result.findings {
            add(finding.label)
            add(finding.call.rawValue)
            add(String(finding.threshold?.bitPattern ?? 0))
        }
    }

    /// Of a model, whichever result it gives.
    init(_ model: ModelReference) { add(model.digest) }

    private mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        // A byte that UTF-8 does not have ends each part.
        add(0xFF)
    }

    private mutating func add(_ byte: UInt8) {
        sums.0 = (sums.0 ^ UInt64(byte)) &* 0x100_0000_01B3
        sums.1 = (sums.1 ^ UInt64(byte)) &* 0x100_0000_01B3 &+ (sums.0 >> 32)
    }

    /// The UUID of a part, lower case.
    func text(_ part: String) -> String {
        var copy = self
        copy.add(part)
        let high = copy.sums.0 & 0xFFFF_FFFF_FFFF_0FFF | 0x8000
        let low = copy.sums.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var text = ""
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text += "-" }
            let digit = ((index < 16 ? high : low) >> UInt64(60 - index % 16 * 4)) & 15
            text += String(digit, radix: 16)
        }
        return text
    }
}
