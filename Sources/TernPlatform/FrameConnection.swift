import CTernPlatform

/// A connection on a socket of packets, over which a client passes descriptors. Nothing here waits.
@safe public final class FrameConnection {
    /// One message.
    public struct Message {
        /// At most `limitByteCount` of its bytes.
        public var bytes: [UInt8]
        /// How many it had.
        public var byteCount: Int
        /// What came with it; at most two, the second one says that there were more than one.
        public var descriptors: [PassedDescriptor]
        /// Descriptors were left out.
        public var isCut: Bool
    }

    /// What there is to receive.
    public enum Event {
        case message(Message)
        /// Nothing now.
        case nothing
        /// The client is gone, or sent a message of no bytes; what came with it.
        case closed([PassedDescriptor])
    }

    /// How a message went.
    public enum Sending: Equatable, Sendable {
        case sent
        /// It is longer than the system takes in one message.
        case tooLong
        /// The client is gone, or does not read what it is sent.
        case lost
    }

    /// The most bytes of a message that are kept.
    public static let limitByteCount = Int(TERN_FRAME_BYTES)

    /// For `HTTPServer.watch`.
    public let descriptor: Int32
    /// SO_PEERCRED; nil when unknown.
    public let peerUser: Int?
    public let peerProcess: Int?

    /// The next client that waits at a socket; nil when none does.
    public init?(acceptedFrom listener: ListeningSocket) {
        var (connection, user, process): (Int32, Int64, Int64) = (-1, -1, -1)
        // SAFETY: the callee fills three integers during the call.
        guard unsafe tern_frames_accept(listener.descriptor, &connection, &user, &process) == 0 else { return nil }
        descriptor = connection
        peerUser = user < 0 ? nil : Int(user)
        peerProcess = process < 0 ? nil : Int(process)
    }

    deinit { tern_close(descriptor) }

    /// The next message.
    public func receive() -> Event {
        var message = tern_message()
        // SAFETY: the callee fills the structure during the call.
        let failure = unsafe tern_frames_receive(descriptor, &message)
        if failure == Self.noneWaits { return .nothing }
        var descriptors: [PassedDescriptor] = []
        if message.descriptor_count > 0 { descriptors.append(PassedDescriptor(message.descriptors.0)) }
        if message.descriptor_count > 1 { descriptors.append(PassedDescriptor(message.descriptors.1)) }
        guard failure == 0 else { return .closed(descriptors) }
        let byteCount = message.count
        let kept = min(byteCount, Self.limitByteCount)
        // SAFETY: the field has the bytes that are copied out of it, all of them initialised.
        let bytes = unsafe withUnsafeBytes(of: &message.bytes) { unsafe Array($0.prefix(kept)) }
        return .message(Message(bytes: bytes, byteCount: byteCount, descriptors: descriptors, isCut: message.cut != 0))
    }

    /// Sends one message.
    public func send(_ bytes: [UInt8]) -> Sending {
        // SAFETY: the callee reads `count` bytes during the call.
        switch unsafe bytes.withUnsafeBytes({ unsafe tern_frames_send(descriptor, $0.baseAddress, $0.count) }) {
        case 0: .sent
        case Self.messageTooLong: .tooLong
        default: .lost
        }
    }

    /// EAGAIN and EMSGSIZE of Linux.
    private static let noneWaits: Int32 = 11
    private static let messageTooLong: Int32 = 90
}

/// A descriptor that a client passed; it is closed with this object at the latest.
@safe public final class PassedDescriptor {
    private var descriptor: Int32

    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close() }

    /// True for shared memory. Closing any other descriptor may wait for its file system, for as long as that likes.
    public var isSharedMemory: Bool { descriptor >= 0 && tern_is_shared_memory(descriptor) != 0 }

    /// Closes it now.
    public func close() {
        if descriptor >= 0 { tern_close(descriptor) }
        descriptor = -1
    }

    /// Maps the memory and closes the descriptor.
    ///
    /// - Parameter byteCount: what it must hold, exactly.
    /// - Throws: `SealedMemoryError`.
    public func map(byteCount: Int) throws(SealedMemoryError) -> SealedMemory {
        guard byteCount > 0 else { throw .otherByteCount }
        var mapping = unsafe tern_mapping()
        // SAFETY: the callee fills `mapping` during the call.
        let failure = unsafe tern_map_sealed(descriptor, byteCount, &mapping)
        switch failure {
        case 0: break
        case Int32(TERN_SEAL_NOT_MEMORY): throw .notSharedMemory
        case Int32(TERN_SEAL_MISSING): throw .notSealed
        case Int32(TERN_SEAL_COUNT): throw .otherByteCount
        case Int32(TERN_SEAL_HOLES): throw .unwrittenPages
        default: throw .refused(errno: failure)
        }
        guard let start = unsafe mapping.start else { throw .refused(errno: 0) }
        close()
        // SAFETY: the callee mapped `byteCount` bytes from `start`.
        return unsafe SealedMemory(start: start, byteCount: byteCount)
    }
}

/// Memory that a client shares and can change no more: its size and its bytes are sealed, and all of its pages are there. Reading it cannot end this
/// process as reading a mapped file can.
@safe public final class SealedMemory {
    private let start: UnsafeRawPointer
    public let byteCount: Int

    fileprivate init(start: UnsafeRawPointer, byteCount: Int) {
        unsafe self.start = start
        self.byteCount = byteCount
    }

    // SAFETY: this is what mmap gave, and no span outlives this object.
    deinit { unsafe tern_unmap(start, byteCount) }

    /// The bytes in place.
    public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: the mapping lives as long as self, to which the span is bound, and its bytes do not change.
            let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// A copy of the bytes.
    public var copy: [UInt8] {
        // SAFETY: as above.
        unsafe Array(UnsafeRawBufferPointer(start: start, count: byteCount))
    }
}

/// Why a descriptor is not taken.
public enum SealedMemoryError: Error, Equatable, Sendable {
    /// A file, a pipe, a directory, huge pages: anything but a memfd of ordinary pages.
    case notSharedMemory
    /// Not all of F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE are set.
    case notSealed
    /// It holds another number of bytes than was said.
    case otherByteCount
    /// Some of its pages were never written.
    case unwrittenPages
    /// The operating system refused.
    case refused(errno: Int32)
}
