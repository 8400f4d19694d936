import TernBytes
public import TernImage

/// One image of a DICOM file with the little that is needed to use it. Nothing in it names a patient.
public struct DICOMImage: Equatable, Sendable {
    /// How the pixels are stored.
    public enum Pixels: Equatable, Sendable {
        case native(DecodedImage)
        case encapsulated(EncapsulatedFrame)
    }
    public var sopClassUID: DICOMUID?
    public var sopInstanceUID: DICOMUID?
    /// DICOM modality (CS), nil when the file has none.
    public var modality: String?
    public var pixels: Pixels
}

/// The compressed bytes of one frame, for a decoder that TernDICOM does not know.
public struct EncapsulatedFrame: Equatable, Sendable {
    /// What the data set says the compressed samples are.
    public enum Colour: Equatable, Sendable {
        case grey
        /// Red, green and blue, not transformed before compression.
        case redGreenBlue
        /// Luminance and colour differences, to be transformed to RGB.
        case luminanceChrominance
    }
    public var transferSyntax: DICOMUID
    /// The fragments of the frame, joined.
    public var bytes: [UInt8]
    public var width: Int
    public var height: Int
    public var colour: Colour
    /// Nil for colour.
    public var greyscale: DecodedImage.Greyscale?
}

/// Reads DICOM Part 10 files and bare data sets in implicit and explicit VR little endian.
public enum DICOMDecoder {
    /// Whether bytes look like a Part 10 file, or like a data set that starts with group 0002 or 0008.
    public static func recognises(_ bytes: RawSpan) -> Bool {
        if hasPart10Mark(bytes) { return true }
        var reader = ByteReader(bytes)
        do throws(DICOMError) {
            let group = try reader.takeUInt16()
            let element = try reader.takeUInt16()
            guard group == 0x0002 || group == 0x0008 else { return false }
            // In implicit VR the first element of a data set is its group length, character set or image type, of less than 64 KiB.
            if ValueRepresentation(letters: try reader.takeUInt16().byteSwapped) != nil { return true }
            let highHalfOfLength = try reader.takeUInt16()
            return group == 0x0008 && element <= 0x0018 && highHalfOfLength == 0
        } catch {
            return false
        }
    }

    /// Reads the one frame of a DICOM image.
    ///
    /// - Shapes: native pixels have 1 channel of up to 16 bits (MONOCHROME1, MONOCHROME2), signed or not, or 3 of 8 bits (RGB).
    /// - Throws: `DICOMError`. More than one frame is refused: which one counts is not for a decoder to choose.
    /// - Cost: one pass; the only allocation that grows with the input is that of the pixels, and it is made once their bytes are there.
    /// - Source: PS3.10 2024d section 7, PS3.5 2024d sections 7, 8 and annex A, PS3.3 2024d C.7.6.3 and C.11.
    public static func decode(_ bytes: RawSpan) throws(DICOMError) -> DICOMImage {
        guard recognises(bytes) else { throw .notADICOMFile }
        var reader = ByteReader(bytes)
        // PS3.10 2024d 7.1: 128 bytes of preamble and the four letters.
        if hasPart10Mark(bytes) { _ = try reader.takeBytes(132) }
        let syntax: TransferSyntax
        let identifier: DICOMUID?
        if try peekGroup(reader) == 0x0002 {
            let written = try readFileMeta(&reader)
            guard let known = TransferSyntax(written) else { throw .unsupportedTransferSyntax(written) }
            syntax = known
            identifier = written
        } else {
            syntax = try guessSyntax(reader)
            identifier = nil
        }
        var attributes = Attributes()
        let pixelData = try readAttributes(&reader, isExplicit: syntax.isExplicit, into: &attributes)
        let description = try PixelDescription(validating: attributes, isEncapsulated: syntax.isEncapsulated)
        let pixels: DICOMImage.Pixels
        if syntax.isEncapsulated, let identifier {
            pixels = .encapsulated(try description.readEncapsulated(&reader, header: pixelData, transferSyntax: identifier))
        } else {
            pixels = .native(try description.readNative(&reader, header: pixelData))
        }
        var modality: String?
        if let code = attributes.modality { modality = String(decoding: code, as: UTF8.self) }
        return DICOMImage(
            sopClassUID: attributes.sopClass, sopInstanceUID: attributes.sopInstance, modality: modality, pixels: pixels)
    }

    private static func hasPart10Mark(_ bytes: RawSpan) -> Bool {
        var reader = ByteReader(bytes)
        do throws(ReadError) {
            try reader.seek(to: 128)
            return try reader.readUInt32BE() == 0x4449_434D
        } catch {
            return false
        }
    }

    private static func peekGroup(_ reader: borrowing ByteReader) throws(DICOMError) -> UInt16 {
        var ahead = copy reader
        return try ahead.takeUInt16()
    }

    /// A bare data set is explicit exactly when its first element has a known representation where one would stand.
    private static func guessSyntax(_ reader: borrowing ByteReader) throws(DICOMError) -> TransferSyntax {
        var ahead = copy reader
        _ = try ahead.takeUInt32()
        return ValueRepresentation(letters: try ahead.takeUInt16().byteSwapped) == nil ? .implicitLittleEndian : .explicitLittleEndian
    }

    /// Reads group 0002, which is always explicit VR little endian (PS3.10 2024d 7.1), and leaves the reader behind it.
    @_lifetime(reader: copy reader)
    private static func readFileMeta(_ reader: inout ByteReader) throws(DICOMError) -> DICOMUID {
        var found: DICOMUID?
        while reader.remainingByteCount >= 2, try peekGroup(reader) == 0x0002 {
            let header = try reader.readElementHeader(isExplicit: true)
            guard let byteCount = header.byteCount else { throw .undefinedLength(tag: header.tag, offset: header.offset) }
            let value = try reader.takeBytes(byteCount)
            guard header.tag == .transferSyntaxUID else { continue }
            guard found == nil else { throw .repeatedElement(tag: header.tag) }
            found = try ElementValue(tag: header.tag, representation: header.representation, bytes: value).uniqueIdentifier()
        }
        guard let found else { throw .missingElement(tag: .transferSyntaxUID) }
        return found
    }

    /// Reads the top level up to Pixel Data. What may follow it (digital signatures, padding) says nothing about the image.
    @_lifetime(reader: copy reader)
    private static func readAttributes(
        _ reader: inout ByteReader, isExplicit: Bool, into attributes: inout Attributes
    ) throws(DICOMError) -> ElementHeader {
        while reader.remainingByteCount > 0 {
            let header = try reader.readElementHeader(isExplicit: isExplicit)
            if header.tag == .pixelData { return header }
            guard header.tag.group != 0xFFFE else { throw .unexpectedTag(tag: header.tag, offset: header.offset) }
            guard let byteCount = header.byteCount else {
                attributes.noteSequence(header.tag)
                try reader.skipUndefinedLength(after: header, isExplicit: isExplicit)
                continue
            }
            let value = try reader.takeBytes(byteCount)
            if Attributes.uses(header.tag) { try attributes.record(header, value) }
        }
        throw .noPixelData
    }
}
