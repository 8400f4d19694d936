import TernModel
import TernPlatform

extension ModelWriter {
    /// Makes the digests of changed bytes right again, as far as the section table is readable: file byte count, section digests, identity.
    /// For tests and fuzzing, which would otherwise never get past rules F-04, F-08 and F-09. Bytes that are too short stay as they are.
    public static func reseal(_ bytes: inout [UInt8]) {
        guard bytes.count >= ModelFormat.headerByteCount else { return }
        store(UInt64(bytes.count), at: 16, in: &bytes)
        for index in 0..<ModelFormat.sectionRecordCapacity {
            let record = ModelFormat.sectionTableOffset + index * ModelFormat.sectionRecordByteCount
            let (offset, byteCount) = (load(at: record + 8, in: bytes), load(at: record + 16, in: bytes))
            guard offset >= UInt64(ModelFormat.headerByteCount), offset <= UInt64(bytes.count),
                byteCount <= UInt64(bytes.count) - offset
            else { continue }
            let section = Array(bytes[Int(offset)..<Int(offset + byteCount)])
            bytes.replaceSubrange((record + 24)..<(record + 56), with: Digest.blake2b256(section))
        }
        resealHeader(&bytes)
    }

    /// Makes the identity right again after a change of the header alone.
    public static func resealHeader(_ bytes: inout [UInt8]) {
        guard bytes.count >= ModelFormat.headerByteCount else { return }
        let identity = Digest.blake2b256(Array(bytes[..<ModelFormat.identityOffset]))
        bytes.replaceSubrange(ModelFormat.identityOffset..<ModelFormat.signatureKindOffset, with: identity)
    }

    private static func store(_ value: UInt64, at offset: Int, in bytes: inout [UInt8]) {
        for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }

    private static func load(at offset: Int, in bytes: [UInt8]) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }
}
