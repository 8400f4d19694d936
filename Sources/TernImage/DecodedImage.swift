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
        /// Rescaled value = stored value * slope + intercept; 1 and 0 when the file has neither.
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
    /// A linear window of PS3.3 2024d C.11.2.1.2.
    public struct Window: Equatable, Sendable {
        /// Which of the two linear formulas of the standard applies.
        public enum Function: Equatable, Sendable {
            /// C.11.2.1.2.1: the window covers centre - 0.5 ± (width - 1) / 2.
            case linear
            /// C.11.2.1.3.2: the window covers centre ± width / 2.
            case linearExact
        }
        public var centre: Float
        /// At least 1 for `linear`, above 0 for `linearExact`.
        public var width: Float
        public var function: Function
        public init(centre: Float, width: Float, function: Function = .linear) {
            self.centre = centre
            self.width = width
            self.function = function
        }
    }
    /// Columns and rows, 1 ... `ImageLimits.limitSide`.
    public var width: Int
    public var height: Int
    /// 1 grey or 3 RGB.
    public var channels: Int
    /// Significant bits of a sample, 1 ... 16.
    public var bitsStored: Int
    /// width * height * channels values.
    public var samples: Samples
    /// Nil for JPEG and PNG and for colour, whose values are shown as they are stored.
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
