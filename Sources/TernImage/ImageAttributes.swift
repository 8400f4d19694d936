/// What a file says about its picture beside the pixels. Nothing in it names a patient.
public struct ImageAttributes: Equatable, Sendable {
    /// Distances between the centres of neighbouring pixels, millimetres.
    public struct Spacing: Equatable, Sendable {
        /// Between rows, that is down a column.
        public var row: Double
        /// Between columns, that is along a row.
        public var column: Double
        public init(row: Double, column: Double) {
            self.row = row
            self.column = column
        }
    }
    /// The shape of a pixel: vertical to horizontal spacing, both at least 1.
    public struct AspectRatio: Equatable, Sendable {
        public var vertical: Int
        public var horizontal: Int
        public init(vertical: Int, horizontal: Int) {
            self.vertical = vertical
            self.horizontal = horizontal
        }
    }
    /// A direction in the patient.
    public enum Direction: UInt8, Equatable, Sendable {
        case left = 0x4C
        case right = 0x52
        case anterior = 0x41
        case posterior = 0x50
        case head = 0x48
        case foot = 0x46
    }
    /// Photometric Interpretation (CS) as written, PS3.3 2024d C.7.6.3.1.2.
    public var photometricInterpretation: String?
    /// In the patient: Pixel Spacing (0028,0030), or the header of a NIfTI file.
    public var pixelSpacing: Spacing?
    /// At the detector: Imager Pixel Spacing (0018,1164).
    public var imagerPixelSpacing: Spacing?
    /// Pixel Aspect Ratio (0028,0034); 1 : 1 when nil.
    public var pixelAspectRatio: AspectRatio?
    /// Image Laterality (0020,0062), else Frame Laterality (0020,9072) where all frames have the same, else Laterality (0020,0060): R, L, U or B.
    public var laterality: String?
    /// Where rows run, from the image's left to its right, and columns, from top to bottom: the first letters of Patient Orientation (0020,0020) of a
    /// biped, else the directions to which those of Image Orientation (0020,0037) are closest. Nil when the file does not say.
    public var rowDirection, columnDirection: Direction?
    /// View Position (0018,5101), CS: AP, PA, LL ..., else the word for the view that View Code Sequence (0054,0220) gives.
    public var viewPosition: String?
    /// Burned In Annotation (0028,0301); nil when the file does not say.
    public var hasBurnedInAnnotation: Bool?
    /// Whether the picture was ever compressed with loss: Lossy Image Compression (0028,2110), or the way the file itself is compressed.
    public var isLossyCompressed = false
    /// Study Instance UID (0020,000D) and Series Instance UID (0020,000E).
    public var studyInstanceUID: String?
    public var seriesInstanceUID: String?
    /// Frame Time (0018,1063), milliseconds from one frame to the next.
    public var frameTimeMilliseconds: Double?

    public init() {}
}
