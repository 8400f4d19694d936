/// A decoded image before any preparation: what the file stores, and how the file says it is to be shown.
public struct DecodedImage: Equatable, Sendable {
    /// Stored values, row-major, channels interleaved.
    public enum Samples: Equatable, Sendable {
        case uint8([UInt8])
        case uint16([UInt16])
        case int16([Int16])
    }
    /// The greyscale steps a DICOM file carries, in the order of PS3.3 C.11: rescale, window, inversion last.
    public struct Greyscale: Equatable, Sendable {
        public var slope: Float
        public var intercept: Float
        /// Window centre and width in rescaled units; nil when the file has none.
        public var window: Window?
        /// MONOCHROME1: small values are shown white.
        public var isInverted: Bool
        public init(slope: Float, intercept: Float, window: Window?, isInverted: Bool) {
            self.slope = slope
            self.intercept = intercept
            self.window = window
            self.isInverted = isInverted
        }
    }
    public struct Window: Equatable, Sendable {
        public var centre: Float
        public var width: Float
        public init(centre: Float, width: Float) {
            self.centre = centre
            self.width = width
        }
    }
    public var width: Int
    public var height: Int
    /// 1 grey or 3 RGB.
    public var channels: Int
    /// Significant bits of a sample, 1 ... 16.
    public var bitsStored: Int
    public var samples: Samples
    /// Nil for JPEG and PNG.
    public var greyscale: Greyscale?

    public init(width: Int, height: Int, channels: Int, bitsStored: Int, samples: Samples, greyscale: Greyscale?) {
        self.width = width
        self.height = height
        self.channels = channels
        self.bitsStored = bitsStored
        self.samples = samples
        self.greyscale = greyscale
    }
}
