import TernBytes
import TernDICOM
import TernZlib

/// A file taken apart as far as its data set: the preamble and group 0002 are read and never copied.
struct SourceFile: Sendable {
    /// The bytes that `offset` and all ranges lie in: those of the file, or what its deflated data set unpacked to.
    var bytes: [UInt8]
    /// Where the data set starts.
    var offset: Int
    var encoding: DICOMEncoding
    /// Of the file meta information; nil for a bare data set.
    var transferSyntax: String?
    var mediaStorageClass: [UInt8]?

    /// A data set may unpack to this much; a larger one is no image that one file holds.
    static let limitInflatedByteCount = 4 << 30

    init(parsing file: [UInt8]) throws(DeidentificationError) {
        bytes = file
        offset = 0
        encoding = .implicitLittleEndian
        let hasPrefix = file.count >= 132 && Array(file[128..<132]) == Array("DICM".utf8)
        if hasPrefix { offset = 132 }
        guard hasPrefix || file.count >= 8 else { throw .notDICOM }
        try readMeta()
        guard let transferSyntax else {
            try guessEncoding(mayBeAnything: hasPrefix)
            return
        }
        switch transferSyntax {
        case "1.2.840.10008.1.2": encoding = .implicitLittleEndian
        case "1.2.840.10008.1.2.2": encoding = .explicitBigEndian
        case "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205":
            encoding = .explicitLittleEndian
            try unpack()
        case _ where transferSyntax.hasPrefix("1.2.840.10008.1.2."): encoding = .explicitLittleEndian
        default: throw .unknownTransferSyntax
        }
        // Writers are known to name one of the two plain syntaxes and write the other; each element says which.
        if ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"].contains(transferSyntax) { encoding.isExplicit = startsExplicitly }
    }

    /// Group 0002 is explicit VR little endian (PS3.10 2024d 7.1).
    private mutating func readMeta() throws(DeidentificationError) {
        let bytes = bytes
        var walker = DataSetWalker(bytes.rawBytes, encoding: .explicitLittleEndian, offset: offset)
        var isFirst = true
        while offset + 8 <= bytes.count, bytes[offset] == 2, bytes[offset + 1] == 0 {
            let event: DataSetEvent?
            do throws(DICOMError) { event = try walker.next() } catch { throw isFirst ? .notDICOM : .structure(error) }
            guard case .element(let element) = event, element.tag.group == 2 else { throw .notDICOM }
            isFirst = false
            let value = trimmed(Array(bytes[element.valueRange]))
            if element.tag.element == 0x0010 { transferSyntax = String(decoding: value, as: UTF8.self) }
            if element.tag.element == 0x0002 { mediaStorageClass = value }
            offset = walker.offset
        }
    }

    /// A bare data set, or one whose meta information does not say: the first tag tells the byte order, letters after it the form.
    private mutating func guessEncoding(mayBeAnything: Bool) throws(DeidentificationError) {
        guard offset + 8 <= bytes.count else { throw .notDICOM }
        let low = UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
        let isBigEndian = low.byteSwapped == 0x0008
        guard isBigEndian || low == 0x0008 || mayBeAnything && low < 0x0030 else { throw .notDICOM }
        encoding = DICOMEncoding(isExplicit: startsExplicitly, isBigEndian: isBigEndian)
        guard encoding.isExplicit || !isBigEndian else { throw .notDICOM }
    }

    private var startsExplicitly: Bool {
        guard offset + 6 <= bytes.count else { return encoding.isExplicit }
        guard let letters = ValueRepresentation(letters: UInt16(bytes[offset + 4]) << 8 | UInt16(bytes[offset + 5])) else { return false }
        return letters.isKnown
    }

    private mutating func unpack() throws(DeidentificationError) {
        let unpacked: Inflated
        do throws(InflateError) {
            unpacked = try inflate(bytes.rawBytes.extracting(offset..<bytes.count), as: .raw, limitByteCount: SourceFile.limitInflatedByteCount)
        } catch {
            throw .deflate(error)
        }
        bytes = unpacked.bytes
        offset = 0
    }
}
