import Foundation
import Testing
import TernFindings
import TernPlatform

@testable import TernService

/// A state directory that goes with the test, with results of about 300 bytes in it.
private final class Folder {
    let path = NSTemporaryDirectory() + "/tern-segments-" + UUID().uuidString
    private(set) var identifiers: [StudyIdentifier] = []
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ segmentByteCount: Int = 1000, closesDaily: Bool = false) throws -> FindingsFile {
        var limits = FindingsFile.Limits()
        limits.segmentByteCount = segmentByteCount
        limits.closesDaily = closesDaily
        return try FindingsFile(directory: try StateDirectory(path: path), limits: limits)
    }

    /// A result of a new study.
    private func result(_ day: String, _ labels: Int) throws -> FindingResult {
        let identifier = try StudyIdentifier()
        identifiers.append(identifier)
        var result = FindingResult(
            sequence: 0, id: identifier.text, time: day + "T00:00:00.000Z", model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil),
            input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
        result.findings = (0..<labels).map { Finding(label: "label \($0)", code: nil, score: 0, isCalibrated: false, operatingPoint: "", threshold: nil) }
        return result
    }

    func append(_ count: Int, to file: FindingsFile, day: String = "2026-01-01") throws {
        for _ in 0..<count {
            var result = try result(day, 0)
            _ = try file.append(&result)
        }
    }

    /// A file with results that have so many labels, closed to so many files and the active one, of as many results each.
    func filled(_ labels: [Int], closed: Int) throws -> FindingsFile {
        _ = try file()
        let count = labels.count / (closed + 1)
        for part in 0...closed {
            var lines: [UInt8] = []
            for sequence in (part * count + 1)...(part * count + count) {
                var result = try result("2026-01-01", labels[sequence - 1])
                result.sequence = sequence
                lines += result.line()
            }
            let name = FindingsSegment(first: part * count + 1, last: part * count + count, byteCount: 0).name
            try write(part == closed ? "findings.jsonl" : "findings/" + name, lines)
        }
        return try file(1 << 20)
    }

    var closed: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path + "/findings").filter { $0.hasSuffix(".jsonl") }.sorted() } }
    func contents(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))) }
    func write(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name)) }
    /// Every line on the disk, in order of the files.
    var lines: [UInt8] { get throws { try closed.flatMap { try contents("findings/" + $0) } + contents("findings.jsonl") } }
    func journal(_ file: FindingsFile) throws -> StudyJournal { try StudyJournal(directory: StateDirectory(path: path), file: file) }
}

@Suite struct FindingsSegmentsTests {
    @Test func aNameTellsItsResults() {
        let segment = FindingsSegment(first: 12, last: 345, byteCount: 0)
        #expect(segment.name == "0000000000000000012-0000000000000000345.jsonl" && FindingsSegment(name: segment.name) == segment)
        for name in ["", "findings.jsonl", segment.name + "x", "x" + segment.name, segment.name.replacingOccurrences(of: "12", with: "1x"),
            FindingsSegment(first: 0, last: 3, byteCount: 0).name, FindingsSegment(first: 4, last: 3, byteCount: 0).name]
        {
            #expect(FindingsSegment(name: name) == nil)
        }
    }

    @Test func aFullFileIsClosedAndTheNumbersGoOn() throws {
        let folder = Folder()
        for round in 1...3 {
            let file = try folder.file()
            #expect(file.lastSequence == (round - 1) * 6)
            try folder.append(6, to: file)
            #expect(file.recovered.map(\.sequence) == Array(1..<((round - 1) * 6 + 1)))
        }
        let file = try folder.file()
        #expect(try folder.closed.count > 3 && file.index.extent.count > 4 && file.index.oldest == 1 && file.index.newest == 18)
        #expect(try file.index.extent.byteCount == folder.lines.count)
        var next = 1
        for name in try folder.closed {
            let segment = try #require(FindingsSegment(name: name))
            #expect(segment.first == next)
            let bytes = try folder.contents("findings/" + name)
            #expect(bytes.count(where: { $0 == 0x0A }) == segment.last - segment.first + 1 && bytes.count >= 1000)
            next = segment.last + 1
        }
        for sequence in 1...18 { #expect(try #require(file.index.segment(holding: sequence)).first <= sequence) }
        #expect(file.index.segment(holding: 0) == nil && file.index.segment(holding: 19) == nil && file.index.segment(before: 1) == nil)
    }

    @Test func aFileHoldsOneDayWhenDaysCount() throws {
        let folder = Folder()
        for day in ["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02", "2026-01-03"] { try folder.append(1, to: folder.file(1 << 20, closesDaily: true), day: day) }
        let names = [(1, 2), (3, 4)].map { FindingsSegment(first: $0, last: $1, byteCount: 0).name }
        #expect(try folder.closed == names)
        try folder.append(1, to: folder.file(1 << 20), day: "2026-01-09")
        #expect(try folder.closed == names)
    }

    /// Whatever moment of closing a file a kill or a power cut hits, the next start goes on behind the last result.
    @Test func everyMomentOfClosingIsAStateToStartFrom() throws {
        for moment in ["moved", "made", "longer"] {
            let folder = Folder()
            try folder.append(4, to: folder.file(1 << 20))
            let lines = try folder.lines
            let name = "findings/" + FindingsSegment(first: 1, last: 4, byteCount: 0).name
            if moment != "longer" { try FileManager.default.moveItem(atPath: folder.path + "/findings.jsonl", toPath: folder.path + "/" + name) }
            if moment == "made" { try folder.write("findings.jsonl", []) }
            let file = try folder.file()
            #expect(file.lastSequence == 4 && file.cutByteCount == 0 && file.foreignCount == 0 && file.recovered.map(\.sequence) == [1, 2, 3, 4])
            try folder.append(3, to: file)
            #expect(try folder.lines.starts(with: lines) && folder.file().recovered.map(\.sequence) == Array(1...7))
        }
    }

    @Test func aFileThatCannotBeClosedGoesOn() throws {
        let folder = Folder()
        let file = try folder.file()
        var failures: [Int32] = []
        file.onClosingFailed = { failures.append($0) }
        let names = (1...6).map { folder.path + "/findings/" + FindingsSegment(first: 1, last: $0, byteCount: 0).name }
        for path in names { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false) }
        try folder.append(6, to: file)
        // EISDIR of Linux, said once.
        #expect(failures == [21] && file.index.segment(holding: 6)?.first == 1)
        for path in names { try FileManager.default.removeItem(atPath: path) }
        try folder.append(1, to: file)
        #expect(try folder.closed == [FindingsSegment(first: 1, last: 6, byteCount: 0).name] && file.index.newest == 7)
    }

    @Test func aDamagedClosedFileStopsTheStart() throws {
        let folder = Folder()
        try folder.append(8, to: folder.file())
        let name = try #require(folder.closed.last)
        let segment = try #require(FindingsSegment(name: name))
        let whole = try folder.contents("findings/" + name)
        var flipped = whole
        flipped[20] ^= 1
        for damaged in [Array(whole.dropLast()), whole + [0x0A], Array(whole.dropFirst()), flipped, []] {
            try folder.write("findings/" + name, damaged)
            #expect(throws: ServiceError.findingsSegmentDamaged(first: segment.first, last: segment.last)) { try folder.file() }
            #expect(try folder.contents("findings/" + name) == damaged)
        }
        try folder.write("findings/" + name, whole)
        // Results that are there twice.
        try folder.write("findings.jsonl", whole)
        #expect(throws: ServiceError.findingsFileDamaged(byteOffset: 0)) { try folder.file() }
    }

    @Test func whatIsMissingInTheMiddleLeavesTheOlderAlone() throws {
        let folder = Folder()
        try folder.append(20, to: folder.file())
        let names = try folder.closed
        try FileManager.default.removeItem(atPath: folder.path + "/findings/" + names[1])
        let file = try folder.file()
        #expect(file.foreignCount == 1 && file.index.oldest == FindingsSegment(name: names[2])?.first && file.lastSequence == 20)
        #expect(try folder.closed.count == names.count - 1)
    }

    @Test func aStudyIsRecognisedByAResultInAClosedFile() throws {
        let folder = Folder()
        let study = Study(identifier: try StudyIdentifier(), kind: .png, bytes: [1])
        do {
            let file = try folder.file(1)
            let journal = try folder.journal(file)
            _ = journal.store(study, as: journal.entry(for: study.identifier), hasFollower: { false })
            var result = FindingResult(
                sequence: 0, id: study.identifier.text, time: "2026-01-01T00:00:00.000Z", model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil),
                input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
            _ = try file.append(&result)
            try folder.append(3, to: file)
        }
        let journal = try folder.journal(folder.file(1))
        #expect(journal.answeredCount == 1 && journal.recoveredCount == 0)
    }
}

@Suite struct FindingsArchiveTests {
    /// Reads from a position to the end, page by page.
    private func read(_ archive: FindingsArchive, after start: Int, until: Int, byteCount: Int) throws -> [UInt8] {
        var cursor = FindingsArchive.Cursor(position: start)
        var lines: [UInt8] = []
        while cursor.position < until {
            guard case .lines(let page, let next) = archive.page(cursor, until: until, byteCount: byteCount) else {
                Issue.record("no page after \(cursor.position)")
                return lines
            }
            #expect(page.last == 0x0A && next.position > cursor.position)
            lines += page
            cursor = next
        }
        return lines
    }

    @Test func givesEveryLineFromAnyPlace() throws {
        let folder = Folder()
        // Among short lines some that are longer than a page, and than a probe.
        let file = try folder.filled((0..<48).map { $0 / 5 % 3 == 1 ? 60 : 0 }, closed: 2)
        let archive = FindingsArchive(file)
        let whole = try folder.lines
        let lines = whole.split(separator: 0x0A).map { Array($0) + [0x0A] }
        #expect(lines.count == 48)
        for (start, byteCount) in (0..<48).map({ ($0, 3000) }) + [(0, 1), (31, 1), (0, 1 << 17), (17, 1 << 17)] {
            #expect(try read(archive, after: start, until: 48, byteCount: byteCount) == lines[start...].flatMap { $0 })
        }
        #expect(try read(archive, after: 7, until: 9, byteCount: 1 << 17) == lines[7] + lines[8])
        guard case .gone = archive.page(.init(position: 48), until: .max, byteCount: 1000) else {
            Issue.record("a result that is not there is given")
            return
        }
    }

    @Test func findsAStudyInItsFile() throws {
        let folder = Folder()
        let file = try folder.filled([Int](repeating: 1, count: 40), closed: 3)
        let archive = FindingsArchive(file)
        let lines = try folder.lines.split(separator: 0x0A).map { Array($0) + [0x0A] }
        for (index, identifier) in folder.identifiers.enumerated() {
            let segment = try #require(file.index.segment(holding: index + 1))
            #expect(try archive.line(of: identifier, in: segment) == lines[index])
        }
        #expect(try archive.line(of: try StudyIdentifier(), in: try #require(file.index.segment(holding: 1))) == nil)
    }

    @Test func aSearchSaysWhenItCouldNotLookEverywhere() throws {
        let folder = Folder()
        try folder.append(12, to: folder.file())
        let wanted = [folder.identifiers[11], folder.identifiers[0], try StudyIdentifier()]
        let search = FindingsSearch(statePath: folder.path)
        let all = search.lines(of: wanted)
        #expect(all.found.map(\.identifier) == Array(wanted[..<2]) && all.errno == nil)
        let first = folder.path + "/findings/" + (try folder.closed[0])
        try FileManager.default.moveItem(atPath: first, toPath: first + ".away")
        // Removed: whoever removes results has read them.
        #expect(search.lines(of: wanted).errno == nil)
        try FileManager.default.createDirectory(atPath: first, withIntermediateDirectories: false)
        let some = search.lines(of: wanted)
        #expect(some.found.map(\.identifier) == [wanted[0]] && some.errno != nil)
    }

    @Test func aFileThatIsClosedMeanwhileIsFound() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(2, to: file)
        let archive = FindingsArchive(file)
        let active = try #require(file.index.segment(holding: 1))
        guard case .lines(_, let cursor) = archive.page(.init(position: 0), until: 1, byteCount: 1) else {
            Issue.record("no first page")
            return
        }
        try folder.append(6, to: file)
        guard active.isActive, case .lines(let line, _) = archive.page(cursor, until: 2, byteCount: 1) else {
            Issue.record("no second page")
            return
        }
        #expect(FindingsLine.sequence(of: line[...])?.number == 2)
        #expect(try archive.line(of: folder.identifiers[1], in: active) == line)
    }

    @Test func whatIsDamagedOrGoneIsNotGiven() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(12, to: file)
        let archive = FindingsArchive(file)
        let name = try folder.closed[0]
        let whole = try folder.contents("findings/" + name)
        var flipped = whole
        // Inside a line.
        flipped[try #require(whole[(whole.count / 2)...].firstIndex(of: 0x0A)) - 20] = 0x0A
        for damaged in [flipped, Array(whole.dropLast(10)), [UInt8](repeating: 0, count: whole.count)] {
            try folder.write("findings/" + name, damaged)
            var cursor = FindingsArchive.Cursor(position: 0)
            let last = try #require(FindingsSegment(name: name)).last
            var isRefused = false
            while !isRefused, cursor.position < last {
                switch archive.page(cursor, until: last, byteCount: 1) {
                case .lines(let line, let next):
                    #expect(whole.starts(with: line) || cursor.position > 0)
                    cursor = next
                case .failed, .gone: isRefused = true
                }
            }
            #expect(isRefused)
        }
        try FileManager.default.removeItem(atPath: folder.path + "/findings/" + name)
        guard case .failed = archive.page(.init(position: 0), until: 1, byteCount: 1) else {
            Issue.record("a file that is not there is read")
            return
        }
    }
}

@Suite struct ReadResultsTests {
    @Test func rangesJoin() {
        var read = ReadResults()
        for sequence in [3, 5, 4, 9, 7] { read.read(sequence) }
        #expect(read.through == 0 && read.ranges == [.init(first: 3, last: 5), .init(first: 7, last: 7), .init(first: 9, last: 9)])
        read.read(8)
        read.read(8)
        #expect(read.ranges == [.init(first: 3, last: 5), .init(first: 7, last: 9)] && read.newest == 9)
        read.confirm(through: 2)
        #expect(read.through == 5 && read.ranges == [.init(first: 7, last: 9)])
        read.read(6)
        read.read(1)
        read.confirm(through: 3)
        #expect(read.through == 9 && read.ranges.isEmpty && read.newest == 9)
    }

    @Test func isWhatASetWouldBe() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var read = ReadResults()
            var set = Set<Int>()
            for _ in 0..<60 {
                let number = Int.random(in: 1...80, using: &generator)
                if Int.random(in: 0..<30, using: &generator) == 0 {
                    read.confirm(through: number / 2)
                    set.formUnion(1..<(number / 2 + 1))
                } else {
                    read.read(number)
                    set.insert(number)
                }
                let found = Set(1..<(read.through + 1)).union(read.ranges.flatMap { $0.first...$0.last })
                #expect(found == set && ReadResults(parsing: read.text) == read)
            }
        }
    }

    @Test func isBounded() {
        var read = ReadResults()
        for sequence in stride(from: 2, to: 9000, by: 2) { read.read(sequence) }
        #expect(read.ranges.count == ReadResults.limitRangeCount && ReadResults(parsing: read.text) == read)
    }

    @Test(arguments: ["x", "1", "-", "2-1\n", "1--2", "0-3", "1-4\n4-5", "1-4\n9-8", "1-99999999999999999999", "1-9223372036854775807"])
    func whatIsNotAMarkIsUnread(text: String) {
        let read = ReadResults(parsing: Array(text.utf8))
        #expect(read.newest == (text.hasPrefix("1-4\n") ? 4 : 0))
    }
}

@Suite struct FindingsRetentionTests {
    private func keeper(_ folder: Folder, _ file: FindingsFile, days: Int = 0, bytes: Int = 0) throws -> FindingsRetention {
        var limits = Retention()
        limits.dayCount = days
        limits.byteCount = bytes
        return FindingsRetention(file, journal: try folder.journal(file), limits: limits)
    }

    @Test func theOldestGoFirstAndNoUnreadOne() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(20, to: file)
        let segments = try folder.closed.compactMap { FindingsSegment(name: $0) }
        let keeper = try keeper(folder, file, bytes: 1)
        var read = ReadResults()
        // Everything but the first.
        for sequence in 2...20 { read.read(sequence) }
        #expect(keeper.apply(read: read, now: 0) == .init(unread: 1))
        read = ReadResults()
        read.confirm(through: segments[2].last)
        #expect(keeper.apply(read: read, firstNeeded: segments[0].last, now: 0) == .init())
        #expect(keeper.apply(read: read, firstNeeded: 0, now: 0) == .init())
        let outcome = keeper.apply(read: read, now: 0)
        #expect(outcome.removed.map(\.first) == segments[...2].map(\.first) && outcome.unread == segments[3].first && outcome.errno == nil)
        #expect(try folder.closed == segments[3...].map(\.name) && file.index.oldest == segments[3].first)
        read.confirm(through: segments[3].first)
        #expect(keeper.apply(read: read, now: 0) == .init(unread: segments[3].first + 1))
        read.confirm(through: 20)
        #expect(keeper.apply(read: read, now: 0).removed.count == segments.count - 3)
        #expect(try folder.closed.isEmpty && file.index.oldest == (segments.last?.last ?? 0) + 1)
        // The numbers go on, and what has gone counts as read.
        let again = try folder.file()
        #expect(try again.lastSequence == 20 && again.readResults().through == segments.last?.last)
    }

    @Test func theLastFileStaysWhileTheActiveOneIsEmpty() throws {
        let folder = Folder()
        try folder.append(4, to: folder.file(1 << 20))
        let name = FindingsSegment(first: 1, last: 4, byteCount: 0).name
        try FileManager.default.moveItem(atPath: folder.path + "/findings.jsonl", toPath: folder.path + "/findings/" + name)
        let file = try folder.file()
        var read = ReadResults()
        read.confirm(through: 4)
        #expect(try keeper(folder, file, bytes: 1).apply(read: read, now: 0) == .init())
        #expect(try folder.closed == [name] && folder.file().lastSequence == 4)
    }

    @Test func ageIsThatOfTheLastResult() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(12, to: file)
        let names = try folder.closed
        for (index, name) in names.enumerated() {
            let date = Date(timeIntervalSince1970: Double(index) * 86_400)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: folder.path + "/findings/" + name)
        }
        var read = ReadResults()
        read.confirm(through: 12)
        let keeper = try keeper(folder, file, days: 2)
        #expect(keeper.apply(read: read, now: 2 * 86_400 - 1).removed.isEmpty)
        #expect(keeper.apply(read: read, now: 2 * 86_400).removed.count == 1)
        #expect(keeper.apply(read: read, now: 3 * 86_400 + 5).removed.count == 1)
        // A clock that goes back removes nothing.
        #expect(keeper.apply(read: read, now: -5).removed.isEmpty)
    }

    @Test func aClockThatWasSetRemovesNothingByAge() throws {
        let watch = ClockWatch(utc: 1_000_000, elapsed: 500)
        #expect(!watch.hasMoved(utc: 1_086_400, elapsed: 86_900) && !watch.hasMoved(utc: 1_000_060, elapsed: 500))
        #expect(watch.hasMoved(utc: 1_000_061, elapsed: 500) && watch.hasMoved(utc: 999_939, elapsed: 500))
        let folder = Folder()
        let file = try folder.file()
        try folder.append(12, to: file)
        var read = ReadResults()
        read.confirm(through: 12)
        var limits = Retention()
        limits.dayCount = 1
        let journal = try folder.journal(file)
        let later = Clock.utcSeconds + 10 * 86_400
        let moved = ClockWatch(utc: Clock.utcSeconds - 3600)
        #expect(FindingsRetention(file, journal: journal, limits: limits, clock: moved).apply(read: read, now: later) == .init())
        #expect(FindingsRetention(file, journal: journal, limits: limits).apply(read: read, now: later).removed.count > 1)
    }

    @Test func aFileThatCannotBeRemovedStays() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(12, to: file)
        let name = try folder.closed[0]
        let path = folder.path + "/findings/" + name
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        var read = ReadResults()
        read.confirm(through: 12)
        let outcome = try keeper(folder, file, bytes: 1).apply(read: read, now: 0)
        // EISDIR of Linux.
        #expect(outcome.removed.isEmpty && outcome.errno == 21 && file.index.oldest == 1)
    }

    @Test func whatWasReadComesBack() throws {
        let folder = Folder()
        let file = try folder.file()
        try folder.append(12, to: file)
        var read = ReadResults()
        read.confirm(through: 5)
        read.read(9)
        try keeper(folder, file).save(read)
        try folder.write("findings/read.tmp", [1])
        #expect(try folder.file().readResults() == read)
        try keeper(folder, folder.file()).save(read)
        // Results that somebody has read are gone, and their numbers would be given out again.
        try FileManager.default.removeItem(atPath: folder.path + "/findings.jsonl")
        for name in try folder.closed.dropFirst() { try FileManager.default.removeItem(atPath: folder.path + "/findings/" + name) }
        #expect(throws: ServiceError.findingsMissing(newest: try #require(FindingsSegment(name: folder.closed[0])).last, read: 9)) {
            try folder.file().readResults()
        }
        try FileManager.default.removeItem(atPath: folder.path + "/findings/read")
        #expect(try folder.file().readResults().through == 0)
    }
}

@Suite struct DiskWatchTests {
    @Test func saysOnceThatItIsFullAndOnceThatItIsNot() throws {
        let events = try ServiceEvents(say: { _, _ in })
        var disk = DiskWatch(events: events, reserveByteCount: 100)
        disk.lacks(50)
        disk.lacks(20)
        #expect(disk.isFull && events.newest == 1)
        disk.look(freeByteCount: 149, isBlocked: false)
        #expect(disk.isFull)
        disk.look(freeByteCount: 150, isBlocked: false)
        #expect(!disk.isFull && events.newest == 2)
        disk.look(freeByteCount: 1000, isBlocked: true)
        disk.look(freeByteCount: 1000, isBlocked: false)
        #expect(disk.isFull && events.newest == 3)
        disk.took()
        disk.look(freeByteCount: nil, isBlocked: false)
        #expect(!disk.isFull && events.newest == 4)
    }
}
