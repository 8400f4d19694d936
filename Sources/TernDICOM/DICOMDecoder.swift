import TernBytes

/// Recognises DICOM.
public enum DICOMDecoder {
    /// Whether bytes look like a Part 10 file, or like a data set that starts with group 0002 or 0008.
    public static func recognises(_ bytes: RawSpan) -> Bool { hasPart10Mark(bytes) || bareEncoding(bytes) != nil }

    /// PS3.10 2024d 7.1: 128 bytes of preamble and the four letters.
    static func hasPart10Mark(_ bytes: RawSpan) -> Bool { bytes.byteCount >= 132 && bytes.uint32LE(at: 128) == 0x4D43_4944 }

    /// How a data set without a preamble is written, by its first element, which is of group 0002 or 0008; nil when it is none.
    ///
    /// It is explicit exactly when letters stand where a representation would. In implicit VR the first element of group 0008 is its group length,
    /// a character set, an image type or an identifier, of less than 64 KiB.
    static func bareEncoding(_ bytes: RawSpan) -> DICOMEncoding? {
        guard bytes.byteCount >= 8 else { return nil }
        let group = bytes.uint16LE(at: 0)
        let letters = ValueRepresentation(letters: bytes.uint16LE(at: 4).byteSwapped)
        switch group {
        case 0x0002, 0x0008:
            if letters?.isKnown == true { return .explicitLittleEndian }
            return group == 0x0008 && bytes.uint16LE(at: 2) <= 0x0018 && bytes.uint16LE(at: 6) == 0 ? .implicitLittleEndian : nil
        case 0x0800: return letters?.isKnown == true ? .explicitBigEndian : nil
        default: return nil
        }
    }
}
