import TernBytes
import TernZlib

/// Where a data set starts and how it is written.
struct DataSetStart {
    /// Nil when no file meta information says.
    var identifier: DICOMUID?
    var syntax: TransferSyntax
    var offset: Int

    /// - Parameter readsOtherSyntaxes: whether attributes are wanted whose pixels are not read here: they are explicit VR little endian (PS3.5 2024d A.4).
    /// - Throws: `.notADICOMFile`, `.unsupportedTransferSyntax`, and what the elements of group 0002 throw.
    init(_ bytes: RawSpan, strictness: DICOMStrictness, readsOtherSyntaxes: Bool = false) throws(DICOMError) {
        guard DICOMDecoder.recognises(bytes) else { throw .notADICOMFile }
        var reader = ByteReader(bytes)
        if DICOMDecoder.hasPart10Mark(bytes) { _ = try reader.takeBytes(132) }
        identifier = try DataSetStart.readFileMeta(&reader, bytes, strictness)
        offset = reader.offset
        let rest = bytes.extracting(offset..<bytes.byteCount)
        if let identifier {
            let other = readsOtherSyntaxes ? TransferSyntax(.explicitLittleEndian) : nil
            guard let known = TransferSyntax(identifier) ?? other else { throw .unsupportedTransferSyntax(identifier) }
            syntax = known
            // The first element tells whether representations are there, whatever the transfer syntax says.
            let mayDiffer = strictness == .lenient && syntax.pixels == .native && !syntax.isDeflated && !syntax.encoding.isBigEndian
            if mayDiffer, let found = DICOMDecoder.bareEncoding(rest) { syntax.encoding = found }
        } else {
            guard rest.byteCount >= 8 else { throw .truncated(offset: offset, needed: 8, available: rest.byteCount) }
            let isExplicit = ValueRepresentation(letters: rest.uint16LE(at: 4).byteSwapped) != nil
            syntax = TransferSyntax(DICOMDecoder.bareEncoding(rest) ?? (isExplicit ? .explicitLittleEndian : .implicitLittleEndian))
        }
    }

    /// Unpacks a deflated data set, PS3.5 2024d A.5. What follows the stream is padding.
    func inflated(_ bytes: RawSpan) throws(DICOMError) -> [UInt8] {
        do throws(InflateError) {
            return try inflate(bytes.extracting(offset..<bytes.byteCount), as: .raw, limitByteCount: DICOMFile.limitInflatedByteCount).bytes
        } catch {
            if case .tooManyBytes(let limit) = error { throw .inflatedTooLarge(limit: limit) }
            throw .deflate
        }
    }

    /// Reads group 0002, which is always explicit VR little endian (PS3.10 2024d 7.1), and leaves the reader behind it.
    @_lifetime(reader: copy reader)
    private static func readFileMeta(_ reader: inout ByteReader, _ bytes: RawSpan, _ strictness: DICOMStrictness) throws(DICOMError) -> DICOMUID? {
        var found: DICOMUID?
        while reader.remainingByteCount >= 8, bytes.uint16LE(at: reader.offset) == 0x0002 {
            let head = try reader.readElementHead(.explicitLittleEndian, end: bytes.byteCount, strictness: strictness)
            guard let byteCount = head.byteCount else { throw .undefinedLength(tag: head.tag, offset: head.offset) }
            let start = reader.offset
            _ = try reader.takeBytes(byteCount)
            guard head.tag == .transferSyntaxUID else { continue }
            guard found == nil else { throw .repeatedElement(tag: head.tag) }
            let element = DataElement(
                tag: head.tag, representation: head.representation, valueRange: start..<(start + byteCount), offset: head.offset,
                isUndefinedLength: false, isBigEndian: false)
            found = try ElementValue(element, in: bytes).uniqueIdentifier()
        }
        return found
    }
}
