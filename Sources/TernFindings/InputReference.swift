public import TernImage

/// Kinds of input.
public enum InputKind: String, Equatable, Sendable {
    case dicom
    case jpeg
    case png
    case nifti
}

/// What was analysed, without anything that names a patient.
public struct InputReference: Equatable, Sendable {
    /// Nil when the bytes are of no known kind.
    public var kind: InputKind?
    /// What a picture without a file consists of: grey8, grey16, rgb8.
    public var pixels: RawPixels.Format?
    /// SHA-256 of the bytes as received, hexadecimal, of a pair of files the header's first; nil when they could not be read.
    public var sha256: String?
    public var sopInstanceUID: String?
    /// The only frame of a DICOM file; first frame is 1, as in DICOM.
    public var frame: Int?
    /// Nil when the file could not be read.
    public var modality: ModalityReference?
    /// What the file says of its picture; nil when it could not be read.
    public var attributes: ImageAttributes?
    /// Where the axes of a volume come from: sform, qform, or assumed.
    public var orientation: String?
    /// How grey values were taken; nil for what is shown as it is stored, and when no image was prepared.
    public var grey: GreyReference?
    /// Nil for a file of one frame.
    public var frames: FramesReference?
    public init(kind: InputKind?, sha256: String?, sopInstanceUID: String? = nil, frame: Int? = nil) {
        self.kind = kind
        self.sha256 = sha256
        self.sopInstanceUID = sopInstanceUID
        self.frame = frame
    }
}

/// What kind of device took the image, and who says so.
public struct ModalityReference: Equatable, Sendable {
    public enum Source: String, Equatable, Sendable {
        case file
        /// Who sent the file.
        case caller
    }
    /// As stated; nil when nobody says it.
    public var value: String?
    public var source: Source?
    /// Whether it was compared with the model's, and is of its kind when the analysis went on.
    public var isChecked: Bool
    public init(value: String?, source: Source?, isChecked: Bool) {
        self.value = value
        self.source = source
        self.isChecked = isChecked
    }
}

/// A modality that the caller states for a file that names none: a defined term of PS3.3 2024d C.7.3.1.1.1.
public struct StatedModality: Equatable, Sendable {
    public let term: String

    /// Nil for what is no defined term.
    public init?(_ text: some Collection<UInt8>) {
        guard isModalityTerm(text) else { return nil }
        term = String(decoding: Array(text), as: UTF8.self)
    }
}

/// Which values became black and which white.
public struct GreyReference: Equatable, Sendable {
    public enum Source: String, Equatable, Sendable {
        case file
        case model
        /// The frame's own smallest and largest value.
        case frame
    }
    /// Nil: the full range of the stored values.
    public var voi: DecodedImage.VOI?
    public var source: Source
    /// How many tables and windows the file offers, of which the first was used.
    public var count: Int
    public init(voi: DecodedImage.VOI?, source: Source = .file, count: Int = 0) {
        self.voi = voi
        self.source = source
        self.count = count
    }
}

/// Which frames of a file were looked at.
public struct FramesReference: Equatable, Sendable {
    /// Frames of the file.
    public var count: Int
    /// First frame is 1.
    public var first: Int
    public var last: Int
    public var stride: Int
    /// Frames that have findings.
    public var analysed = 0
    /// Analysed frames that the out-of-distribution gate flags; nil for a model without feature statistics.
    public var flagged: Int?
    /// From one frame to the next; nil when the file does not say.
    public var frameTimeMilliseconds: Double?
    public init(count: Int, first: Int, last: Int, stride: Int, frameTimeMilliseconds: Double? = nil) {
        self.count = count
        self.first = first
        self.last = last
        self.stride = stride
        self.frameTimeMilliseconds = frameTimeMilliseconds
    }
}

extension JSONText {
    @inline(never)
    mutating func value(_ input: InputReference) {
        beginObject()
        member("kind", input.kind?.rawValue ?? input.pixels?.rawValue)
        member("sha256", input.sha256)
        if let identifier = input.sopInstanceUID { member("sopInstanceUID", identifier) }
        if let frame = input.frame { member("frame", frame) }
        if let modality = input.modality {
            key("modality")
            value(modality)
        }
        if let attributes = input.attributes, attributes != ImageAttributes() || input.orientation != nil {
            key("image")
            value(attributes, orientation: input.orientation)
        }
        if let grey = input.grey {
            key("voi")
            value(grey)
        }
        if let frames = input.frames {
            key("frames")
            value(frames)
        }
        endObject()
    }

    private mutating func value(_ attributes: ImageAttributes, orientation: String?) {
        beginObject()
        // Words of the file are repeated only when they are defined terms: anything else could be a name.
        defined("photometricInterpretation", attributes.photometricInterpretation, photometricTerms)
        spacing("pixelSpacing", attributes.pixelSpacing)
        spacing("imagerPixelSpacing", attributes.imagerPixelSpacing)
        if let ratio = attributes.pixelAspectRatio {
            key("pixelAspectRatio")
            beginArray()
            value(ratio.vertical)
            value(ratio.horizontal)
            endArray()
        }
        defined("laterality", attributes.laterality, lateralityTerms)
        defined("viewPosition", attributes.viewPosition, viewTerms)
        if let isBurnedIn = attributes.hasBurnedInAnnotation { member("burnedInAnnotation", isBurnedIn) }
        if let orientation { member("orientation", orientation) }
        member("lossy", attributes.isLossyCompressed)
        endObject()
    }

    private mutating func defined(_ name: String, _ word: String?, _ terms: [String]) {
        guard let word, terms.contains(where: { $0.utf8.elementsEqual(word.utf8) }) else { return }
        member(name, word)
    }

    private mutating func spacing(_ name: String, _ spacing: ImageAttributes.Spacing?) {
        guard let spacing else { return }
        key(name)
        beginArray()
        value(spacing.row)
        value(spacing.column)
        endArray()
    }

    private mutating func value(_ modality: ModalityReference) {
        beginObject()
        member("value", modality.value.flatMap { isModalityTerm($0.utf8) ? $0 : nil })
        member("source", modality.source?.rawValue)
        member("checked", modality.isChecked)
        endObject()
    }

    @inline(never)
    mutating func value(_ grey: GreyReference) {
        beginObject()
        switch grey.voi {
        case nil, .unusable: member("kind", "full")
        case .table: member("kind", "table")
        case .window(let window):
            member("kind", "window")
            member("function", window.function == .linear ? "linear" : window.function == .linearExact ? "linear_exact" : "sigmoid")
            member("centre", window.centre)
            member("width", window.width)
        }
        if grey.voi != nil { member("source", grey.source.rawValue) }
        if grey.voi != nil, grey.source == .file {
            member("index", 1)
            member("of", grey.count)
        }
        endObject()
    }

    private mutating func value(_ frames: FramesReference) {
        beginObject()
        member("count", frames.count)
        member("first", frames.first)
        member("last", frames.last)
        member("stride", frames.stride)
        member("analysed", frames.analysed)
        if let flagged = frames.flagged { member("flagged", flagged) }
        if let time = frames.frameTimeMilliseconds { member("frameTimeMilliseconds", time) }
        endObject()
    }
}

/// PS3.3 2024d C.7.6.3.1.2.
private let photometricTerms = [
    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB",
]
/// PS3.3 2024d C.7.3.1, C.10.14.1: right, left, unpaired, both.
private let lateralityTerms = ["R", "L", "U", "B"]
/// PS3.3 2024d C.8.1.1 (computed radiography) and the words that PS3.16 CID 4014 replaced (mammography).
private let viewTerms = [
    "AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "ML", "MLO", "LM", "LMO", "CC", "FB", "SIO", "ISO", "XCC", "XCCL", "XCCM",
]
