/// A picture as a screen shows it: values of interest, inversion and palette applied, 8 bits a sample.
public struct ShownImage: Equatable, Sendable {
    /// Columns and rows, 1 ... `ImageLimits.limitSide`.
    public var width, height: Int
    /// 1 grey or 3 RGB, interleaved.
    public var channels: Int
    /// width * height * channels values, row-major.
    public var samples: [UInt8]
    public init(width: Int, height: Int, channels: Int, samples: [UInt8]) {
        self.width = width
        self.height = height
        self.channels = channels
        self.samples = samples
    }
}
