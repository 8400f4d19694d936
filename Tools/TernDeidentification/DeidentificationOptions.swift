/// Which options of PS3.15 annex E are in force beside the Basic Application Level Confidentiality Profile.
public struct DeidentificationOptions: Sendable {
    /// When pictures are searched for burned-in text.
    public enum Detection: String, Sendable, CaseIterable {
        /// Kinds of images that carry text: ultrasound, endoscopy, photographs, fluoroscopy, secondary captures, and what says it has burned-in annotation.
        case auto
        case always
        case never
    }
    /// Clean Pixel Data (113101).
    public var cleansPixels = true
    /// Retain Longitudinal Temporal Information with Modified Dates (113107).
    public var shiftsDates = true
    /// Retain Device Identity (113109).
    public var retainsDevice = true
    public var detection = Detection.auto
    public var cleaningRules = CleaningRules.builtIn

    public init() {}
}

/// What was done with one file. Counts alone: no value and no name of an attribute of the patient.
public struct DeidentificationReport: Encodable, Equatable, Sendable {
    /// Elements of the data set by what became of them.
    public struct Actions: Encodable, Equatable, Sendable {
        /// By table E.1-1: X.
        public var removed = 0
        /// Of a private group or block.
        public var removedPrivate = 0
        /// Not in PS3.6, or of unknown representation.
        public var removedUnknown = 0
        /// Overlays and curves.
        public var removedGraphics = 0
        /// Bytes without a form that are not technical.
        public var removedBulk = 0
        /// By table E.1-1: Z.
        public var emptied = 0
        /// Values without the form of their representation, emptied.
        public var formless = 0
        /// By table E.1-1: D.
        public var replaced = 0
        /// Text outside the table.
        public var replacedText = 0
        /// U, and every other identifier of a thing.
        public var identifiersMapped = 0
        public var datesShifted = 0
        /// K of Retain Device Identity.
        public var deviceRetained = 0
        public var kept = 0
        /// Segments of compressed frames that hold no picture and were left out: comments, application data, unused tables, what follows the end.
        public var codeStreamSegmentsDropped = 0
        /// Values of code strings that the standard has no term for.
        public var unknownTerms = 0
    }
    public var actions = Actions()
    /// Bytes behind the last element that could be read; they were not copied.
    public var trailingByteCount = 0
    public var pixels = PixelReport()
    /// Codes of CID 7050 that the output carries.
    public var methodCodes: [String] = []

    /// What was done with the picture.
    public struct PixelReport: Encodable, Equatable, Sendable {
        /// `none` (no picture), `notAsked`, `notSearched` (a kind that carries no text, or searching is turned off), `searched` (nothing found), `cleaned`.
        public var status = "none"
        /// Rectangles that were filled in every frame: left, top, width, height, and why.
        public var rectangles: [CleanedRectangle] = []
        /// Frames that were searched for text: all of them or none.
        public var searchedFrameCount = 0
        /// Whether compressed frames were written out uncompressed.
        public var wasDecompressed = false
    }
}
