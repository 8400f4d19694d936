import Foundation
import Testing
import TernFindings
import TernPlatform

@testable import TernService

@Suite struct StudyJournalTests {
    /// A state directory that goes with the test.
    private final class Folder {
        let path = NSTemporaryDirectory() + "/tern-journal-" + UUID().uuidString
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func journal() throws -> StudyJournal {
            let directory = try StateDirectory(path: path)
            return try StudyJournal(directory: directory, file: try FindingsFile(directory: directory))
        }
        var names: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: path + "/queue").sorted() }
        }
    }

    private func study(_ byteCount: Int = 1000, _ kind: InputKind = .png, _ frames: FrameSelection = .all) throws -> Study {
        Study(identifier: try StudyIdentifier(), kind: kind, bytes: (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }, selection: frames)
    }

    @Test func aNameTellsItsEntry() throws {
        let entry = JournalEntry(number: 42, identifier: try StudyIdentifier())
        #expect(entry.name == "0000000000000000042-" + entry.identifier.text + ".study")
        #expect(JournalEntry(name: entry.name) == entry)
        #expect(JournalEntry(name: JournalEntry(number: .max, identifier: entry.identifier).name)?.number == .max)
        for name in ["", "x", entry.name + "x", String(entry.name.dropFirst()), "0" + entry.name, entry.name.uppercased(), entry.name + ".tmp",
            entry.name.replacingOccurrences(of: "42", with: "4x"), JournalEntry(number: 0, identifier: entry.identifier).name,
            entry.name.replacingOccurrences(of: "0000000000000000042", with: "9999999999999999999")]
        {
            #expect(JournalEntry(name: name) == nil)
        }
    }

    @Test func aStudyComesBackAsItWas() throws {
        let frames = try #require(FrameSelection(first: 2, last: 999_999_999, stride: 7))
        for (kind, selection, count) in [(InputKind.dicom, FrameSelection.all, 1), (.jpeg, frames, 1000), (.png, .all, 0), (.nifti, frames, 65_537)] {
            var study = try study(count, kind, selection)
            if kind == .nifti { study.modality = StatedModality("MR".utf8) }
            study.origin = kind == .png ? .folder : kind == .jpeg ? .frames(user: 0, process: nil) : .socket(user: nil, process: count)
            let entry = JournalEntry(number: 9, identifier: study.identifier)
            let head = entry.head(of: study)
            #expect(head.count == JournalEntry.headByteCount)
            let back = try #require(entry.study(head: head, bytes: study.bytes))
            #expect(back.identifier == study.identifier && back.kind == kind && back.bytes == study.bytes && back.selection == selection && back.modality == study.modality && back.origin == study.origin)
        }
    }

    @Test func everyDamagedBitIsSeen() throws {
        let study = try study(100)
        let entry = JournalEntry(number: 9, identifier: study.identifier)
        let head = entry.head(of: study)
        for index in 0..<(head.count + study.bytes.count) * 8 {
            var damaged = (head: head, bytes: study.bytes)
            if index / 8 < head.count {
                damaged.head[index / 8] ^= 1 << (index % 8)
            } else {
                damaged.bytes[index / 8 - head.count] ^= 1 << (index % 8)
            }
            #expect(entry.study(head: damaged.head, bytes: damaged.bytes) == nil)
        }
        for count in 0..<head.count { #expect(entry.study(head: Array(head[..<count]), bytes: study.bytes) == nil) }
        #expect(entry.study(head: head, bytes: study.bytes + [0]) == nil)
        #expect(JournalEntry(number: 8, identifier: study.identifier).study(head: head, bytes: study.bytes) == nil)
        #expect(JournalEntry(number: 9, identifier: try StudyIdentifier()).study(head: head, bytes: study.bytes) == nil)
    }

    @Test func aHeadWithAValidDigestAndAnImpossibleFieldIsRefused() throws {
        let study = try study(100)
        let entry = JournalEntry(number: 9, identifier: study.identifier)
        for (offset, value) in [(8, 1), (8, 3), (96, 0), (96, 4), (12, 0), (12, 5), (60, 0), (68, 0), (64, 0x7F), (63, 0xFF), (79, 0xFF)] as [(Int, UInt8)] {
            var head = entry.head(of: study)
            // With the first frame at 128 a last frame of 127 is before it.
            if offset == 64 { head[60] = 0x80 }
            head[offset] = value
            head.replaceSubrange(160..., with: Digest.blake2b256(Array(head[..<160])))
            #expect(entry.study(head: head, bytes: study.bytes) == nil)
        }
    }

    @Test func entriesComeBackInOrderUntilTheyAreAnswered() throws {
        let folder = Folder()
        var entries: [JournalEntry] = []
        do {
            let journal = try folder.journal()
            for index in 0..<12 {
                let study = try study(index)
                let entry = journal.entry(for: study.identifier)
                let stored = journal.store(study, as: entry, hasFollower: { index % 3 != 2 })
                #expect(stored.failure == nil && stored.groupFailure == nil && stored.endsGroup == (index % 3 == 2))
                entries.append(entry)
            }
            journal.answered(entries.removeFirst(), lineByteCount: 100)
        }
        let journal = try folder.journal()
        #expect(journal.recovered.map(\.entry) == entries && journal.recovered.map(\.byteCount) == Array(1..<12))
        #expect(journal.cutByteCount == 0 && journal.answeredCount == 0 && journal.foreignCount == 0)
        #expect(journal.entry(for: try StudyIdentifier()).number == 13)
        for (entry, byteCount) in journal.recovered { #expect(try journal.load(entry)?.bytes.count == byteCount) }
        journal.discard(entries[0])
        #expect(try journal.load(entries[0]) == nil)
        #expect(try folder.names == entries.dropFirst().map(\.name))
    }

    @Test func aResultWinsOverItsEntry() throws {
        let folder = Folder()
        let study = try study()
        do {
            let directory = try StateDirectory(path: folder.path)
            let file = try FindingsFile(directory: directory)
            let journal = try StudyJournal(directory: directory, file: file)
            _ = journal.store(study, as: journal.entry(for: study.identifier), hasFollower: { false })
            var result = FindingResult(
                sequence: 0, id: study.identifier.text, time: "2026-01-01T00:00:00.000Z",
                model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil),
                input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
            _ = try file.append(&result)
        }
        // A start that fails before the audit log has who asked leaves that for the next one.
        for _ in 0..<2 {
            let journal = try folder.journal()
            #expect(journal.recovered.isEmpty && journal.answeredCount == 1 && journal.answered.map(\.identifier) == [study.identifier])
            #expect(try folder.names.count == 1)
        }
        let journal = try folder.journal()
        try journal.removeAnswered()
        #expect(try folder.names.isEmpty)
        #expect(try folder.journal().answeredCount == 0)
    }

    @Test func whatWasNotFinishedIsCutAndWhatIsForeignStays() throws {
        let folder = Folder()
        _ = try folder.journal()
        let entry = JournalEntry(number: 1, identifier: try StudyIdentifier())
        for name in [entry.name + ".tmp", ".tmp", "x.tmp", "x.study"] {
            try Data([1, 2, 3]).write(to: URL(fileURLWithPath: folder.path + "/queue/" + name))
        }
        let journal = try folder.journal()
        #expect(journal.cutByteCount == 3 && journal.foreignCount == 3)
        #expect(try folder.names == [".tmp", "x.study", "x.tmp"])
    }

    @Test func aSecondFileOfAStudyIsForeign() throws {
        let folder = Folder()
        let identifier = try StudyIdentifier()
        let first = JournalEntry(number: 3, identifier: identifier), second = JournalEntry(number: 5, identifier: identifier)
        _ = try folder.journal()
        for entry in [first, second] { try Data([1]).write(to: URL(fileURLWithPath: folder.path + "/queue/" + entry.name)) }
        let journal = try folder.journal()
        #expect(journal.recovered.map(\.entry) == [first] && journal.foreignCount == 1 && journal.cutByteCount == 0)
        #expect(try folder.names == [first.name, second.name])
    }

    @Test func aStudyThatCannotBeWrittenLeavesNothing() throws {
        let folder = Folder()
        let journal = try folder.journal()
        let study = try study()
        let entry = journal.entry(for: study.identifier)
        try FileManager.default.createDirectory(atPath: folder.path + "/queue/" + entry.name, withIntermediateDirectories: false)
        let stored = journal.store(study, as: entry, hasFollower: { false })
        // EISDIR of Linux: a directory is in the way.
        #expect(stored.failure == 21 && stored.endsGroup && stored.groupFailure == nil)
        #expect(try folder.names == [entry.name])
    }

    @Test func framesAreNumbersInOrder() {
        #expect(FrameSelection(first: 1, last: nil, stride: 1) == .all)
        for (first, last, stride) in [(0, nil, 1), (1, 0, 1), (2, 1, 1), (1, 1, 0), (1_000_000_000, nil, 1), (1, 1_000_000_000, 1), (-1, nil, 1)] as [(Int, Int?, Int)] {
            #expect(FrameSelection(first: first, last: last, stride: stride) == nil)
        }
    }
}
