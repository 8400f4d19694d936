import Testing
import TernFindings
import TernPlatform

@testable import TernService

@Suite struct AnsweredIndexTests {
    private let model = ModelReference(name: "m \"digest\":\"", version: "1", digest: String(repeating: "a", count: 64), keyIdentifier: nil)

    private func finding(_ label: String, _ threshold: Float?, frame: Int? = nil) -> Finding {
        var finding = Finding(
            label: label, code: CodedTerm(scheme: "99TEST", value: "W", meaning: "White"), score: 0.25, isCalibrated: false, operatingPoint: threshold == nil ? "" : "even",
            threshold: threshold)
        finding.frame = frame
        return finding
    }

    private func result(_ bytes: [UInt8], _ findings: [Finding]) throws -> FindingResult {
        var result = FindingResult(
            sequence: 7, id: try StudyIdentifier().text, time: "2026-01-01T00:00:00.000Z", model: model,
            input: InputReference(kind: .png, sha256: Hexadecimal.string(Digest.sha256(bytes))), status: .succeeded)
        result.findings = findings
        result.outputDigest = String(repeating: "b", count: 64)
        return result
    }

    private func entry(_ result: FindingResult) throws -> ResultRing.Entry {
        ResultRing.Entry(sequence: result.sequence, identifier: try #require(StudyIdentifier(Array(result.id.utf8))), line: result.line())
    }

    private func study(_ bytes: [UInt8], origin: StudyOrigin = .folder) throws -> Study {
        var study = Study(identifier: try StudyIdentifier(), kind: .png, bytes: bytes)
        study.origin = origin
        return study
    }

    @Test func theSettingsOfALineAreThoseOfItsModel() throws {
        let findings = [finding("white", 0.5), finding("black, \"operatingPoint\":", nil)]
        let line = ResultLine(try result([1], findings).line())
        #expect(line.settings == FindingResult.settings(model: model, findings: findings))
        #expect(line.settings != FindingResult.settings(model: model, findings: [findings[0]]))
        #expect(line.settings != FindingResult.settings(model: model, findings: [finding("white", 0.25), findings[1]]))
        var other = model
        other.digest = String(repeating: "c", count: 64)
        #expect(line.settings != FindingResult.settings(model: other, findings: findings))
        #expect(line.hasSucceeded && line.isFirst && line.outputDigest == Array(repeating: 0x62, count: 64))
        // Each frame of a cine has every label.
        let cine = ResultLine(try result([1], [finding("white", 0.5, frame: 1), finding("white", 0.5, frame: 2)]).line())
        #expect(cine.settings == FindingResult.settings(model: model, findings: [finding("white", 0.5)]))
    }

    @Test func theSameContentIsAnsweredFromTheFirst() throws {
        let settings = FindingResult.settings(model: model, findings: [finding("white", 0.5)])
        let index = AnsweredIndex(settings: { settings })
        let first = try result([1, 2, 3], [finding("white", 0.5)])
        index.record(try entry(first))
        let again = try study([1, 2, 3])
        var copy = try #require(index.copy(for: again, model: model)?.result)
        copy.sequence = 9
        let expected = first.line().dropFirst(first.line().firstIndex(of: 0x6D) ?? 0)
        let text = String(decoding: copy.line(), as: UTF8.self)
        #expect(text.hasPrefix("{\"schema\":\"tern.result/1\",\"sequence\":9,\"id\":\"\(again.identifier.text)\",\"time\":\""))
        #expect(text.hasSuffix(",\"answeredFrom\":{\"id\":\"\(first.id)\",\"sequence\":7}}\n") && !expected.isEmpty)
        let members = try #require(ResultLine(first.line()).members)
        #expect(text.contains(String(decoding: members, as: UTF8.self)) && copy.outputDigest == first.outputDigest)
        // The copy is no first.
        #expect(!ResultLine(copy.line()).isFirst && ResultLine(copy.line()).hasSucceeded)
        #expect(FindingsLine.entry(of: copy.line()[...])?.sequence == 9)
        let other = AnsweredIndex(settings: { FindingResult.settings(model: model, findings: [finding("white", 0.75)]) })
        other.record(try entry(first))
        #expect(other.copy(for: again, model: model) == nil)
        #expect(index.copy(for: try study([1, 2, 4]), model: model) == nil)
        #expect(index.copy(for: try study([1, 2, 3], origin: .socket(user: nil, process: nil)), model: model) == nil)
        var stated = again
        stated.modality = StatedModality("MR".utf8)
        #expect(index.copy(for: stated, model: model) == nil)
    }

    @Test func onlyWholeResultsAreFirsts() throws {
        for change: (inout FindingResult) -> Void in [
            { $0.status = .failed }, { $0.status = .partiallySucceeded },
            { $0.input.modality = ModalityReference(value: "MR", source: .caller, isChecked: false) },
            { $0.input.frames = FramesReference(count: 9, first: 1, last: 8, stride: 1, frameTimeMilliseconds: nil) },
            { $0.input.frames = FramesReference(count: 9, first: 1, last: 9, stride: 2, frameTimeMilliseconds: nil) },
        ] {
            var result = try result([1], [finding("white", 0.5)])
            change(&result)
            #expect(!ResultLine(result.line()).isFirst)
        }
        var whole = try result([1], [finding("white", 0.5)])
        whole.input.frames = FramesReference(count: 9, first: 1, last: 9, stride: 1, frameTimeMilliseconds: nil)
        #expect(ResultLine(whole.line()).isFirst)
    }

    @Test func theIndexIsBounded() throws {
        let settings = FindingResult.settings(model: model, findings: [])
        let index = AnsweredIndex(limitCount: 3, settings: { settings })
        for value in 0..<5 as Range<UInt8> { index.record(try entry(try result([value], []))) }
        for value in 0..<5 as Range<UInt8> { #expect((index.copy(for: try study([value]), model: model) == nil) == (value < 2)) }
        let small = AnsweredIndex(limitByteCount: 1200, settings: { settings })
        for value in 0..<5 as Range<UInt8> { small.record(try entry(try result([value], []))) }
        #expect(small.copy(for: try study([0]), model: model) == nil)
    }
}
