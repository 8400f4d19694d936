/// A rectangle of whole pixels: columns x ..< x + width, rows y ..< y + height.
public struct PixelRectangle: Equatable, Sendable {
    public var x, y: Int
    public var width, height: Int
    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}
