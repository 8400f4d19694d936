public import TernDICOM
import TernImage
public import TernJPEG
public import TernJPEG2000
public import TernJPEGLossless
public import TernNIfTI
public import TernPNG

/// A reason as a code triplet, the way DICOM writes one: scheme designator, value of at most 16 characters, meaning of at most 64.
public struct CodedReason: Sendable {
    public var scheme: String
    public var value: String
    public var meaning: String
}

/// Why an image did not become a model's input.
public enum PrepareError: Error, Equatable, Sendable {
    /// How a service answers.
    public enum Category: Equatable, Sendable {
        /// The bytes are damaged or incomplete.
        case unreadable
        /// The bytes are no kind of image that is read here.
        case unknownKind
        /// The image is past a limit.
        case tooLarge
        /// The image is readable and not what the model can be asked about.
        case unfit
    }
    /// The first bytes belong to no known kind.
    case unknownKind
    case jpeg(JPEGError)
    case png(PNGError)
    /// Lossless JPEG inside DICOM.
    case jpegLossless(JPEGLosslessError)
    /// JPEG 2000 inside DICOM.
    case jpeg2000(JPEG2000Error)
    case dicom(DICOMError)
    case nifti(NIfTIError)
    /// The model wants a modality and the DICOM file names none.
    case modalityMissing
    /// The DICOM file's modality is not the model's.
    case modalityDiffers
    /// The model's window is in rescaled units, and the file has none (JPEG, PNG, colour).
    case noRescaledValues

    public var category: Category { entry.category }

    /// The reason in the private scheme `99TERN`.
    public var reason: CodedReason { CodedReason(scheme: "99TERN", value: entry.value, meaning: entry.meaning) }

    /// One English sentence with the place and the numbers, free of patient data.
    public var message: String {
        let detail = entry.detail
        return detail.isEmpty ? "\(entry.meaning)." : "\(entry.meaning): \(detail)."
    }

    private var entry: Entry {
        switch self {
        case .unknownKind: Entry(.unknownKind, "KIND-UNKNOWN", "Not a DICOM, NIfTI, JPEG or PNG file")
        case .jpeg(let error): Entry(error)
        case .png(let error): Entry(error)
        case .jpegLossless(let error): Entry(error)
        case .jpeg2000(let error): Entry(error)
        case .dicom(let error): Entry(error)
        case .nifti(let error): Entry(error)
        case .modalityMissing: Entry(.unfit, "MODALITY-MISSING", "The file does not say its modality")
        case .modalityDiffers: Entry(.unfit, "MODALITY-OTHER", "The model is for another modality")
        case .noRescaledValues: Entry(.unfit, "NO-UNITS", "The model needs values in physical units, which the file has not")
        }
    }
}

/// One row of the table of reasons.
struct Entry {
    var category: PrepareError.Category
    var value: String
    var meaning: String
    var detail: String

    init(_ category: PrepareError.Category, _ value: String, _ meaning: String, _ detail: String = "") {
        self.category = category
        self.value = value
        self.meaning = meaning
        self.detail = detail
    }

    init(_ error: JPEGError) {
        switch error {
        case .notAJPEGFile: self.init(.unreadable, "JPEG-DAMAGED", "Not a JPEG file")
        case .invalid(let message): self.init(.unreadable, "JPEG-DAMAGED", "The JPEG file is damaged", "libjpeg message \(message)")
        case .corrupt(let message): self.init(.unreadable, "JPEG-DAMAGED", "The JPEG file is damaged", "libjpeg warning \(message)")
        case .truncated(let count): self.init(.unreadable, "JPEG-TRUNCATED", "The JPEG file ends before its image", "\(count) bytes")
        case .unsupportedComponents: self.init(.unfit, "JPEG-COMPONENTS", "The JPEG file is neither grey nor RGB")
        case .unsupportedPrecision(let bits): self.init(.unfit, "JPEG-PRECISION", "JPEG of more than 8 bits is not read", "\(bits) bits")
        case .unsupportedProcess(let marker):
            self.init(.unfit, "JPEG-PROCESS", "The JPEG process is not read", "frame marker \(hexadecimal(0xFF00 | UInt16(marker)))")
        case .arithmeticCoding: self.init(.unknownKind, "JPEG-ARITHMETIC", "JPEG with arithmetic coding is not read")
        case .shape(let error): self.init(error)
        case .morePixelsThanData(let width, let height, let count):
            self.init(.unreadable, "JPEG-TRUNCATED", "The JPEG file ends before its image", "\(width) x \(height) pixels in \(count) bytes")
        case .coefficientsTooLarge(let width, let height, let limit):
            self.init(.tooLarge, "IMAGE-TOO-LARGE", "The image is too large", "\(width) x \(height) progressive, limit \(limit) bytes")
        case .tooManyScans(let limit): self.init(.tooLarge, "JPEG-SCANS", "The JPEG file has too many scans", "limit \(limit)")
        }
    }

    init(_ error: PNGError) {
        switch error {
        case .notAPNGFile: self.init(.unreadable, "PNG-DAMAGED", "Not a PNG file")
        case .invalid: self.init(.unreadable, "PNG-DAMAGED", "The PNG file is damaged")
        case .truncated(let count): self.init(.unreadable, "PNG-TRUNCATED", "The PNG file ends before its image", "\(count) bytes")
        case .notOpaque: self.init(.unfit, "PNG-NOT-OPAQUE", "The PNG image has transparent pixels")
        case .shape(let error): self.init(error)
        case .morePixelsThanData(let width, let height, let count):
            self.init(.unreadable, "PNG-TRUNCATED", "The PNG file ends before its image", "\(width) x \(height) pixels in \(count) bytes")
        case .outOfMemory: self.init(.tooLarge, "IMAGE-TOO-LARGE", "The image is too large")
        }
    }

    init(_ error: ImageLimitError) {
        switch error {
        case .emptySide(let width, let height): self.init(.unreadable, "IMAGE-EMPTY", "The image has no pixels", "\(width) x \(height)")
        case .sideTooLong(let width, let height, let limit):
            self.init(.tooLarge, "IMAGE-TOO-LARGE", "The image is too large", "\(width) x \(height), limit \(limit) a side")
        case .tooManyBytes(let width, let height, let byteCount, let limit):
            self.init(
                .tooLarge, "IMAGE-TOO-LARGE", "The image is too large", "\(width) x \(height), \(byteCount) bytes of samples, limit \(limit)")
        }
    }

    init(_ error: DICOMError) {
        switch error {
        case .notADICOMFile: self.init(.unreadable, "DICOM-DAMAGED", "Not a DICOM file")
        case .truncated(let offset, let needed, let available):
            self.init(
                .unreadable, "DICOM-TRUNCATED", "The DICOM file ends early", "\(needed) bytes needed at \(offset), \(available) there")
        case .unknownValueRepresentation(let tag, let offset): self.init(damagedAt: offset, "unknown value representation in", tag)
        case .oddByteCount(let tag, let offset): self.init(damagedAt: offset, "odd length of", tag)
        case .undefinedLength(let tag, let offset): self.init(damagedAt: offset, "undefined length of", tag)
        case .unexpectedTag(let tag, let offset): self.init(damagedAt: offset, "unexpected", tag)
        case .sequencesTooDeep(let offset, let limit):
            self.init(.unreadable, "DICOM-DEPTH", "The DICOM file nests its sequences too deep", "offset \(offset), limit \(limit)")
        case .repeatedElement(let tag): self.init(.unreadable, "DICOM-ATTRIBUTE", "A DICOM element occurs twice", tag.text)
        case .invalidValue(let tag): self.init(.unreadable, "DICOM-ATTRIBUTE", "A DICOM element has an invalid value", tag.text)
        case .missingElement(let tag): self.init(.unreadable, "DICOM-ATTRIBUTE", "A DICOM element is missing", tag.text)
        case .noPixelData: self.init(.unfit, "DICOM-NO-PIXELS", "The DICOM file has no image")
        case .unsupportedTransferSyntax(let identifier):
            self.init(
                .unfit, "DICOM-SYNTAX", "The DICOM transfer syntax is not read", "\(identifier) \(transferSyntaxName(identifier))")
        case .tooManyFrames(let count, let limit):
            self.init(.unfit, "DICOM-FRAMES", "The DICOM file has too many frames", "\(count) frames, limit \(limit)")
        case .frameCount(let expected, let actual):
            self.init(
                .unreadable, "DICOM-FRAGMENTS", "The DICOM fragments make another number of frames", "\(actual) frames or fragments, \(expected) expected")
        case .noSuchFrame(let index, let count):
            self.init(.unfit, "DICOM-NO-FRAME", "The DICOM file has no such frame", "frame \(index + 1) of \(count)")
        case .deflate: self.init(.unreadable, "DICOM-DEFLATE", "The deflated DICOM data set is damaged")
        case .inflatedTooLarge(let limit):
            self.init(.tooLarge, "DICOM-TOO-LARGE", "The deflated DICOM data set is too large", "limit \(limit) bytes")
        case .runLength: self.init(.unreadable, "DICOM-RLE", "The DICOM run lengths are damaged")
        case .frameDiffersFromDataSet: self.init(.unreadable, "DICOM-FRAME", "The compressed image contradicts its data set")
        case .unsupportedPixels(let pixels): self.init(.unfit, "DICOM-PIXELS", "The DICOM pixel format is not read", pixels.text)
        case .unsupportedGreyscale(let tag): self.init(.unfit, "DICOM-GREYSCALE", "The DICOM grey scale is not read", tag.text)
        case .shape(let error): self.init(error)
        case .pixelDataByteCount(let expected, let actual):
            self.init(.unreadable, "DICOM-PIXEL-DATA", "The DICOM pixel data have another length", "\(actual) bytes, \(expected) expected")
        }
    }

    private init(damagedAt offset: Int, _ what: String, _ tag: DICOMTag) {
        self.init(.unreadable, "DICOM-DAMAGED", "The DICOM file is damaged", "\(what) \(tag.text) at \(offset)")
    }
}

extension DICOMTag {
    fileprivate var text: String { "(\(hexadecimal(group)),\(hexadecimal(element)))" }
}

func hexadecimal(_ number: UInt16) -> String {
    let digits: [UInt8] = [12, 8, 4, 0].map { shift in
        let digit = UInt8(number >> UInt16(shift) & 15)
        return digit < 10 ? 0x30 + digit : 0x37 + digit
    }
    return String(decoding: digits, as: UTF8.self)
}

extension DICOMError.Pixels {
    fileprivate var text: String {
        switch self {
        case .photometricInterpretation: "photometric interpretation"
        case .samplesPerPixel(let count): "\(count) samples a pixel"
        case .bits(let allocated, let stored, let high): "\(allocated) bits allocated, \(stored) stored, high bit \(high)"
        case .signedColour: "signed colour"
        case .depth(let allocated, let stored): "colour or compressed with \(allocated) bits allocated, \(stored) stored"
        case .indirectPalette: "palette with indirect segments"
        case .floatingPoint: "floating point"
        }
    }
}
