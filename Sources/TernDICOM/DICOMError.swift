import TernBytes
public import TernImage

/// Why a DICOM file was refused. No case carries a value of the file other than numbers that describe its pixels and unique identifiers of the
/// standard: nothing here can name a patient.
public enum DICOMError: Error, Equatable, Sendable {
    /// Neither a Part 10 file nor a data set.
    case notADICOMFile
    /// `needed` bytes at `offset`, where `available` remain.
    case truncated(offset: Int, needed: Int, available: Int)
    /// The two letters at `offset` are no value representation of PS3.5 2024d 6.2.
    case unknownValueRepresentation(tag: DICOMTag, offset: Int)
    /// A value has an odd number of bytes (PS3.5 2024d 7.1.1).
    case oddByteCount(tag: DICOMTag, offset: Int)
    /// Undefined length where the standard allows none.
    case undefinedLength(tag: DICOMTag, offset: Int)
    /// An item or a delimiter where none can stand, or something else where an item must.
    case unexpectedTag(tag: DICOMTag, offset: Int)
    /// Sequences lie in one another more than `limit` deep.
    case sequencesTooDeep(offset: Int, limit: Int)
    /// An element that is used here occurs twice.
    case repeatedElement(tag: DICOMTag)
    /// The value of an element is not what its value representation or its meaning allows.
    case invalidValue(tag: DICOMTag)
    /// An element that the image cannot be understood without is missing or empty.
    case missingElement(tag: DICOMTag)
    /// The data set has no Pixel Data.
    case noPixelData
    /// The data set is written in a way this package does not read.
    case unsupportedTransferSyntax(DICOMUID)
    /// The file has more frames than `limit`.
    case tooManyFrames(Int, limit: Int)
    /// The fragments of encapsulated pixels make another number of frames than the data set says.
    case frameCount(expected: Int, actual: Int)
    /// A frame was asked for that the file does not have.
    case noSuchFrame(Int, count: Int)
    /// The bytes of a frame in run lengths (PS3.5 2024d annex G) are damaged.
    case runLength
    /// The deflated data set (PS3.5 2024d A.5) is damaged or ends early.
    case deflate
    /// The deflated data set has more than `limit` bytes.
    case inflatedTooLarge(limit: Int)
    /// What a codec decoded has another size, number of components or precision than the data set says.
    case frameDiffersFromDataSet
    /// The kind of pixels is one this package does not read.
    case unsupportedPixels(Pixels)
    /// Grey values pass through something this package does not apply.
    case unsupportedGreyscale(tag: DICOMTag)
    /// The shape is past the limits of this package.
    case shape(ImageLimitError)
    /// Pixel Data has not the number of bytes that the attributes give.
    case pixelDataByteCount(expected: Int, actual: Int)

    /// What makes pixels unreadable here.
    public enum Pixels: Equatable, Sendable {
        case photometricInterpretation
        case samplesPerPixel(Int)
        case bits(allocated: Int, stored: Int, high: Int)
        case signedColour
        /// A depth that this kind of colour or of compression does not have here.
        case depth(allocated: Int, stored: Int)
        /// A palette with segments that refer to others.
        case indirectPalette
        /// Float Pixel Data or Double Float Pixel Data.
        case floatingPoint
    }

    /// The window of a grey scale is to be used and breaks a rule.
    public init(_ fault: DecodedImage.WindowFault) {
        self =
            switch fault {
            case .centreMissing: .missingElement(tag: .windowCentre)
            case .widthMissing: .missingElement(tag: .windowWidth)
            case .centre: .invalidValue(tag: .windowCentre)
            case .width: .invalidValue(tag: .windowWidth)
            case .function: .unsupportedGreyscale(tag: .voiLookupFunction)
            }
    }

    init(_ error: ReadError) {
        switch error {
        case .truncated(let offset, let needed, let available): self = .truncated(offset: offset, needed: needed, available: available)
        }
    }
}
