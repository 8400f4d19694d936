/// A picture of one channel as it is shown: 0 black ... 255 white.
public struct GreyPlane: Equatable, Sendable {
    /// Columns and rows, at least 1.
    public var width: Int
    public var height: Int
    /// width * height values, row-major.
    public var values: [UInt8]

    /// - Precondition: both sides are positive and `values` has their product.
    public init(width: Int, height: Int, values: [UInt8]) {
        precondition(width > 0 && height > 0 && values.count == width * height, "values of the plane's shape")
        self.width = width
        self.height = height
        self.values = values
    }
}
