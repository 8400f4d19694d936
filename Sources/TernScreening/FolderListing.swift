public import TernPlatform

/// The image files of a folder and of all folders below it.
public struct FolderListing: Equatable, Sendable {
    /// A file to be read.
    public struct Item: Equatable, Sendable {
        /// From the folder on, parts with `/` between them.
        public var path: PathBytes
        public var byteCount: Int
        /// When its contents were last written, nanoseconds since 1970.
        public var written: Int
    }

    /// What was left out, counted.
    public struct Skipped: Equatable, Sendable {
        /// Files and folders whose name begins with a full stop.
        public var hidden = 0
        /// Links, which are not followed.
        public var links = 0
        /// Files that are no images by name and by content; devices, pipes and sockets.
        public var others = 0
        /// Folders and entries that could not be looked at.
        public var unreadable = 0
        /// Folders below `limitDepth`, or inside themselves.
        public var tooDeep = 0
        public init() {}
    }

    public static let limitDepth = 64
    public static let limitCount = 1_000_000
    /// Names in all folders together, whatever they name: so many are held in memory at most.
    public static let limitEntryCount = 4_000_000
    /// So many bytes are looked at to tell a kind.
    public static let startByteCount = 4096

    /// In the order of their bytes.
    public private(set) var items: [Item] = []
    public private(set) var skipped = Skipped()

    private struct Pending {
        /// From the root on; empty for the root itself.
        var path: PathBytes
        var depth: Int
        var device, inode: UInt64
        /// Index of the folder around it in `visited`; -1 for the root.
        var parent: Int
    }

    /// Looks through a folder.
    ///
    /// A file counts as an image by the ending of its name or, where that says nothing, by its first bytes. Of a NIfTI pair the header stands for both files.
    ///
    /// - Parameters:
    ///   - root: a path without links.
    ///   - recognises: whether the first bytes are those of an image.
    ///   - limitEntryCount: for tests of the limit.
    ///   - isStopped: asked before each folder.
    /// - Throws: `ScreeningError` when the root cannot be listed, there are too many files or entries, or somebody stops.
    public init(
        of root: PathBytes, limitEntryCount: Int = Self.limitEntryCount, recognises: ([UInt8]) -> Bool, isStopped: () -> Bool
    ) throws(ScreeningError) {
        var entryCount = 0
        var visited: [Pending] = []
        let top: Tree.Entry
        do throws(PlatformError) { top = try Tree.look(root) } catch { throw ScreeningError(error, .folder) }
        var waiting = [Pending(path: [], depth: 0, device: top.device, inode: top.inode, parent: -1)]
        while let folder = waiting.popLast() {
            if isStopped() { throw .stopped }
            let listed: (names: [PathBytes], isComplete: Bool)
            do throws(PlatformError) {
                listed = try Tree.names(in: folder.path.isEmpty ? root : root + [0x2F] + folder.path, limit: limitEntryCount - entryCount)
            } catch {
                if folder.path.isEmpty { throw ScreeningError(error, .folder) }
                skipped.unreadable += 1
                continue
            }
            guard listed.isComplete else { throw .tooManyEntries(limit: limitEntryCount) }
            entryCount += listed.names.count
            let sorted = listed.names.sorted { $0.lexicographicallyPrecedes($1) }
            let index = visited.count
            visited.append(folder)
            for name in sorted {
                let path = folder.path.isEmpty ? name : folder.path + [0x2F] + name
                guard name.first != 0x2E else {
                    skipped.hidden += 1
                    continue
                }
                let entry: Tree.Entry
                do throws(PlatformError) { entry = try Tree.look(root + [0x2F] + path) } catch {
                    // Gone since it was listed.
                    if error != .openFailed(errno: Folder.noSuchName) { skipped.unreadable += 1 }
                    continue
                }
                switch entry.kind {
                case .link: skipped.links += 1
                case .other: skipped.others += 1
                case .folder:
                    let inner = Pending(path: path, depth: folder.depth + 1, device: entry.device, inode: entry.inode, parent: index)
                    if inner.depth > Self.limitDepth || Self.isInsideItself(inner, visited) { skipped.tooDeep += 1 } else { waiting.append(inner) }
                case .file:
                    guard Self.isImage(name, among: sorted, at: root + [0x2F] + path, recognises) else {
                        // The samples of a pair are read with its header.
                        if !FileName.isSamplesOfPair(name, among: sorted) { skipped.others += 1 }
                        continue
                    }
                    guard items.count < Self.limitCount else { throw .tooManyFiles(limit: Self.limitCount) }
                    items.append(Item(path: path, byteCount: entry.byteCount, written: entry.written))
                }
            }
        }
        items.sort { $0.path.lexicographicallyPrecedes($1.path) }
    }

    private static func isInsideItself(_ folder: Pending, _ visited: [Pending]) -> Bool {
        var index = folder.parent
        while index >= 0 {
            if visited[index].device == folder.device, visited[index].inode == folder.inode { return true }
            index = visited[index].parent
        }
        return false
    }

    private static func isImage(_ name: PathBytes, among names: [PathBytes], at path: PathBytes, _ recognises: ([UInt8]) -> Bool) -> Bool {
        if FileName.isSamplesOfPair(name, among: names) || FileName.isDirectoryOfMedia(name) { return false }
        if FileName.hasImageEnding(name) { return true }
        guard let start = try? Tree.start(of: path, count: startByteCount) else { return false }
        return recognises(start)
    }
}

/// What a name says of a file.
enum FileName {
    private static let endings = [
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".dcm", ".dicom", ".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz",
    ]

    static func hasImageEnding(_ name: PathBytes) -> Bool { endings.contains { hasEnding(name, $0) } }

    /// PS3.10 2024d section 8: a directory of files, no image.
    static func isDirectoryOfMedia(_ name: PathBytes) -> Bool { name.count == 8 && hasEnding(name, "dicomdir") }

    /// Whether a `.img` has its `.hdr` beside it.
    static func isSamplesOfPair(_ name: PathBytes, among names: [PathBytes]) -> Bool {
        guard hasEnding(name, ".img") || hasEnding(name, ".img.gz") else { return false }
        let stem = name.dropLast(hasEnding(name, ".gz") ? 7 : 4)
        for ending in [".hdr", ".hdr.gz"] {
            let header = Array(stem) + Array(ending.utf8)
            var low = 0
            var high = names.count
            while low < high {
                let middle = (low + high) / 2
                if names[middle].lexicographicallyPrecedes(header) { low = middle + 1 } else { high = middle }
            }
            if low < names.count, names[low] == header { return true }
        }
        return false
    }

    private static func hasEnding(_ name: PathBytes, _ ending: String) -> Bool {
        guard name.count >= ending.utf8.count else { return false }
        return name.suffix(ending.utf8.count).elementsEqual(ending.utf8) { byte, wanted in
            (0x41...0x5A).contains(byte) ? byte + 0x20 == wanted : byte == wanted
        }
    }
}

extension ScreeningError {
    init(_ error: PlatformError, _ place: Place) {
        switch error {
        case .openFailed(let errno): self = .system(place, errno: errno)
        case .notARegularFile: self = .system(place, errno: 22)
        // EIO of Linux for what has no number of its own.
        default: self = .system(place, errno: 5)
        }
    }
}
