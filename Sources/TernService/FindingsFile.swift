public import TernFindings
public import TernPlatform

/// `findings.jsonl` in the state directory: every result of the service, one line each, on the disk before anyone sees it.
public final class FindingsFile {
    private let file: AppendFile
    /// Of the last recorded result; 0 when there is none.
    public private(set) var lastSequence = 0
    /// Bytes of an unfinished line that were cut off when the file was opened.
    public private(set) var cutByteCount = 0
    /// The newest lines that were there when the file was opened.
    private(set) var recovered: [ResultRing.Entry] = []

    /// Longest line of a result: 256 labels (Models/FORMAT.md F-24) of at most 600 bytes, 256 frames of at most 700 bytes and 4,096 findings of
    /// theirs of at most 500, with room.
    static let limitLineByteCount = 4 << 20
    /// Bytes read back when the file is opened.
    static let limitRecoveryByteCount = 8 << 20

    /// Opens the file, cuts a torn last line, and reads the newest lines back.
    ///
    /// - Throws: `ServiceError.findingsFile`, or `.findingsFileDamaged` when a whole line is not a result or not in its place; the file is then as before.
    public init(directory: StateDirectory) throws(ServiceError) {
        let bytes: [UInt8]
        let start: Int
        do throws(PlatformError) {
            file = try AppendFile(path: directory.path + "/findings.jsonl")
            start = max(0, file.byteCount - Self.limitRecoveryByteCount)
            bytes = try file.read(start..<file.byteCount)
        } catch {
            throw ServiceError(error)
        }
        let valid = try readBack(bytes, from: start)
        cutByteCount = file.byteCount - valid
        do throws(PlatformError) {
            if cutByteCount > 0 { try file.truncate(to: valid) }
            // A killed run may have left a whole line that is not on the disk yet, and its study leaves the journal now.
            try file.append([])
        } catch {
            throw ServiceError(error)
        }
    }

    /// Takes in whole lines; `bytes` begin at byte `start` of the file.
    ///
    /// - Returns: the byte of the file where the last valid line ends. A power cut may leave the last line unfinished, or finished but with
    ///   blocks that never reached the disk and read as zero; anything else that is no result is not ours to remove.
    private func readBack(_ bytes: [UInt8], from start: Int) throws(ServiceError) -> Int {
        var position = 0
        if start > 0 {
            // The first line of the window has most likely lost its beginning.
            guard let end = bytes.firstIndex(of: 0x0A) else { throw .findingsFileDamaged(byteOffset: start) }
            position = end + 1
        }
        while let end = bytes[position...].firstIndex(of: 0x0A) {
            guard let entry = Self.entry(bytes[position...end]), entry.sequence > lastSequence else {
                guard end + 1 == bytes.count, bytes[position...end].contains(0) else { throw .findingsFileDamaged(byteOffset: start + position) }
                break
            }
            lastSequence = entry.sequence
            recovered.append(entry)
            position = end + 1
        }
        guard bytes.count - position <= Self.limitLineByteCount else { throw .findingsFileDamaged(byteOffset: start + position) }
        // Without one whole line in so large a file the number to go on with is not known.
        guard start == 0 || lastSequence > 0 else { throw .findingsFileDamaged(byteOffset: start) }
        return start + position
    }

    /// A line that this program wrote: the prefix, the number, the identifier, no control characters, a closing brace.
    static func entry(_ line: ArraySlice<UInt8>) -> ResultRing.Entry? {
        let prefix = Array(FindingResult.linePrefix.utf8)
        let middle = Array(",\"id\":\"".utf8)
        guard line.count <= limitLineByteCount, line.starts(with: prefix) else { return nil }
        let body = line.dropLast()
        guard body.last == 0x7D, !body.contains(where: { $0 < 0x20 }) else { return nil }
        let digits = body.dropFirst(prefix.count).prefix { (0x30...0x39).contains($0) }
        let rest = body[digits.endIndex...]
        guard let sequence = Decimal.parse(digits), sequence > 0, rest.starts(with: middle) else { return nil }
        guard let identifier = StudyIdentifier(Array(rest.dropFirst(middle.count).prefix(36))) else { return nil }
        return ResultRing.Entry(sequence: sequence, identifier: identifier, line: Array(line))
    }

    public var byteCount: Int { file.byteCount }

    /// Writes a result under the next sequence number and waits until it is on the disk.
    ///
    /// - Returns: the line as written.
    /// - Throws: `PlatformError`; the number is then used by the next result.
    public func append(_ result: inout FindingResult) throws(PlatformError) -> [UInt8] {
        result.sequence = lastSequence + 1
        let line = result.line()
        try file.append(line)
        lastSequence = result.sequence
        return line
    }
}

extension ServiceError {
    init(_ error: PlatformError) {
        if case .openFailed(let errno) = error { self = .findingsFile(errno: errno) } else { self = .findingsFile(errno: 0) }
    }
}
