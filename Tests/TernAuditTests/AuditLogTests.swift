import Foundation
import TernFindings
import TernPlatform
import Testing

@testable import TernAudit

/// A state directory that is gone afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "tern-audit-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

func lines(_ path: String) throws -> [[UInt8]] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))).split(separator: 0x0A).map { Array($0) }
}

func write(_ lines: [[UInt8]], to path: String) throws {
    try Data(lines.flatMap { $0 + [0x0A] }).write(to: URL(fileURLWithPath: path))
}

/// What is wrong with a chain of lines.
func faults(_ lines: [[UInt8]]) -> [AuditChain.Finding] {
    var chain = AuditChain()
    return lines.flatMap { chain.take($0[...]).findings }
}

private func refusal(_ count: Int) -> AuditEvent { .refusal(status: 404, code: "no_such_path", user: 1000, count: count) }

/// A log of some records, as lines.
private func recorded(_ count: Int = 6) throws -> [[UInt8]] {
    var result: [[UInt8]] = []
    try withFolder { folder in
        let log = try AuditLog(directory: folder)
        for index in 1...count { try log.append([refusal(index)]) }
        result = try lines(folder + "/audit/audit.jsonl")
    }
    return result
}

@Suite struct AuditChainTests {
    @Test func anUntouchedChainHasNoFault() throws {
        #expect(try faults(recorded()) == [])
    }

    @Test func everyChangedByteIsFound() throws {
        let whole = try recorded(3)
        for place in whole[1].indices {
            var changed = whole
            changed[1][place] ^= 1
            #expect(!faults(changed).isEmpty, "byte \(place)")
        }
    }

    @Test func everyRemovedRecordIsFoundButTheLast() throws {
        let whole = try recorded()
        for index in whole.indices.dropLast() {
            var left = whole
            left.remove(at: index)
            #expect(faults(left) == [.missing(first: index + 1, last: index + 1)])
        }
        #expect(faults(whole.dropLast()) == [], "the end is held against head")
    }

    @Test func everyInsertedRecordIsFound() throws {
        let whole = try recorded()
        for index in whole.indices {
            for copied in whole.indices {
                var more = whole
                more.insert(whole[copied], at: index)
                #expect(!faults(more).isEmpty, "\(copied) at \(index)")
            }
        }
        // One with a hash of its own, made for its place.
        let third = try #require(AuditLine(parsing: whole[2][...]))
        let made = AuditLine.line(of: refusal(99), number: 3, time: "2026-01-01T00:00:00.000Z", previous: third.previous).line.dropLast()
        var more = whole
        more.insert(Array(made), at: 2)
        #expect(faults(more) == [.outOfPlace(number: 3, expected: 4), .notLinked(number: 4)])
        more.remove(at: 3)
        #expect(faults(more) == [.notLinked(number: 4)])
    }

    @Test func everyExchangeOfTwoRecordsIsFound() throws {
        let whole = try recorded()
        for one in whole.indices {
            for other in whole.indices where other > one {
                var exchanged = whole
                exchanged.swapAt(one, other)
                #expect(!faults(exchanged).isEmpty, "\(one) and \(other)")
            }
        }
    }

    @Test func aFaultIsFoundOnce() throws {
        var whole = try recorded()
        // A digit of its count.
        whole[2][whole[2].count - 154] ^= 1
        #expect(faults(whole) == [.changed(number: 3)])
    }

    @Test func aLineThatIsNoRecordIsNone() throws {
        let line = try recorded(1)[0]
        for count in 0..<line.count { #expect(AuditLine(parsing: line[..<count]) == nil) }
        #expect(AuditLine(parsing: (line + [0x20])[...]) == nil)
        #expect(AuditLine(parsing: (line + line)[...])?.isIntact == false)
    }
}

@Suite struct AuditLogTests {
    @Test func theHashIsThatOfTheBytesBeforeIt() throws {
        let line = try recorded(1)[0]
        let text = String(decoding: line, as: UTF8.self)
        let parts = text.components(separatedBy: ",\"hash\":\"")
        #expect(parts.count == 2 && parts[1] == Hexadecimal.string(Digest.sha256(Array(parts[0].utf8))) + "\"}")
        #expect(text.contains("\"previous\":\"" + String(repeating: "0", count: 64) + "\""))
    }

    @Test func goesOnAfterAStart() throws {
        try withFolder { folder in
            try AuditLog(directory: folder).append([refusal(1)])
            let again = try AuditLog(directory: folder)
            #expect(again.head.number == 1 && again.cutByteCount == 0 && !again.lacksRecords)
            try again.append([refusal(2), refusal(3)])
            let all = try lines(folder + "/audit/audit.jsonl")
            #expect(all.count == 3 && faults(all) == [])
            let head = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/audit/head")))
            #expect(AuditHead(parsing: head) == again.head)
        }
    }

    @Test func rotationKeepsTheChain() throws {
        try withFolder { folder in
            let log = try AuditLog(directory: folder, segmentByteCount: 1000)
            for index in 1...20 { try log.append([refusal(index)]) }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/audit").compactMap { AuditSegmentName($0) }.sorted { $0.first < $1.first }
            #expect(names.count >= 3)
            var all: [[UInt8]] = []
            for name in names {
                #expect(name.first == all.count + 1)
                all += try lines(folder + "/audit/" + name.text)
                #expect(name.last == all.count)
            }
            all += try lines(folder + "/audit/audit.jsonl")
            #expect(faults(all) == [] && AuditLine(parsing: all[names[0].last][...])?.event == "rotation")
            // Killed between the renaming and the first record of the new file.
            try FileManager.default.removeItem(atPath: folder + "/audit/audit.jsonl")
            let last = try #require(names.last)
            let again = try AuditLog(directory: folder, segmentByteCount: 1000)
            #expect(again.head.number == last.last && again.lacksRecords, "head knows of the file that is gone")
        }
    }

    @Test func aStartAfterARotationKnowsWhatIsRecorded() throws {
        try withFolder { folder in
            let log = try AuditLog(directory: folder, segmentByteCount: 500)
            let result = try #require(AuditedResult(line: sampleLine(sequence: 17), request: nil, operatingPoint: nil))
            try log.append([.result(result), .recoveredReview(number: 5, identifier: result.id, lineDigest: "")])
            for index in 1...9 { try log.append([refusal(index)]) }
            let again = try AuditLog(directory: folder)
            #expect(again.recordedSequence == 17 && again.recordedReview == 5)
        }
    }

    @Test func cutsEveryUnfinishedLastRecord() throws {
        let whole = try recorded(2)
        for count in stride(from: 1, to: whole[1].count + 1, by: 7) {
            try withFolder { folder in
                try FileManager.default.createDirectory(atPath: folder + "/audit", withIntermediateDirectories: true)
                let path = folder + "/audit/audit.jsonl"
                try Data(whole[0] + [0x0A] + whole[1][..<count]).write(to: URL(fileURLWithPath: path))
                let log = try AuditLog(directory: folder)
                #expect(log.cutByteCount == count && log.head.number == 1)
                try log.append([.stop])
                let all = try lines(path)
                #expect(faults(all) == [])
                #expect(all.compactMap { AuditLine(parsing: $0[...])?.event } == ["refusal", "torn_tail", "head_missing", "stop"])
            }
        }
    }

    @Test func aLastRecordWithBlocksOfZeroIsCut() throws {
        let whole = try recorded(2)
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/audit", withIntermediateDirectories: true)
            let zeros = whole[1].map { $0 == 0x22 ? 0 : $0 }
            try write([whole[0], zeros], to: folder + "/audit/audit.jsonl")
            #expect(try AuditLog(directory: folder).cutByteCount == zeros.count + 1)
        }
    }

    @Test func refusesADamagedFileAndLeavesIt() throws {
        var whole = try recorded(3)
        whole[1][50] ^= 1
        try withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder + "/audit", withIntermediateDirectories: true)
            try write(whole, to: folder + "/audit/audit.jsonl")
            #expect(throws: AuditError.damaged(byteOffset: whole[0].count + 1)) { try AuditLog(directory: folder) }
            #expect(try lines(folder + "/audit/audit.jsonl") == whole)
        }
    }

    @Test func aRemovedEndIsRecorded() throws {
        try withFolder { folder in
            let log = try AuditLog(directory: folder)
            for index in 1...5 { try log.append([refusal(index)]) }
            let path = folder + "/audit/audit.jsonl"
            try write(Array(lines(path).dropLast(2)), to: path)
            let again = try AuditLog(directory: folder)
            #expect(again.lacksRecords && again.head.number == 3)
            try again.append([.reload])
            let all = try lines(path)
            #expect(faults(all) == [] && AuditLine(parsing: all[3][...])?.event == "tail_missing")
            #expect(String(decoding: all[3], as: UTF8.self).contains("\"first\":4,\"last\":5"))
        }
    }

    @Test func everyEventIsOneLine() throws {
        let model = ModelReference(name: "m", version: "1", digest: "d", keyIdentifier: nil)
        var review = AuditedReview()
        review.label = "a\nb"
        let events: [AuditEvent] = [
            .start(version: "1", model: model, operatingPoint: nil, instructionSet: "scalar"), .stop, refusal(1), .review(review),
            .recoveredReview(number: 2, identifier: "x", lineDigest: "y"), .model(model, operatingPoint: "even"), .modelRefused(digest: nil, code: "c"),
            .reload, .retention(first: 1, last: 2, byteCount: 3), .tornTail(byteCount: 1), .tailMissing(first: 1, last: 2), .headMissing,
            .unaudited(first: 1, last: 2), .findingsMissing(first: 1, last: 2), .rotation(lastSequence: 1, lastReview: 1),
        ]
        for event in events {
            let line = AuditLine.line(of: event, number: 1, time: "t", previous: AuditLine.origin).line
            let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
            #expect(object?["event"] as? String == event.name && line.firstIndex(of: 0x0A) == line.count - 1)
            #expect(AuditLine(parsing: line.dropLast())?.isIntact == true)
        }
    }
}

func sampleLine(sequence: Int, milliseconds: Int = 5) -> [UInt8] {
    var result = FindingResult(
        sequence: sequence, id: "01234567-89ab-4cde-8f01-23456789abcd", time: "2026-01-01T00:00:00.000Z",
        model: ModelReference(name: "a \",\"digest\":\"x", version: "1", digest: "0f", keyIdentifier: nil),
        input: InputReference(kind: .png, sha256: "aa"), status: .succeeded)
    result.timing.totalMicroseconds = milliseconds
    result.outputDigest = "bb"
    return result.line()
}

@Suite struct AuditedResultTests {
    private func object(_ result: AuditedResult?) throws -> [String: Any] {
        let event = try #require(result.map { AuditEvent.result($0) })
        let line = AuditLine.line(of: event, number: 1, time: "t", previous: AuditLine.origin).line
        return try #require(JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    }

    @Test func saysWhatTheLineSays() throws {
        let request = AuditedResult.Request(
            origin: AuditOrigin(.socket, user: 7, process: 8), selection: try #require(FrameSelection(first: 2, last: 9, stride: 3)),
            modality: StatedModality("MR".utf8))
        let found = try object(AuditedResult(line: sampleLine(sequence: 3), request: request, operatingPoint: "even"))
        #expect(found["sequence"] as? Int == 3 && found["id"] as? String == "01234567-89ab-4cde-8f01-23456789abcd")
        #expect(found["model"] as? String == "0f" && found["status"] as? String == "succeeded" && found["reason"] is NSNull)
        #expect(found["output"] as? String == "bb" && found["operatingPoint"] as? String == "even")
        #expect(found["input"] as? [String: String] == ["kind": "png", "sha256": "aa", "frames": "2-9:3", "modality": "MR"])
        let line = sampleLine(sequence: 3).dropLast()
        #expect(found["line"] as? String == Hexadecimal.string(Digest.sha256(Array(line))))
    }

    @Test func aFailureHasItsReason() throws {
        var result = FindingResult(
            sequence: 1, id: "01234567-89ab-4cde-8f01-23456789abcd", time: "t",
            model: ModelReference(name: "m", version: "1", digest: "0f", keyIdentifier: "k"), input: InputReference(kind: nil, sha256: nil), status: .failed,
            reason: CodedTerm(scheme: "99TERN", value: "EMPTY", meaning: "none"))
        result.quality = nil
        let found = try object(AuditedResult(line: result.line(), request: nil, operatingPoint: nil))
        #expect(found["reason"] as? String == "EMPTY" && found["output"] is NSNull && found["origin"] is NSNull)
    }

    @Test func theContentDoesNotDependOnTheRun() throws {
        let one = AuditedResult.contentDigest(of: sampleLine(sequence: 3)), other = AuditedResult.contentDigest(of: sampleLine(sequence: 4, milliseconds: 9))
        #expect(one != nil && one == other)
    }

    @Test func everyPrefixIsRead() throws {
        let line = sampleLine(sequence: 3)
        for count in 0..<(line.count - 3) { #expect(AuditedResult(line: Array(line[..<count]), request: nil, operatingPoint: nil) == nil) }
    }

    @Test(arguments: ["1-", "7", "3-40", "5-:2", "3-40:2"]) func framesReadBack(_ text: String) throws {
        #expect(try #require(FrameSelection(text.utf8)).text == text)
    }
}
