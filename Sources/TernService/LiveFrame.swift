public import TernFindings
public import TernImage
public import TernPlatform

/// One live picture: looked at at once or not at all.
public struct LiveFrame {
    /// Where its bytes are.
    public enum Content {
        case bytes([UInt8], InputKind)
        /// A file in shared memory.
        case memory(SealedMemory, InputKind)
        /// A picture in shared memory, whose byte count is that of the memory at most.
        case pixels(SealedMemory, RawPixels)
    }
    public let content: Content
    /// What the sender says of a picture that names no modality.
    public let modality: StatedModality?

    public init(content: Content, modality: StatedModality?) {
        self.content = content
        self.modality = modality
    }

    /// Bytes that it keeps in memory of the service's own.
    var heldByteCount: Int {
        if case .bytes(let bytes, _) = content { return bytes.count }
        return 0
    }
}

/// Reads one live frame; called on the worker's thread, one call at a time, and never while a study's frame is being read.
public typealias FrameAnalyser = (LiveFrame) -> Analysis

/// What becomes of live frames and their senders.
struct LiveCounters: Equatable {
    /// Well-formed frames that were taken; each ends as one of the next four, or waits.
    var received = 0
    var analysed = 0
    /// A newer one of the same source took their place.
    var superseded = 0
    /// Their deadline passed.
    var late = 0
    /// Their sender left, or the service stopped.
    var abandoned = 0
    /// Messages that were refused.
    var refused = 0
    /// Connections that were given up: what came over them was no frame, or nobody read the answers.
    var dropped = 0
}

/// Who sends frames of which the newest counts.
enum FrameSource: Hashable {
    /// A connection of the socket of frames.
    case connection(Int32)
    /// A process on the HTTP socket.
    case process(user: Int?, process: Int?)
    /// What a user of the HTTP socket calls a source.
    case numbered(user: Int?, Int)
}
