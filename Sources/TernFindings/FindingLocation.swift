public import TernImage

/// Where a model looked for one of its labels: a share of the label's output for every patch, and the part of the image that the patches cover.
public struct LocationMap: Equatable, Sendable {
    /// How shares are found.
    public enum Method: String, Equatable, Sendable {
        /// A model that takes the mean of its patches: the exact part of each patch in the output, Models/NUMERICS.md N-16. Negative shares speak against.
        case patchShares = "patch-shares"
        /// A model with a class token: attention and value norms through the layers, N-17. Never negative, and the same for every label.
        case tokenRelevance = "token-relevance"
    }
    public var method: Method
    /// The label's name.
    public var label: String
    /// Patches beside each other, 1 ... 4096, and above each other.
    public var columns, rows: Int
    /// columns * rows finite values, row-major from the patch at the top left.
    public var values: [Float]
    /// What the patches cover together, in whole pixels of the decoded image.
    public var area: PixelRectangle
    public init(method: Method, label: String, columns: Int, rows: Int, values: [Float], area: PixelRectangle) {
        self.method = method
        self.label = label
        self.columns = columns
        self.rows = rows
        self.values = values
        self.area = area
    }
}

/// A part of the image that holds more than a stated part of what speaks for a finding.
public struct FindingRegion: Equatable, Sendable {
    /// A side of the patient, as PS3.3 2024d names it.
    public enum Side: String, Equatable, Sendable {
        case left
        case right
    }
    /// Lengths at the scale that the file states.
    public struct Millimetres: Equatable, Sendable {
        public var x, y: Double
        public var width, height: Double
        /// True for distances at the detector (0018,1164), which are longer than those in the patient.
        public var isAtDetector: Bool
        public init(x: Double, y: Double, width: Double, height: Double, isAtDetector: Bool) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
            self.isAtDetector = isAtDetector
        }
    }
    /// In whole pixels of the decoded image; the first column and row are 0.
    public var box: PixelRectangle
    /// The region's part of all that speaks for the finding, above 0 ... 1.
    public var share: Float
    /// From the image's left and upper edge; nil where the file states no scale.
    public var millimetres: Millimetres?
    /// The patient's side; nil where the image does not tell it, and for a region on both.
    public var side: Side?
    public init(box: PixelRectangle, share: Float, millimetres: Millimetres? = nil, side: Side? = nil) {
        self.box = box
        self.share = share
        self.millimetres = millimetres
        self.side = side
    }
}

/// Where a finding is, as far as the model's map tells: a help to look, no outline of a lesion.
public struct FindingLocation: Equatable, Sendable {
    public var method: LocationMap.Method
    /// In falling order of their share; empty when nothing speaks for the finding more here than there.
    public var regions: [FindingRegion]
    public init(method: LocationMap.Method, regions: [FindingRegion]) {
        self.method = method
        self.regions = regions
    }
}
