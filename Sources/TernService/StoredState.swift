internal import TernAudit
internal import TernPlatform

/// What an earlier run left in the state directory, looked at without a change.
public enum StoredState {
    /// Reads the findings, the audit log and the reviews as a start reads them. What is not there yet is in order.
    ///
    /// - Parameter path: a directory that is there.
    /// - Throws: `ServiceError`: what a start would refuse.
    public static func check(path: String) throws(ServiceError) {
        try FindingsFile.check(path: path)
        do throws(AuditError) { try AuditLog.check(directory: path) } catch { throw .audit(error) }
        try ReviewFile.check(path: path)
    }
}

extension FindingsFile {
    /// Reads the files as `init` and `readResults` do, and throws what they throw.
    fileprivate static func check(path: String) throws(ServiceError) {
        guard realPath(path) != nil else { return }
        let top: FileStore
        let closed: FileStore?
        let active: StoredFile?
        var segments: [FindingsSegment] = []
        do throws(PlatformError) {
            top = try FileStore(path: path, isShared: true)
            closed = try FileStore.existing(path + "/findings")
            active = try top.existingFile(FindingsSegment.activeName)
            if let closed { segments = try Self.segments(in: closed) }
        } catch {
            throw ServiceError(error)
        }
        let recovery = try Recovery(
            byteCount: active?.byteCount ?? 0, read: { (range) throws(PlatformError) in try active?.read(range) ?? [] }, behind: &segments,
            in: closed ?? top)
        if let closed { _ = try readResults(in: closed, newest: recovery.last) }
    }
}
