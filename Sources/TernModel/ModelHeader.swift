/// The validated fields of the header page, Models/FORMAT.md section 1.
public struct ModelHeader: Equatable, Sendable {
    public var name: String
    public var version: String
    public var arenaByteCount: Int
    /// Input image [channels, height, width] f32, byte offset in the arena.
    public var inputByteOffset: Int
    public var outputByteOffset: Int
    public var outputCount: Int
    public var channels: Int
    public var height: Int
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

