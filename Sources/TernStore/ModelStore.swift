internal import TernPlatform

/// Why a store does not do what it is asked.
public enum StoreError: Error, Equatable, Sendable {
    /// The operating system refuses; `errno` of Linux.
    case system(errno: Int32)
    /// Another `ternd model` changes it.
    case busy
    /// The file `selection` is not as it is written.
    case selectionDamaged
    /// No model was ever chosen.
    case empty
    /// No model, or more than one, whose digest begins so.
    case noSuchModel
    case ambiguous
    /// None is marked good that it could go back to.
    case nothingGood

    init(_ error: PlatformError) {
        if case .openFailed(let errno) = error { self = .system(errno: errno) } else { self = .system(errno: 22) }
    }
}

/// A folder of models, `models/DIGEST.tern`, and the file `selection` that says which is in use. It is replaced whole: a kill or a power cut at any
/// moment leaves the old one or the new one.
public struct ModelStore: Sendable {
    public let path: String
    public init(path: String) { self.path = path }

    /// Where a model of that digest lies.
    public func path(of digest: String) -> String { path + "/models/" + digest + ".tern" }

    fileprivate var selectionPath: String { path + "/selection" }

    /// - Throws: `StoreError`.
    public func selection() throws(StoreError) -> ModelSelection {
        let bytes: [UInt8]
        do throws(PlatformError) { bytes = try readFile(selectionPath, limitByteCount: 4096) } catch {
            let failure = StoreError(error)
            throw failure == .system(errno: 2) ? .empty : failure
        }
        guard let settings = try? SettingsFile(parsing: bytes), let selection = ModelSelection(settings) else { throw .selectionDamaged }
        return selection
    }
}

/// Changes a store; one at a time.
public final class ModelStoreWriter {
    public let store: ModelStore
    private let models: FileStore
    /// Holds the lock.
    private let directory: StateDirectory

    /// Makes the store when it is missing (0755; its parent must exist), takes its lock, and removes what a killed run has left half written.
    public init(path: String) throws(StoreError) {
        store = ModelStore(path: path)
        do throws(PlatformError) {
            try makeDirectory(path, mode: 0o755)
            directory = try StateDirectory(path: path)
            try makeDirectory(path + "/models", mode: 0o755)
            models = try FileStore(path: path + "/models", isInside: true)
            try Self.removeUnfinished(models)
            try Self.removeUnfinished(try FileStore(path: path))
        } catch {
            throw error == .openFailed(errno: StateDirectory.heldByAnother) ? .busy : StoreError(error)
        }
    }

    private static func removeUnfinished(_ files: FileStore) throws(PlatformError) {
        for name in try files.names() where name.utf8.reversed().starts(with: FileStore.unfinishedSuffix.utf8.reversed()) { try files.remove(name) }
    }

    /// The digests of all models, ascending.
    public func digests() throws(StoreError) -> [String] {
        var digests: [String] = []
        do throws(PlatformError) {
            for name in try models.names() {
                let digest = String(decoding: Array(name.utf8).dropLast(5), as: UTF8.self)
                if isDigest(digest), name == digest + ".tern" { digests.append(digest) }
            }
        } catch { throw StoreError(error) }
        return digests.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The one model whose digest begins so, with eight digits at least.
    public func digest(beginning prefix: String) throws(StoreError) -> String {
        let found = try digests().filter { $0.utf8.starts(with: prefix.utf8) }
        guard prefix.utf8.count >= 8, let digest = found.first else { throw .noSuchModel }
        guard found.count == 1 else { throw .ambiguous }
        return digest
    }

    /// Writes a model file, whole or not at all, and waits until it is on the disk.
    public func add(_ bytes: RawSpan, digest: String) throws(StoreError) {
        do throws(PlatformError) { try writeFileAtomically(store.path(of: digest), bytes) } catch { throw StoreError(error) }
    }

    /// Removes a model file that is not what its name says.
    public func discard(_ digest: String) {
        try? models.remove(digest + ".tern")
    }

    /// Makes a model of the store the current one.
    public func use(_ digest: String) throws(StoreError) -> ModelSelection {
        let selection: ModelSelection
        do throws(StoreError) {
            var next = try store.selection()
            next.use(digest)
            selection = next
        } catch {
            guard error == .empty else { throw error }
            selection = ModelSelection(first: digest)
        }
        return try write(selection)
    }

    public func markGood() throws(StoreError) -> ModelSelection {
        var selection = try store.selection()
        selection.markGood()
        return try write(selection)
    }

    public func rollBack() throws(StoreError) -> ModelSelection {
        var selection = try store.selection()
        guard selection.rollBack() else { throw .nothingGood }
        return try write(selection)
    }

    private func write(_ selection: ModelSelection) throws(StoreError) -> ModelSelection {
        do throws(PlatformError) { try writeFileAtomically(store.selectionPath, Array(selection.text.utf8)) } catch { throw StoreError(error) }
        return selection
    }
}
