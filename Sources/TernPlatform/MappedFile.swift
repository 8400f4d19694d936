import CTernPlatform

/// A file mapped read-only for as long as this object lives.
///
/// Another process that shortens a mapped file makes a later read of it end this process (SIGBUS), which no check here can prevent: keep
/// mapped files where only root writes, and replace them with `writeFileAtomically`, never in place.
@safe public final class MappedFile {
    private let start: UnsafeRawPointer
    private let byteCount: Int

    /// Maps a regular file that is not empty; the start is aligned to a page.
    ///
    /// - Throws: `PlatformError.openFailed` with `ENOENT`, `EACCES` …; `.notARegularFile`; `.emptyFile`.
    public init(path: String) throws(PlatformError) {
        try checkPath(path)
        var mapping = unsafe tern_mapping()
        // SAFETY: the callee reads a terminated string and fills `mapping`; both live for the call.
        let failure = unsafe path.withCString { unsafe tern_map_file($0, &mapping) }
        guard failure == 0, let mapped = unsafe mapping.start else { throw PlatformError(fileFailure: failure) }
        // SAFETY: the callee mapped `count` bytes from `start`; they stay mapped until deinit.
        unsafe start = mapped
        unsafe byteCount = mapping.count
    }

    /// Maps a copy of bytes in memory, for tests and for models that arrive by other ways than a file.
    ///
    /// - Throws: `PlatformError.emptyFile` for no bytes, `.openFailed` with `ENOMEM`.
    public init(copying bytes: RawSpan) throws(PlatformError) {
        guard bytes.byteCount > 0 else { throw .emptyFile }
        var mapping = unsafe tern_mapping()
        // SAFETY: the callee copies `count` bytes out of the span during the call.
        let failure = unsafe bytes.withUnsafeBytes { unsafe tern_map_copy($0.baseAddress, $0.count, &mapping) }
        guard failure == 0, let mapped = unsafe mapping.start else { throw PlatformError(fileFailure: failure) }
        // SAFETY: as above.
        unsafe start = mapped
        unsafe byteCount = mapping.count
    }

    /// Maps a copy of an array; see `init(copying:)` of a span.
    public convenience init(copying bytes: [UInt8]) throws(PlatformError) {
        // SAFETY: an array of bytes has no padding that could be read uninitialised.
        try unsafe self.init(copying: bytes.span.bytes)
    }

    // SAFETY: `start` and `byteCount` are what mmap gave, and no span outlives this object.
    deinit { unsafe tern_unmap(start, byteCount) }

    /// The bytes of the file.
    public var bytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: the mapping lives as long as self, to which the span is bound.
            let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes, for as long as `owner` lives, which must keep this mapping in a `let`.
    @_lifetime(borrow owner)
    public func bytes<Owner: AnyObject>(heldBy owner: borrowing Owner) -> RawSpan {
        // SAFETY: the caller promises that `owner` keeps self, and self keeps the mapping.
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: byteCount)
        return unsafe _overrideLifetime(span, borrowing: owner)
    }
}
