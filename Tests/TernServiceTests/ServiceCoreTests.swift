import Foundation
import Testing
import TernFindings
import TernPlatform

@testable import TernService

/// A state directory that goes with the test.
private final class Folder {
    let path = NSTemporaryDirectory() + "/tern-service-" + UUID().uuidString
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file() throws -> FindingsFile { try FindingsFile(directory: try StateDirectory(path: path)) }
    var contents: [UInt8] {
        get throws { Array(try Data(contentsOf: URL(fileURLWithPath: path + "/findings.jsonl"))) }
    }
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path + "/findings.jsonl")) }
}

private let model = ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil)

private func result(_ identifier: StudyIdentifier, _ status: ResultStatus = .succeeded) -> FindingResult {
    FindingResult(
        sequence: 0, id: identifier.text, time: "2026-01-01T00:00:00.000Z", model: model, input: InputReference(kind: .png, sha256: "bb"),
        status: status)
}

@Suite struct CountersTests {
    @Test func countsImagesThatTheGateFlags() throws {
        var counters = Counters()
        var one = result(try StudyIdentifier())
        counters.count(one)
        for isFlagged in [true, false, true] {
            one.outOfDistribution = OutOfDistribution(score: 2, threshold: 1.5, isFlagged: isFlagged)
            counters.count(one)
        }
        #expect(counters.succeeded == 4 && counters.outOfDistribution == 2)
        one.outOfDistribution = nil
        one.frames = [FrameResult(frame: 1), FrameResult(frame: 2)]
        one.frames[1].outOfDistribution = OutOfDistribution(score: 2, threshold: 1.5, isFlagged: true)
        counters.count(one)
        #expect(counters.outOfDistribution == 3)
    }
}

@Suite struct FindingsFileTests {
    @Test func numbersFromOneAndGoesOnAfterwards() throws {
        let folder = Folder()
        var lines: [UInt8] = []
        for round in 0..<3 {
            let file = try folder.file()
            #expect(file.lastSequence == round * 2 && file.recovered.map(\.sequence) == Array(1..<(round * 2 + 1)))
            for _ in 0..<2 {
                var one = result(try StudyIdentifier())
                lines += try file.append(&one)
            }
        }
        #expect(try folder.contents == lines)
    }

    @Test func cutsEveryTornLastLine() throws {
        let folder = Folder()
        do {
            let file = try folder.file()
            for _ in 0..<2 {
                var one = result(try StudyIdentifier())
                _ = try file.append(&one)
            }
        }
        let whole = try folder.contents
        let first = try #require(whole.firstIndex(of: 0x0A)) + 1
        for count in stride(from: first, to: whole.count, by: 1) {
            try folder.write(Array(whole[..<count]))
            let file = try folder.file()
            #expect(file.lastSequence == 1 && file.cutByteCount == count - first && file.byteCount == first)
            #expect(try folder.contents == Array(whole[..<first]))
        }
    }

    @Test func refusesWhatIsNotItsOwn() throws {
        let folder = Folder()
        _ = try folder.file()
        try folder.write(Array("a\nb\n".utf8))
        #expect(throws: ServiceError.findingsFileDamaged(byteOffset: 0)) { try folder.file() }
        try folder.write([UInt8](repeating: 0x20, count: 5 << 20))
        #expect(throws: ServiceError.findingsFileDamaged(byteOffset: 0)) { try folder.file() }
        #expect(try folder.contents.count == 5 << 20)
    }

    @Test func leavesEveryWholeLastLine() throws {
        let folder = Folder()
        do {
            let file = try folder.file()
            for _ in 0..<2 {
                var one = result(try StudyIdentifier())
                _ = try file.append(&one)
            }
        }
        let whole = try folder.contents
        let first = try #require(whole.firstIndex(of: 0x0A)) + 1
        var zeroed = Array(whole[first...])
        zeroed[20] = 0
        let foreign = [Array("a line of someone else\n".utf8), Array("{\"schema\":\"tern.result/2\",\"sequence\":3}\n".utf8), [0x0A]]
        // Also a whole result whose number does not go on: the first one again, the last one again.
        for line in foreign + [Array(whole[..<first]), Array(whole[first...])] {
            try folder.write(whole + line)
            #expect(throws: ServiceError.findingsFileDamaged(byteOffset: whole.count)) { try folder.file() }
            #expect(try folder.contents == whole + line)
        }
        try folder.write(whole + zeroed)
        #expect(try folder.file().cutByteCount == zeroed.count)
        #expect(try folder.contents == whole)
    }

    @Test func refusesALargeFileWithoutAWholeLine() throws {
        let folder = Folder()
        _ = try folder.file()
        try folder.write([UInt8](repeating: 0x20, count: FindingsFile.limitRecoveryByteCount + 100) + [0x0A])
        #expect(throws: ServiceError.self) { try folder.file() }
        #expect(try folder.contents.count == FindingsFile.limitRecoveryByteCount + 101)
    }

    @Test func readsBackOnlyTheNewestOfALargeFile() throws {
        let folder = Folder()
        _ = try folder.file()
        var lines: [UInt8] = []
        var sequence = 0
        while lines.count < FindingsFile.limitRecoveryByteCount + 100_000 {
            sequence += 1
            var one = result(try StudyIdentifier())
            one.sequence = sequence
            one.findings = (0..<100).map {
                Finding(label: "label \($0)", code: nil, score: 0, isCalibrated: false, operatingPoint: "", threshold: nil)
            }
            lines += one.line()
        }
        try folder.write(lines)
        let file = try folder.file()
        #expect(file.lastSequence == sequence && file.cutByteCount == 0)
        #expect(file.recovered.count < sequence && file.recovered.last?.sequence == sequence)
    }

    @Test func oneProcessAtATime() throws {
        let folder = Folder()
        let held = try StateDirectory(path: folder.path)
        #expect(throws: PlatformError.openFailed(errno: StateDirectory.heldByAnother)) { try StateDirectory(path: folder.path) }
        withExtendedLifetime(held) {}
    }
}

@Suite struct ServiceCoreTests {
    private let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0]

    private func core(_ folder: Folder, queue: Int = 1) throws -> ServiceCore {
        var limits = ServiceLimits()
        limits.queueCount = queue
        limits.http.bodyByteCount = 100
        limits.queueByteCount = 20
        limits.resultCount = 2
        let identity = ServiceIdentity(
            version: "0", model: model, instructionSet: "scalar", threadCount: 1, arenaByteCount: 0, goldenVectorCount: 1, modelDocument: Array("{}".utf8))
        return ServiceCore(identity: identity, limits: limits, file: try folder.file(), read: ReadResults(), events: try ServiceEvents(say: { _, _ in }), startedAt: 0,
            recognise: { $0.first == 0x89 ? .png : nil })
    }

    private func status(_ answer: ServiceCore.Answer) -> Int {
        switch answer {
        case .reply(let reply): reply.status
        case .study, .review: 202
        case .stream, .events, .search, .frame, .map, .mapOfLine: 200
        }
    }

    private func post(_ body: [UInt8], _ type: String? = "image/png") -> HTTPRequest {
        HTTPRequest(method: .post, target: "/v1/studies", contentType: type, body: body)
    }

    private func get(_ target: String) -> HTTPRequest { HTTPRequest(method: .get, target: target) }

    @Test func takesOnlyWhatItCanHold() throws {
        let folder = Folder()
        var core = try core(folder, queue: 1)
        var around = ServiceCore.Surroundings()
        #expect(status(core.answer(post([]), around)) == 400)
        #expect(status(core.answer(post(png, nil), around)) == 415)
        #expect(status(core.answer(post(png, "image/jpeg"), around)) == 415)
        #expect(status(core.answer(post(png + [UInt8](repeating: 0, count: 100)), around)) == 413)
        around.freeByteCount = 1000
        #expect(status(core.answer(post(png), around)) == 507)
        around.freeByteCount = nil
        for _ in 0..<2 {
            guard case .study(let study, false) = core.answer(post(png), around) else {
                Issue.record("the study is not taken")
                return
            }
            core.queued(study)
        }
        guard case .reply(let reply) = core.answer(post(png), around) else {
            Issue.record("a third study is taken")
            return
        }
        #expect(reply.status == 503 && reply.retryAfterSeconds == 1)
        #expect(core.counters.refused.entries.map(\.count).reduce(0, +) == 6)
    }

    @Test func boundsTheBytesOfTheQueue() throws {
        let folder = Folder()
        var core = try core(folder, queue: 100)
        for _ in 0..<2 {
            guard case .study(let study, _) = core.answer(post(png), .init()) else {
                Issue.record("the study is not taken")
                return
            }
            core.queued(study)
        }
        #expect(status(core.answer(post(png), .init())) == 503)
    }

    @Test func resumesOnlyFromWhatItKeeps() throws {
        let folder = Folder()
        var core = try core(folder)
        for sequence in 1...5 {
            let identifier = try StudyIdentifier()
            var one = result(identifier)
            one.sequence = sequence
            _ = core.finished(identifier, .recorded(Analysis(result: one, problem: nil), line: one.line(), fileByteCount: 1))
        }
        #expect(status(core.answer(get("/v1/findings?after=2"), .init())) == 410)
        #expect(status(core.answer(get("/v1/findings?after=3"), .init())) == 200)
        #expect(status(core.answer(get("/v1/findings?after=5"), .init())) == 200)
        #expect(status(core.answer(get("/v1/findings?after=6"), .init())) == 400)
        guard case .stream(after: 3, until: 5) = core.answer(get("/v1/findings"), .init()) else {
            Issue.record("without after it starts at the oldest kept")
            return
        }
        guard case .stream(after: 3, until: nil) = core.answer(get("/v1/findings?follow=1"), .init()) else {
            Issue.record("a follower has no end")
            return
        }
        var full = ServiceCore.Surroundings()
        full.streamCount = 16
        #expect(status(core.answer(get("/v1/findings?follow=1"), full)) == 503)
    }

    @Test func givesNothingOutThatIsNotOnTheDisk() throws {
        let folder = Folder()
        var core = try core(folder)
        guard case .study(let study, _) = core.answer(post(png), .init()) else {
            Issue.record("the study is not taken")
            return
        }
        core.queued(study)
        #expect(status(core.answer(get("/v1/findings/" + study.identifier.text), .init())) == 202)
        // ENOSPC, then EIO.
        #expect(core.finished(study.identifier, .notRecorded(errno: 28)).status == 507)
        #expect(core.ring.count == 0 && core.lastSequence == 0 && !core.isRecording && core.pending.isEmpty && core.pendingByteCount == 0)
        #expect(status(core.answer(get("/v1/findings/" + study.identifier.text), .init())) == 500)
        #expect(status(core.answer(post(png), .init())) == 507)
        #expect(status(core.answer(HTTPRequest(method: .post, target: "/v1/studies?wait=1", contentType: "image/png", body: png), .init())) == 202)
        #expect(core.finished(study.identifier, .notRecorded(errno: 5)).status == 500)
    }

    @Test func aStudyThatIsNotOnTheDiskIsNotAccepted() throws {
        let folder = Folder()
        var core = try core(folder)
        // ENOSPC, then EIO.
        for (errno, expected) in [(28, 507), (5, 500)] as [(Int32, Int)] {
            guard case .study(let study, _) = core.answer(post(png), .init()) else {
                Issue.record("the study is not taken")
                return
            }
            core.queued(study)
            #expect(core.notStored(study, errno: errno).status == expected)
            #expect(core.pending.isEmpty && core.pendingByteCount == 0 && core.counters.accepted == 0)
            #expect(status(core.answer(get("/v1/findings/" + study.identifier.text), .init())) == 404)
        }
        #expect(core.counters.refused.entries == [
                .init(labels: "status=\"507\",code=\"disk_full\"", count: 1), .init(labels: "status=\"404\",code=\"no_such_finding\"", count: 2),
                .init(labels: "status=\"500\",code=\"not_stored\"", count: 1),
            ])
    }

    @Test func takesNothingWhileAResultWaitsForRoom() throws {
        let folder = Folder()
        var core = try core(folder)
        var around = ServiceCore.Surroundings()
        around.isBlocked = true
        for target in ["/v1/studies", "/v1/studies?wait=1"] {
            #expect(status(core.answer(HTTPRequest(method: .post, target: target, contentType: "image/png", body: png), around)) == 507)
        }
        #expect(String(decoding: core.status(around), as: UTF8.self).contains("\"recording\":false"))
    }

    @Test func whatAnEarlierRunLeftCountsAgainstTheLimits() throws {
        let folder = Folder()
        let directory = try StateDirectory(path: folder.path)
        let file = try FindingsFile(directory: directory)
        var identifiers: [StudyIdentifier] = []
        do {
            let journal = try StudyJournal(directory: directory, file: file)
            for _ in 0..<3 {
                let study = Study(identifier: try StudyIdentifier(), kind: .png, bytes: png)
                _ = journal.store(study, as: journal.entry(for: study.identifier), hasFollower: { false })
                identifiers.append(study.identifier)
            }
        }
        var limits = ServiceLimits()
        limits.queueCount = 1
        let identity = ServiceIdentity(
            version: "0", model: model, instructionSet: "scalar", threadCount: 1, arenaByteCount: 0, goldenVectorCount: 1, modelDocument: [])
        var core = ServiceCore(identity: identity, limits: limits, file: file, read: ReadResults(), events: try ServiceEvents(say: { _, _ in }), startedAt: 0, recognise: { _ in .png })
        core.takeOver(try StudyJournal(directory: directory, file: file))
        #expect(core.recoveredCount == 3 && core.pending.count == 3 && core.pendingByteCount == 3 * png.count)
        #expect(status(core.answer(get("/v1/findings/" + identifiers[2].text), .init())) == 202)
        for identifier in identifiers[..<2] {
            #expect(status(core.answer(post(png), .init())) == 503)
            var one = result(identifier, .failed)
            one.reason = ServiceCore.damagedReason
            one.sequence = core.lastSequence + 1
            _ = core.finished(identifier, .recorded(Analysis(result: one, problem: nil), line: one.line(), fileByteCount: 1))
        }
        #expect(core.counters.damaged == 2 && core.counters.failed == 2)
        #expect(status(core.answer(post(png), .init())) == 202)
        // The service stops before the turn of the last.
        #expect(core.finished(identifiers[2], .kept).status == 503)
        #expect(core.pending.isEmpty && core.lastSequence == 2)
    }

    @Test func takesNothingNewWhenItStops() throws {
        let folder = Folder()
        var core = try core(folder)
        core.isStopping = true
        #expect(status(core.answer(post(png), .init())) == 503)
        #expect(status(core.answer(get("/healthz"), .init())) == 503)
        #expect(status(core.answer(get("/v1/findings?follow=1"), .init())) == 503)
        #expect(status(core.answer(get("/v1/findings"), .init())) == 200)
    }
}
