import Foundation
import TernAudit
import TernFindings
import TernPlatform
import Testing

@testable import TernService

private final class Folder {
    let path = NSTemporaryDirectory() + "/tern-auditor-" + UUID().uuidString
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) throws -> String { String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self) }
    func events() throws -> [String] {
        try text("audit/audit.jsonl").split(separator: "\n").compactMap { line in
            (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["event"] as? String
        }
    }
}

private let model = ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil)
private let identity = ServiceIdentity(
    version: "0", model: model, instructionSet: "scalar", threadCount: 1, arenaByteCount: 0, goldenVectorCount: 1, modelDocument: [])

private func begin(_ folder: Folder, results: Int) throws -> AuditLog {
    let directory = try StateDirectory(path: folder.path)
    let file = try FindingsFile(directory: directory)
    for _ in 0..<results {
        var result = FindingResult(
            sequence: 0, id: try StudyIdentifier().text, time: "t", model: model, input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
        _ = try file.append(&result)
    }
    let reopened = try FindingsFile(directory: directory)
    let auditor = try Auditor(directory: directory)
    try auditor.begin(identity, file: reopened, journal: try StudyJournal(directory: directory, file: reopened))
    return auditor.log
}

@Suite struct AuditorTests {
    @Test func aStartRecordsEveryResultThatHasNoRecord() throws {
        let folder = Folder()
        _ = try begin(folder, results: 2)
        #expect(try folder.events() == ["result", "result", "start"])
        _ = try begin(folder, results: 1)
        #expect(try folder.events() == ["result", "result", "start", "result", "start"])
        _ = try begin(folder, results: 0)
        #expect(try folder.events().suffix(2) == ["start", "start"])
        try FileManager.default.removeItem(atPath: folder.path + "/findings.jsonl")
        let log = try begin(folder, results: 1)
        #expect(try folder.events().suffix(2) == ["findings_missing", "start"] && log.head.number == 8)
    }

    @Test func aRepeatedRefusalCostsTwoRecords() {
        var table = RefusalTable()
        for _ in 0..<100 { table.count(.queueFull, user: 1) }
        table.count(.queueFull, user: 2)
        #expect(table.takeFirsts() == [
            .refusal(status: 503, code: "queue_full", user: 1, count: 1), .refusal(status: 503, code: "queue_full", user: 2, count: 1),
        ])
        #expect(table.takeFirsts() == [] && table.takeRest() == [.refusal(status: 503, code: "queue_full", user: 1, count: 99)])
        #expect(table.takeRest() == [])
    }

    @Test func refusalsOfManyUsersAreBounded() {
        var table = RefusalTable()
        for user in 0..<1000 { table.count(.queueFull, user: user) }
        table.count(.diskFull, user: 1)
        table.count(.queueFull, user: 0)
        let firsts = table.takeFirsts()
        #expect(firsts.count == 66 && firsts[63] == .refusal(status: 503, code: "queue_full", user: 63, count: 1))
        #expect(firsts[64...] == [.refusal(status: 503, code: "other", user: nil, count: 1), .refusal(status: 507, code: "other", user: nil, count: 1)])
        #expect(
            table.takeRest() == [
                .refusal(status: 503, code: "queue_full", user: 0, count: 1), .refusal(status: 503, code: "other", user: nil, count: 935),
            ])
    }

    @Test func whatADiskDoesNotTakeForLongIsCounted() {
        var pending = PendingEvents()
        let refusal = AuditEvent.refusal(status: 503, code: "queue_full", user: 1, count: 1)
        pending.append([.reload] + Array(repeating: refusal, count: 10))
        pending.append(Array(repeating: .reload, count: PendingEvents.limitCount - 8))
        let first = pending.take()
        #expect(first.count == 1 + PendingEvents.limitCount && first[0] == .lost(count: 3) && first[1] == .reload && first[2] == refusal)
        #expect(pending.isEmpty)
        pending.append(Array(repeating: .headMissing, count: 10))
        pending.giveBack(first)
        let second = pending.take()
        // The seven refusals, and the three oldest of the others.
        #expect(second.count == 1 + PendingEvents.limitCount && second[0] == .lost(count: 13) && !second.contains(refusal))
        #expect(second.last == .headMissing && second.count { $0 == .headMissing } == 10 && pending.isEmpty)
    }

    @Test func aReviewIsStoredAndReadBack() throws {
        let folder = Folder()
        let log = try begin(folder, results: 1)
        let file = try ReviewFile(directory: try StateDirectory(path: folder.path))
        var review = AuditedReview()
        review.identifier = try StudyIdentifier().text
        let entry = try file.append(review, note: "n\u{85}\n", to: log)
        #expect(entry.number == 1 && log.head.number == 3)
        var ring = ReviewRing()
        ring.append(entry)
        #expect(String(decoding: ring.document(of: entry.identifier), as: UTF8.self).hasPrefix("{\"reviews\":[{\"schema\":\"tern.review/1\",\"review\":1,"))
        #expect(String(decoding: ring.document(of: try StudyIdentifier()), as: UTF8.self) == "{\"reviews\":[]}")
        #expect(try folder.events().last == "review")
    }

    @Test func reviewsAreCutAndRefusedAsResultsAre() throws {
        let folder = Folder()
        let log = try begin(folder, results: 1)
        var review = AuditedReview()
        review.identifier = try StudyIdentifier().text
        let path = URL(fileURLWithPath: folder.path + "/reviews.jsonl")
        do {
            let file = try ReviewFile(directory: try StateDirectory(path: folder.path))
            for _ in 0..<2 { _ = try file.append(review, note: nil, to: log) }
        }
        let whole = try Data(contentsOf: path)
        try whole.dropLast(5).write(to: path)
        do {
            let file = try ReviewFile(directory: try StateDirectory(path: folder.path))
            #expect(file.recovered.map(\.number) == [1] && file.cutByteCount == whole.count / 2 - 5)
        }
        try Data("no review\n".utf8).write(to: path)
        #expect(throws: ServiceError.reviewsFileDamaged(byteOffset: 0)) { try ReviewFile(directory: try StateDirectory(path: folder.path)) }
    }

    @Test func theNewestReviewsAreKept() throws {
        var ring = ReviewRing()
        let identifier = try StudyIdentifier()
        for number in 1...1500 { ring.append(ReviewFile.Entry(number: number, identifier: identifier, line: Array("{\"review\":\(number)}\n".utf8))) }
        let text = String(decoding: ring.document(of: identifier), as: UTF8.self)
        #expect(ring.lastNumber == 1500 && text.hasPrefix("{\"reviews\":[{\"review\":501},"))
    }
}
