/// The validated fields of the header page, Models/FORMAT.md section 1.
public struct ModelHeader: Equatable, Sendable {
    /// At most 63 ASCII bytes, not empty.
    public var name: String
    /// At most 31 ASCII bytes.
    public var version: String
    /// Bytes that the plan computes in, a multiple of 64.
    public var arenaByteCount: Int
    /// Input image [channels, height, width] f32, byte offset in the arena.
    public var inputByteOffset: Int
    /// The `outputCount` values of the result, byte offset in the arena.
    public var outputByteOffset: Int
    /// 1 ... 65,536.
    public var outputCount: Int
    /// 1 or 3.
    public var channels: Int
    /// Rows of the input image.
    public var height: Int
    /// Columns of the input image.
    public var width: Int
    public init(
        name: String, version: String, arenaByteCount: Int, inputByteOffset: Int, outputByteOffset: Int, outputCount: Int, channels: Int,
        height: Int, width: Int
    ) {
        self.name = name
        self.version = version
        self.arenaByteCount = arenaByteCount
        self.inputByteOffset = inputByteOffset
        self.outputByteOffset = outputByteOffset
        self.outputCount = outputCount
        self.channels = channels
        self.height = height
        self.width = width
    }
}

