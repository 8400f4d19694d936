public import TernDICOM
public import TernZlib

/// Why a file was not de-identified. No case carries a value of the file other than identifiers of the standard and numbers that describe its pixels.
public enum DeidentificationError: Error, Equatable, Sendable {
    /// Neither a Part 10 file nor a data set.
    case notDICOM
    /// A directory of files (DICOMDIR, PS3.10): what it refers to would not exist any more.
    case directory
    /// The structure of the file cannot be followed.
    case structure(DICOMError)
    /// The deflated data set cannot be unpacked.
    case deflate(InflateError)
    /// Neither the data set nor the file meta information says what kind of object this is.
    case noSOPClass
    /// The file is written in a way that is not known, so that its parts cannot be told apart.
    case unknownTransferSyntax
    /// Clean Pixel Data was asked for and these pixels cannot be read or written, so a name could remain in them.
    case pixelsNotCleaned(Pixels)
    /// Compressed frames can be neither followed to their end, so that nothing but the picture is written, nor decoded. Video is never followed.
    case framesNotCleaned(transferSyntax: String)
    /// A kind of object that neither the standard nor the list of makers' kinds has: its identifier could be anything.
    case unknownSOPClass

    /// Why pixels were not cleaned.
    public enum Pixels: Equatable, Sendable {
        /// A frame of this transfer syntax cannot be decoded.
        case transferSyntax(String)
        /// Not 8, 16 or 32 bits allocated, or not 1 or 3 samples.
        case layout(bitsAllocated: Int, samplesPerPixel: Int)
        /// Fewer bytes than the attributes give.
        case byteCount(expected: Int, actual: Int)
        /// Burned In Annotation is YES, nothing was found and no rule says where the text stands.
        case nothingFound
        /// More regions are declared than any device does.
        case regionCount(limit: Int)
    }

    /// A short word for scripts.
    public var code: String {
        switch self {
        case .notDICOM: "NOT-DICOM"
        case .directory: "DICOMDIR"
        case .structure: "STRUCTURE"
        case .deflate: "DEFLATE"
        case .noSOPClass: "NO-SOP-CLASS"
        case .unknownTransferSyntax: "TRANSFER-SYNTAX"
        case .pixelsNotCleaned: "PIXELS-NOT-CLEANED"
        case .framesNotCleaned: "FRAMES-NOT-CLEANED"
        case .unknownSOPClass: "SOP-CLASS"
        }
    }

    /// A sentence for people.
    public var message: String {
        switch self {
        case .notDICOM: "it is not a DICOM file"
        case .directory: "it is a directory of other files (DICOMDIR), whose references would not hold afterwards; make a new one from the output"
        case .structure(let error): "its structure cannot be followed: \(error)"
        case .deflate(let error): "its deflated data set cannot be unpacked: \(error)"
        case .noSOPClass: "it does not say what kind of object it is (SOP Class UID)"
        case .unknownTransferSyntax: "its transfer syntax is not known"
        case .framesNotCleaned(let identifier):
            "its frames of transfer syntax \(identifier) can hold more than pictures, and can be neither cleaned of it nor decoded"
        case .unknownSOPClass: "its kind of object (SOP Class UID) is not known"
        case .pixelsNotCleaned(let reason):
            "its pixels may show text and cannot be cleaned: \(reason.message); look at them, and --keep-pixels writes them as they are"
        }
    }
}

extension DeidentificationError.Pixels {
    var message: String {
        switch self {
        case .transferSyntax(let identifier): "a frame of transfer syntax \(identifier) cannot be decoded"
        case .layout(let bits, let samples): "\(bits) bits allocated with \(samples) samples for a pixel"
        case .byteCount(let expected, let actual): "\(actual) bytes where \(expected) are needed"
        case .nothingFound: "it says that it has burned-in annotation, no text was found and no rule (--rules) says where it stands"
        case .regionCount(let limit): "more than \(limit) ultrasound regions"
        }
    }
}
