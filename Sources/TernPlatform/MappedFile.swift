/// A file mapped read-only for as long as this object lives.
@safe public final class MappedFile {
    private let start: UnsafeRawPointer
    private let byteCount: Int
    public init(path: String) throws(PlatformError) { throw .openFailed(errno: 0) }
    public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes, for as long as `owner` lives, which must keep this mapping in a `let`.
    @_lifetime(borrow owner)
    public func bytes<Owner: AnyObject>(heldBy owner: borrowing Owner) -> RawSpan {
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
        return unsafe _overrideLifetime(span, borrowing: owner)
    }
}
public enum PlatformError: Error, Equatable, Sendable { case openFailed(errno: Int32) }
