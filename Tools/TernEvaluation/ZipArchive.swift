import TernBytes
public import TernPlatform
import TernZlib

/// The directory of a zip file and its mapped bytes; reads what NumPy's `savez` and `savez_compressed` write.
///
/// - Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.16 and, for archives past 4 GiB, 4.3.14, 4.3.15 and 4.5.3.
public final class ZipArchive {
    /// One file of the archive.
    struct Entry {
        var name: String
        var flags: Int
        var method: Int
        var checksum: UInt32
        var storedByteCount: Int
        var byteCount: Int
        var headerOffset: Int
    }

    /// Largest number of entries.
    public static let limitEntries = 1_024
    /// Most bytes that one entry may unpack to: 4 GiB, the test split of the largest MedMNIST set at 224 pixels four times over.
    public static let limitByteCount = 4 << 30

    let entries: [Entry]
    private let mapping: MappedFile
    /// Where the central directory begins; every entry's data ends before it.
    private let directoryOffset: Int

    /// Reads the central directory; entries are unpacked when they are asked for.
    ///
    /// - Throws: `DatasetError`.
    public init(validating mapping: MappedFile) throws(DatasetError) {
        self.mapping = mapping
        let directory = try ZipDirectory(locating: mapping.bytes)
        directoryOffset = directory.offset
        entries = try ZipArchive.entries(of: mapping.bytes, directory)
    }

    /// The names of all entries, in the order of the directory.
    public var names: [String] { entries.map(\.name) }

    /// The unpacked bytes of an entry, nil when the archive has none of that name.
    ///
    /// Allocates nothing before the declared byte count was held against `limit` and against what deflate can hold.
    ///
    /// - Throws: `DatasetError`.
    public func contents(of name: String, limit: Int = limitByteCount) throws(DatasetError) -> [UInt8]? {
        guard let entry = entries.first(where: { $0.name == name }) else { return nil }
        // Bit 0: encrypted; bit 6: strongly so.
        guard entry.flags & 0x41 == 0 else { throw .encrypted(entry: name) }
        guard entry.byteCount <= limit else { throw .tooManyBytes(entry: name, byteCount: entry.byteCount, limit: limit) }
        let mapping = self.mapping
        let data = try range(of: entry)
        let bytes: [UInt8]
        switch entry.method {
        case 0:
            guard entry.byteCount == entry.storedByteCount else { throw .damaged(entry: name) }
            bytes = mapping.bytes.extracting(data).array
        case 8:
            guard entry.byteCount / limitDeflateExpansion <= entry.storedByteCount else {
                throw .moreThanDeflateHolds(entry: name, byteCount: entry.byteCount, stored: entry.storedByteCount)
            }
            bytes = try inflated(mapping.bytes.extracting(data), byteCount: entry.byteCount, entry: name)
        default: throw .method(entry: name, method: entry.method)
        }
        guard checksum(bytes) == entry.checksum else { throw .checksum(entry: name) }
        return bytes
    }

    /// Where the data of an entry lies; the local header says how far it reaches itself.
    private func range(of entry: Entry) throws(DatasetError) -> Range<Int> {
        let mapping = self.mapping
        var reader = ByteReader(mapping.bytes)
        do throws(ReadError) {
            try reader.seek(to: entry.headerOffset)
            guard try reader.readUInt32LE() == 0x0403_4B50 else { throw ReadError.truncated(offset: entry.headerOffset, needed: 0, available: 0) }
            _ = try reader.readBytes(22)
            let name = Int(try reader.readUInt16LE())
            let extra = Int(try reader.readUInt16LE())
            guard try Array(entry.name.utf8) == reader.readBytes(name).array else {
                throw ReadError.truncated(offset: entry.headerOffset, needed: 0, available: 0)
            }
            _ = try reader.readBytes(extra)
        } catch {
            throw .entryOutsideTheFile(entry: entry.name)
        }
        guard reader.offset <= directoryOffset, entry.storedByteCount <= directoryOffset - reader.offset else {
            throw .entryOutsideTheFile(entry: entry.name)
        }
        return reader.offset..<(reader.offset + entry.storedByteCount)
    }

    private static func entries(of bytes: RawSpan, _ directory: ZipDirectory) throws(DatasetError) -> [Entry] {
        var reader = ByteReader(bytes)
        var entries: [Entry] = []
        var names: Set<String> = []
        do throws(ReadError) {
            try reader.seek(to: directory.offset)
            for _ in 0..<directory.entryCount {
                guard let entry = try entry(&reader) else { throw .truncated(offset: reader.offset, needed: 0, available: 0) }
                entries.append(entry)
            }
        } catch {
            throw .directory(error)
        }
        guard reader.offset == directory.end else { throw .directory(nil) }
        for entry in entries where !names.insert(entry.name).inserted { throw .duplicateEntry(entry: entry.name) }
        return entries
    }

    /// One record of the central directory, APPNOTE 4.3.12; nil when it is none.
    private static func entry(_ reader: inout ByteReader) throws(ReadError) -> Entry? {
        guard try reader.readUInt32LE() == 0x0201_4B50 else { return nil }
        _ = try reader.readBytes(4)
        let flags = Int(try reader.readUInt16LE())
        let method = Int(try reader.readUInt16LE())
        _ = try reader.readBytes(4)
        let checksum = try reader.readUInt32LE()
        var stored = UInt64(try reader.readUInt32LE())
        var count = UInt64(try reader.readUInt32LE())
        let nameByteCount = Int(try reader.readUInt16LE())
        let extraByteCount = Int(try reader.readUInt16LE())
        let commentByteCount = Int(try reader.readUInt16LE())
        _ = try reader.readBytes(8)
        var offset = UInt64(try reader.readUInt32LE())
        let name = String(decoding: try reader.readBytes(nameByteCount).array, as: UTF8.self)
        let extra = try reader.readBytes(extraByteCount)
        _ = try reader.readBytes(commentByteCount)
        try widen(extra, &count, &stored, &offset)
        guard let byteCount = Int(exactly: count), let storedByteCount = Int(exactly: stored), let headerOffset = Int(exactly: offset) else {
            return nil
        }
        return Entry(
            name: name, flags: flags, method: method, checksum: checksum, storedByteCount: storedByteCount, byteCount: byteCount,
            headerOffset: headerOffset)
    }

    /// APPNOTE 4.5.3: a field of all ones has its value in the extra block 1, in the order count, stored count, offset.
    private static func widen(_ extra: RawSpan, _ count: inout UInt64, _ stored: inout UInt64, _ offset: inout UInt64) throws(ReadError) {
        var reader = ByteReader(extra)
        while reader.remainingByteCount >= 4 {
            let kind = try reader.readUInt16LE()
            var block = ByteReader(try reader.readBytes(Int(try reader.readUInt16LE())))
            guard kind == 1 else { continue }
            if count == 0xFFFF_FFFF { count = try block.readUInt64LE() }
            if stored == 0xFFFF_FFFF { stored = try block.readUInt64LE() }
            if offset == 0xFFFF_FFFF { offset = try block.readUInt64LE() }
        }
    }
}

/// Where the central directory of a zip file lies.
private struct ZipDirectory {
    let offset: Int
    let end: Int
    let entryCount: Int

    /// Finds the end-of-central-directory record, whose comment may have 65,535 bytes.
    init(locating bytes: RawSpan) throws(DatasetError) {
        let total = bytes.byteCount
        var at = total - 22
        while at >= 0, at >= total - 22 - 65_535 {
            if bytes.uint32LE(at: at) == 0x0605_4B50, Int(bytes.uint16LE(at: at + 20)) == total - at - 22 { break }
            at -= 1
        }
        guard at >= 0, at >= total - 22 - 65_535 else { throw .notAZipFile }
        guard bytes.uint16LE(at: at + 4) == 0, bytes.uint16LE(at: at + 6) == 0, bytes.uint16LE(at: at + 8) == bytes.uint16LE(at: at + 10) else {
            throw .directory(nil)
        }
        var count = UInt64(bytes.uint16LE(at: at + 10))
        var byteCount = UInt64(bytes.uint32LE(at: at + 12))
        var start = UInt64(bytes.uint32LE(at: at + 16))
        var limit = at
        // APPNOTE 4.3.15: the locator of the 64-bit record stands before the record that ends the file.
        if count == 0xFFFF || byteCount == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
            guard at >= 20, bytes.uint32LE(at: at - 20) == 0x0706_4B50, let record = Int(exactly: bytes.uint64LE(at: at - 12)),
                record <= at - 20, at - 20 - record >= 56, bytes.uint32LE(at: record) == 0x0606_4B50
            else { throw .directory(nil) }
            count = bytes.uint64LE(at: record + 32)
            byteCount = bytes.uint64LE(at: record + 40)
            start = bytes.uint64LE(at: record + 48)
            limit = record
        }
        guard let offset = Int(exactly: start), let length = Int(exactly: byteCount), offset <= limit, length <= limit - offset else {
            throw .directory(nil)
        }
        guard count <= UInt64(ZipArchive.limitEntries) else {
            throw .tooManyEntries(count: Int(clamping: count), limit: ZipArchive.limitEntries)
        }
        self.offset = offset
        end = offset + length
        entryCount = Int(count)
    }
}
