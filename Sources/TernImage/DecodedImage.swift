/// A decoded image before any preparation: what the file stores, and how the file says it is to be shown.
public struct DecodedImage: Equatable, Sendable {
    /// Stored values, row-major, channels interleaved.
    public enum Samples: Equatable, Sendable {
        case uint8([UInt8])
        case uint16([UInt16])
        case int16([Int16])
        case uint32([UInt32])
        case int32([Int32])
        /// Real values (NIfTI); never colour, every one finite.
        case real([Float])

        /// Number of values.
        public var count: Int {
            switch self {
            case .uint8(let values): values.count
            case .uint16(let values): values.count
            case .int16(let values): values.count
            case .uint32(let values): values.count
            case .int32(let values): values.count
            case .real(let values): values.count
            }
        }
    }
    /// The greyscale steps a file carries, in the order of PS3.3 2024d C.11: modality, values of interest, inversion last.
    public struct Greyscale: Equatable, Sendable {
        /// Rescaled value = stored value * slope + intercept; 1 and 0 when the file has neither, and beside a modality table.
        public var slope: Double
        public var intercept: Double
        /// Modality LUT, C.11.1: gives the rescaled value instead of slope and intercept.
        public var modalityTable: LookupTable?
        /// The transformation of rescaled values that is in use, C.11.2; nil when the file has none.
        public var voi: VOI?
        /// How many tables and windows the file offers. They are alternatives (C.11.2.1.1): the first table is used, else the first window.
        public var voiCount: Int
        /// MONOCHROME1: small values are shown white.
        public var isInverted: Bool
        public init(
            slope: Double = 1, intercept: Double = 0, modalityTable: LookupTable? = nil, voi: VOI? = nil, voiCount: Int? = nil, isInverted: Bool = false
        ) {
            self.slope = slope
            self.intercept = intercept
            self.modalityTable = modalityTable
            self.voi = voi
            self.voiCount = voiCount ?? (voi == nil ? 0 : 1)
            self.isInverted = isInverted
        }

        /// The window in use; nil for a table or none.
        public var window: Window? {
            guard case .window(let window) = voi else { return nil }
            return window
        }
    }
    /// One transformation of rescaled values to what is shown.
    public enum VOI: Equatable, Sendable {
        case window(Window)
        case table(LookupTable)
        /// The file's window breaks a rule of the standard. Stored and rescaled values are good all the same; what is shown by it is refused.
        case unusable(WindowFault)
    }
    /// What is wrong with a file's window.
    public enum WindowFault: Equatable, Sendable {
        /// A width without a centre, a centre without a width.
        case centreMissing
        case widthMissing
        /// Not a number, or one that the function does not allow.
        case centre
        case width
        /// One that the standard does not have.
        case function
    }
    /// A lookup table of PS3.3 2024d C.11.1.1 and C.11.2.1.1.
    public struct LookupTable: Equatable, Sendable {
        /// The input of the first entry; what is below gets the first entry, what is above the last gets the last.
        public var firstInput: Int
        /// Bits of an entry, 8 ... 16: the output range is 0 ... 2^bits - 1.
        public var bits: Int
        /// 1 ... 65,536 values.
        public var entries: [UInt16]
        public init(firstInput: Int, bits: Int, entries: [UInt16]) {
            self.firstInput = firstInput
            self.bits = bits
            self.entries = entries
        }
    }
    /// A window of PS3.3 2024d C.11.2.1.2 and C.11.2.1.3.
    public struct Window: Equatable, Sendable {
        /// Which formula of the standard applies.
        public enum Function: Equatable, Sendable {
            /// C.11.2.1.2.1: the window covers centre - 0.5 ± (width - 1) / 2.
            case linear
            /// C.11.2.1.3.2: the window covers centre ± width / 2.
            case linearExact
            /// C.11.2.1.3.1: range / (1 + exp(-4 (x - centre) / width)).
            case sigmoid
        }
        public var centre: Double
        /// At least 1 for `linear`, above 0 for the others.
        public var width: Double
        public var function: Function
        public init(centre: Double, width: Double, function: Function = .linear) {
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
    /// Significant bits of a sample, 1 ... 32; 32 for real values.
    public var bitsStored: Int
    /// width * height * channels values.
    public var samples: Samples
    /// Nil for JPEG and PNG and for colour, whose values are shown as they are stored. Real values without a window are shown over their own range.
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
