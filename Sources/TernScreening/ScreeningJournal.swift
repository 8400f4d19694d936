import TernPlatform

/// What a screening has done so far, in the folder `state` of its results: what is in it is not done again, whatever ends the program when.
///
/// `state/journal` has a record for each file and decides; `state/pictures` the pictures behind each other, which are on the disk before the record is;
/// `findings.jsonl` beside the state follows. Whatever a kill leaves of a record is cut off by the next start.
@safe public final class ScreeningJournal {
    /// Where results go.
    public let folder: String
    private let directory: StateDirectory
    private let journal: AppendFile
    private let pictures: AppendFile
    private var lines: AppendFile
    private(set) var records: [ScreeningRecord] = []
    /// Sorted; those of the records.
    private var paths: [(path: PathBytes, record: Int)] = []
    /// Bytes behind the last whole record that this start has cut off.
    public private(set) var cutByteCount = 0

    private static let settingsName = "/settings"
    static let linesName = "findings.jsonl"
    static let tableName = "findings.csv"
    static let pageName = "report.html"
    static let picturesName = "report-files"

    /// Begins a screening, or continues one; one of which nothing is recorded takes new settings.
    ///
    /// - Throws: `ScreeningError`; nothing is changed then, but that folders and empty files may have been made.
    public init(folder: String, settings: ScreeningSettings) throws(ScreeningError) {
        self.folder = folder
        let state = folder + "/state"
        do throws(PlatformError) { try makeDirectory(folder, mode: 0o750) } catch { throw ScreeningError(error, .output) }
        if realPath(state) == nil {
            for name in [Self.linesName, Self.tableName, Self.pageName, Self.picturesName] where realPath(folder + "/" + name) != nil {
                throw .notOurs(name: name)
            }
        }
        do throws(PlatformError) { directory = try StateDirectory(path: state) } catch {
            throw error == .openFailed(errno: StateDirectory.heldByAnother) ? .busy : ScreeningError(error, .output)
        }
        do throws(PlatformError) {
            journal = try AppendFile(path: state + "/journal")
            pictures = try AppendFile(path: state + "/pictures")
            lines = try AppendFile(path: folder + "/" + Self.linesName)
        } catch {
            throw ScreeningError(error, .output)
        }
        let end: Ends
        do throws(PlatformError) { end = try readRecords() } catch { throw ScreeningError(error, .state) }
        try Self.check(settings, state, binds: !records.isEmpty)
        do throws(PlatformError) { try cut(to: end) } catch { throw ScreeningError(error, .state) }
    }

    /// - Parameter binds: false for a screening of which nothing is recorded: there is nothing that other settings would mix with.
    private static func check(_ settings: ScreeningSettings, _ state: String, binds: Bool) throws(ScreeningError) {
        let path = state + settingsName
        if binds, realPath(path) != nil {
            let bytes: [UInt8]
            do throws(PlatformError) { bytes = try readFile(path, limitByteCount: 1 << 20) } catch { throw ScreeningError(error, .state) }
            guard let earlier = ScreeningSettings(parsing: bytes) else { throw .settingsDamaged }
            if let part = earlier.difference(from: settings) { throw .settingsDiffer(part) }
        } else {
            do throws(PlatformError) { try writeFileAtomically(path, Array(settings.text.utf8)) } catch { throw ScreeningError(error, .output) }
        }
    }

    /// Where the whole records end in each file.
    private struct Ends {
        var journal = 0
        var pictures = 0
        var lines = 0
    }

    /// Reads what is recorded; changes no file.
    private func readRecords() throws(PlatformError) -> Ends {
        var ends = Ends()
        var offset = 0
        while offset < journal.byteCount {
            let head = try journal.read(offset..<min(offset + ScreeningRecord.limitHeadByteCount, journal.byteCount))
            guard var record = ScreeningRecord(parsing: head) else { break }
            let start = offset + record.offset
            let end = start + record.partsByteCount + 1
            guard end <= journal.byteCount, record.pictureOffset <= pictures.byteCount,
                record.pictureByteCount <= pictures.byteCount - record.pictureOffset
            else { break }
            let body = try journal.read(start..<end)
            guard record.isWhole(head, body) else { break }
            record.offset = start
            offset = end
            ends.journal = end
            ends.pictures = max(ends.pictures, record.pictureOffset + record.pictureByteCount)
            ends.lines += record.counts[ScreeningRecord.Part.line.rawValue]
            paths.append((Array(body[..<record.counts[0]]), records.count))
            records.append(record)
        }
        paths.sort { $0.path.lexicographicallyPrecedes($1.path) }
        return ends
    }

    private func cut(to ends: Ends) throws(PlatformError) {
        cutByteCount = journal.byteCount - ends.journal
        if cutByteCount > 0 { try journal.truncate(to: ends.journal) }
        if pictures.byteCount > ends.pictures { try pictures.truncate(to: ends.pictures) }
        if lines.byteCount != ends.lines { try rewriteLines() }
    }

    /// `findings.jsonl` from the records.
    private func rewriteLines() throws(PlatformError) {
        let path = folder + "/" + Self.linesName
        let file = try StagedFile(path: path)
        for record in records { try file.write(try journal.read(record.range(.line))) }
        try file.finish()
        lines = try AppendFile(path: path)
    }

    /// Files that are done.
    public var count: Int { records.count }

    /// How many of each kind.
    public func count(of kind: ScreenedItem.Kind) -> Int { records.count { $0.kind == kind } }

    /// Files that were not analysed, or not as a whole.
    public var incompleteCount: Int { records.count { $0.isIncomplete } }

    /// Whether a file is done; `isSame` is false when it was written anew since.
    public func state(of item: FolderListing.Item) -> (isDone: Bool, isSame: Bool) {
        var low = 0
        var high = paths.count
        while low < high {
            let middle = (low + high) / 2
            if paths[middle].path.lexicographicallyPrecedes(item.path) { low = middle + 1 } else { high = middle }
        }
        guard low < paths.count, paths[low].path == item.path else { return (false, true) }
        let record = records[paths[low].record]
        return (true, record.byteCount == item.byteCount && record.written == item.written)
    }

    /// Records files; when this returns they are on the disk and will not be done again. A file is recorded once.
    ///
    /// - Throws: `ScreeningError.system`; the records are then as before, or there and only `findings.jsonl` is behind, which the next start mends.
    public func append(_ items: [ScreenedItem]) throws(ScreeningError) {
        guard !items.isEmpty else { return }
        do throws(PlatformError) {
            var images: [UInt8] = []
            var text: [UInt8] = []
            var fresh: [ScreeningRecord] = []
            for item in items {
                var (record, bytes) = ScreeningRecord.text(of: item, pictureOffset: pictures.byteCount + images.count)
                record.offset += journal.byteCount + text.count
                images.append(contentsOf: item.picture)
                text.append(contentsOf: bytes)
                fresh.append(record)
            }
            if !images.isEmpty { try pictures.append(images) }
            try journal.append(text)
            records.append(contentsOf: fresh)
        } catch {
            throw ScreeningError(error, .results)
        }
        var text: [UInt8] = []
        for item in items { text.append(contentsOf: item.line) }
        do throws(PlatformError) { try lines.append(text) } catch { throw ScreeningError(error, .results) }
    }

    func part(_ part: ScreeningRecord.Part, of record: ScreeningRecord) throws(PlatformError) -> [UInt8] { try journal.read(record.range(part)) }

    func picture(of record: ScreeningRecord) throws(PlatformError) -> [UInt8] {
        try pictures.read(record.pictureOffset..<(record.pictureOffset + record.pictureByteCount))
    }

    /// The records, those of a study beside each other and in it those of a series, each where its first one is.
    func groupedRecords() throws(PlatformError) -> [Int] {
        var firstOfStudy: [[UInt8]: Int] = [:]
        var firstOfSeries: [[UInt8]: Int] = [:]
        var keys: [(study: Int, series: Int, index: Int)] = []
        for (index, record) in records.enumerated() {
            var key = (study: index, series: index, index: index)
            if record.counts[ScreeningRecord.Part.study.rawValue] > 0 {
                let study = try part(.study, of: record)
                let series = study + [0x20] + (try part(.series, of: record))
                key.study = firstOfStudy[study] ?? index
                key.series = firstOfSeries[series] ?? index
                firstOfStudy[study] = key.study
                firstOfSeries[series] = key.series
            }
            keys.append(key)
        }
        keys.sort { $0.study != $1.study ? $0.study < $1.study : $0.series != $1.series ? $0.series < $1.series : $0.index < $1.index }
        return keys.map { $0.index }
    }
}
