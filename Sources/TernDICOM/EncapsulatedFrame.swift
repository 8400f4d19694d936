public import TernImage

/// One frame of a DICOM file.
public enum DICOMFrame: Equatable, Sendable {
    /// Decoded here: native pixels and run lengths.
    case native(DecodedImage)
    /// To be decoded by a codec that TernDICOM does not know, and to be finished by `DICOMFile.image(from:frame:)`.
    case encapsulated(EncapsulatedFrame)
}

/// The compressed bytes of one frame with what the data set says of them.
public struct EncapsulatedFrame: Equatable, Sendable {
    /// What the bytes are, by the transfer syntax.
    public enum Codec: Equatable, Sendable {
        /// JPEG processes 1, 2 and 4.
        case jpeg
        /// JPEG process 14.
        case jpegLossless
        case jpeg2000
    }
    /// What the data set says the compressed samples are.
    public enum Colour: Equatable, Sendable {
        case grey
        /// Red, green and blue, not transformed before compression.
        case redGreenBlue
        /// Luminance and colour differences. A codec that transforms them itself, as that of JPEG does, gives RGB.
        case luminanceChrominance
        /// Entries of a palette.
        case palette
    }
    public var transferSyntax: DICOMUID
    public var codec: Codec
    /// The fragments of the frame, joined.
    public var bytes: [UInt8]
    public var width: Int
    public var height: Int
    /// 1 or 3.
    public var channels: Int
    public var bitsAllocated: Int
    public var bitsStored: Int
    public var isSigned: Bool
    public var colour: Colour
}
