internal import TernBytes
internal import TernPlatform

/// How much of the maps is kept.
public struct MapLimits: Equatable, Sendable {
    /// Bytes of all files; the oldest go first.
    public var byteCount = 256 << 20
    /// Results with maps; the oldest go first.
    public var resultCount = 10_000
    public init() {}
}

/// `maps/` in the state directory: of each result that has maps one file with their pictures, on the disk before the result is.
///
/// The worker stores, the reader of old results reads and removes, the loop asks what is there; nobody holds the lock while a disk is at work.
final class MapShelf {
    private struct File {
        var sequence: Int
        var byteCount: Int
    }
    private let store: FileStore
    private let lock: Lock
    /// Nil: nothing is stored, and what is there stays until its results go.
    private let limits: MapLimits?
    private var files: [StudyIdentifier: File] = [:]
    /// Ascending by the number of the result.
    private var order: [StudyIdentifier] = []
    private var byteCount = 0

    /// Opens the shelf: removes what an earlier run had not finished, and the maps of results that are not there.
    ///
    /// - Returns: nil when none is wanted and none is there.
    /// - Throws: `PlatformError`.
    static func open(in directory: StateDirectory, _ limits: MapLimits?, _ index: FindingsIndex) throws(PlatformError) -> MapShelf? {
        let path = directory.path + "/maps"
        if limits == nil, try FileStore.existing(path) == nil { return nil }
        let shelf = MapShelf(try FileStore(path: path, isInside: true), try Lock(), limits)
        try shelf.recover(index)
        return shelf
    }

    private init(_ store: FileStore, _ lock: Lock, _ limits: MapLimits?) {
        self.store = store
        self.lock = lock
        self.limits = limits
    }

    private func recover(_ index: FindingsIndex) throws(PlatformError) {
        var found: [(sequence: Int, identifier: StudyIdentifier, byteCount: Int)] = []
        let oldest = index.oldest ?? .max, newest = index.newest
        for name in try store.names() {
            let stem = Self.hasSuffix(name, FileStore.unfinishedSuffix) ? String(decoding: name.utf8.dropLast(4), as: UTF8.self) : name
            guard let (sequence, identifier) = Self.parse(stem) else { continue }
            // The study of a result that was not recorded is read again.
            if stem.utf8.count != name.utf8.count || sequence < oldest || sequence > newest {
                try store.remove(name)
            } else {
                found.append((sequence, identifier, try store.byteCount(of: name)))
            }
        }
        found.sort { $0.sequence < $1.sequence }
        for file in found { enter(file.identifier, File(sequence: file.sequence, byteCount: file.byteCount)) }
    }

    private func enter(_ identifier: StudyIdentifier, _ file: File) {
        if let old = files.updateValue(file, forKey: identifier) { byteCount -= old.byteCount } else { order.append(identifier) }
        byteCount += file.byteCount
    }

    func holds(_ identifier: StudyIdentifier) -> Bool { lock.withLock { files[identifier] != nil } }

    /// Stores the maps of a result that is to be recorded under this number; the oldest make room.
    ///
    /// - Returns: True when they are on the disk.
    /// - Throws: `PlatformError`; then nothing of them is there.
    func store(_ pictures: [MapPicture], of identifier: StudyIdentifier, sequence: Int) throws(PlatformError) -> Bool {
        guard let limits, !pictures.isEmpty else { return false }
        let head = Self.head(of: pictures)
        let count = pictures.reduce(head.count) { $0 + $1.bytes.count }
        guard count <= limits.byteCount else { return false }
        while let oldest = lock.withLock({ byteCount + count > limits.byteCount || order.count >= limits.resultCount ? order.first : nil }) { remove(oldest) }
        try store.write(Self.name(sequence, identifier), head: head, body: Array(pictures.map { $0.bytes }.joined()))
        try store.sync()
        lock.withLock { enter(identifier, File(sequence: sequence, byteCount: count)) }
        return true
    }

    /// Removes the maps of results before this one.
    func remove(before sequence: Int) {
        while let oldest = lock.withLock({ order.first.flatMap { files[$0]?.sequence ?? 0 < sequence ? $0 : nil } }) { remove(oldest) }
    }

    /// Takes back the maps of a result that is not recorded after all.
    func withdraw(_ identifier: StudyIdentifier) { remove(identifier) }

    /// Forgets a file and removes it; what cannot be removed now goes with the next start.
    private func remove(_ identifier: StudyIdentifier) {
        let file = lock.withLock { () -> File? in
            guard let file = files.removeValue(forKey: identifier) else { return nil }
            order.removeAll { $0 == identifier }
            byteCount -= file.byteCount
            return file
        }
        if let file { try? store.remove(Self.name(file.sequence, identifier)) }
    }

    /// One picture, the first when no label is named.
    ///
    /// - Throws: `.mapGone` when the file is not there any more, `.noSuchMap` when no picture is of this label, `.notReadBack`.
    func picture(of identifier: StudyIdentifier, label: [UInt8]?) throws(Problem) -> [UInt8] {
        guard let known = lock.withLock({ files[identifier] }) else { throw .mapGone }
        do throws(PlatformError) {
            guard let file = try store.existingFile(Self.name(known.sequence, identifier)) else { throw .openFailed(errno: Self.noSuchFile) }
            let head = try file.read(0..<min(file.byteCount, Self.limitHeadByteCount))
            guard let ranges = Self.ranges(head, byteCount: file.byteCount) else { throw .openFailed(errno: 5) }
            guard let wanted = ranges.first(where: { label == nil || $0.label == label }) else { return [] }
            return try file.read(wanted.bytes)
        } catch {
            throw error.number == Self.noSuchFile ? .mapGone : .notReadBack
        }
    }

    /// ENOENT of Linux.
    private static let noSuchFile: Int32 = 2
}

extension MapShelf {
    private static let suffix = ".maps"

    /// Nineteen digits of the result's number, a hyphen, the study, `.maps`.
    private static func name(_ sequence: Int, _ identifier: StudyIdentifier) -> String { Decimal.padded(sequence) + "-" + identifier.text + suffix }

    private static func hasSuffix(_ name: String, _ suffix: String) -> Bool { name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }

    private static func parse(_ name: String) -> (Int, StudyIdentifier)? {
        let bytes = Array(name.utf8)
        guard bytes.count == 19 + 1 + 36 + suffix.utf8.count, hasSuffix(name, suffix), bytes[19] == 0x2D, let sequence = Decimal.parse(bytes[..<19]),
            let identifier = StudyIdentifier(Array(bytes[20..<56]))
        else { return nil }
        return (sequence, identifier)
    }

    /// 256 labels (Models/FORMAT.md F-24) of at most 47 bytes, and eight bytes of counts for each.
    static let limitHeadByteCount = 12 + 256 * (8 + 47)
    private static let mark: UInt32 = 0x3150_414D

    /// `MAP1`, the count of pictures and of the labels' bytes, for each the counts of its label's and its own bytes, the labels; little endian.
    static func head(of pictures: [MapPicture]) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ number: Int) {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        append(Int(mark))
        append(pictures.count)
        append(pictures.reduce(0) { $0 + $1.label.utf8.count })
        for picture in pictures {
            append(picture.label.utf8.count)
            append(picture.bytes.count)
        }
        for picture in pictures { bytes += Array(picture.label.utf8) }
        return bytes
    }

    /// Where each picture lies in a file of so many bytes; nil for a head that is none, or that the file does not hold.
    static func ranges(_ head: [UInt8], byteCount: Int) -> [(label: [UInt8], bytes: Range<Int>)]? {
        var reader = ByteReader(head.rawBytes)
        do throws(ReadError) {
            guard try reader.readUInt32LE() == mark else { return nil }
            let count = Int(try reader.readUInt32LE()), labelByteCount = Int(try reader.readUInt32LE())
            guard (1...256).contains(count), 12 + count * 8 + labelByteCount <= head.count else { return nil }
            var labels = ByteReader(head.rawBytes)
            try labels.seek(to: 12 + count * 8)
            var start = 12 + count * 8 + labelByteCount
            var found: [(label: [UInt8], bytes: Range<Int>)] = []
            for _ in 0..<count {
                let label = try labels.readBytes(Int(try reader.readUInt32LE())).array
                let end = start + Int(try reader.readUInt32LE())
                guard end <= byteCount else { return nil }
                found.append((label, start..<end))
                start = end
            }
            return found
        } catch {
            return nil
        }
    }
}
