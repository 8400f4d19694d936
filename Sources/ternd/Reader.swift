import TernBytes
import TernEngine
import TernFindings
import TernImage
import TernModel
import TernPlatform
import TernPrepare
import TernService

/// The way of one image: bytes to result. One thread uses a reader at a time.
final class Reader {
    private let engine: Engine
    /// The model's, with the thresholds in use.
    private let labels: Labels
    private let reference: ModelReference

    init(engine: Engine, labels: Labels) {
        self.engine = engine
        self.labels = labels
        reference = ModelReference(engine.model)
    }

    /// Decodes, prepares, infers and reports; every way this can fail is a result with a coded reason.
    func read(_ bytes: [UInt8], kind: InputKind?, identifier: StudyIdentifier) -> Analysis {
        let start = Clock.monotonicNanoseconds
        let input = InputReference(kind: kind, sha256: Hexadecimal.string(Digest.sha256(bytes)))
        var result = FindingResult(
            sequence: 0, id: identifier.text, time: Clock.utcNow, model: reference, input: input, status: .failed)
        var problem: Problem?
        do throws(ReadFailure) {
            try analyse(bytes, kind: kind, into: &result)
            result.status = .succeeded
        } catch {
            result.reason = error.reason
            problem = Problem(status: error.status, code: error.code, message: error.message)
            problem?.reason = error.reason
        }
        result.timing.totalMicroseconds = microseconds(since: start)
        return Analysis(result: result, problem: problem)
    }

    /// The result of an input whose bytes are not there.
    func refuse(_ failure: ReadFailure, identifier: StudyIdentifier) -> Analysis {
        let result = FindingResult(
            sequence: 0, id: identifier.text, time: Clock.utcNow, model: reference, input: InputReference(kind: nil, sha256: nil), status: .failed,
            reason: failure.reason)
        var problem = Problem(status: failure.status, code: failure.code, message: failure.message)
        problem.reason = failure.reason
        return Analysis(result: result, problem: problem)
    }

    private func analyse(_ bytes: [UInt8], kind: InputKind?, into result: inout FindingResult) throws(ReadFailure) {
        guard let kind else { throw bytes.isEmpty ? .empty : ReadFailure(PrepareError.unknownKind) }
        let prepared: PreparedInput
        do throws(PrepareError) {
            var start = Clock.monotonicNanoseconds
            let file = try ImageFile(parsing: bytes.rawBytes, as: ImageKind(kind))
            let image = try file.onlyFrame(of: bytes.rawBytes)
            result.timing.decodeMicroseconds = microseconds(since: start)
            result.input.sopInstanceUID = file.sopInstanceUID
            if kind == .dicom { result.input.frame = 1 }
            result.quality = ImageQuality(
                width: image.width, height: image.height, channels: image.channels, bitsStored: image.bitsStored)
            start = Clock.monotonicNanoseconds
            try file.checkModality(engine.model.recipe)
            prepared = try prepare(image, recipe: engine.model.recipe)
            result.timing.prepareMicroseconds = microseconds(since: start)
        } catch {
            throw ReadFailure(error)
        }
        let start = Clock.monotonicNanoseconds
        var output = [Float](repeating: 0, count: engine.model.header.outputCount)
        do throws(EngineError) {
            var values = output.mutableSpan
            try engine.infer(prepared.values.span, into: &values)
        } catch {
            throw ReadFailure(error)
        }
        let score = engine.featureScore
        result.timing.inferMicroseconds = microseconds(since: start)
        result.outputDigest = Hexadecimal.string(digest(output))
        if let score, let statistics = engine.model.featureStatistics {
            result.outOfDistribution = OutOfDistribution(score: score, threshold: statistics.threshold, isFlagged: statistics.isFlagged(score))
        }
        result.findings = findings(output, isOutOfDistribution: result.outOfDistribution?.isFlagged ?? false)
    }

    private func findings(_ output: [Float], isOutOfDistribution: Bool) -> [Finding] {
        guard !labels.labels.isEmpty else { return [] }
        let scores = Scores.scores(of: output.span, labels: labels)
        var findings: [Finding] = []
        for label in labels.labels where label.isReported {
            findings.append(
                Finding(
                    label: label.name, code: CodedTerm(label.code), score: scores[label.outputIndex], isCalibrated: labels.isCalibrated,
                    operatingPoint: label.operatingPoint, threshold: label.threshold, isOutOfDistribution: isOutOfDistribution))
        }
        return findings
    }

    /// N-12.
    private func digest(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
        }
        return Digest.sha256(bytes)
    }

    private func microseconds(since start: UInt64) -> Int { Int(clamping: (Clock.monotonicNanoseconds - start) / 1000) }
}

/// Why an image has no findings.
struct ReadFailure: Error {
    /// HTTP status.
    var status: Int
    /// For programs.
    var code: String
    var message: String
    var reason: CodedTerm

    private init(_ status: Int, _ code: String, _ value: String, _ meaning: String) {
        self.status = status
        self.code = code
        message = meaning
        reason = CodedTerm(scheme: "99TERN", value: value, meaning: meaning)
    }

    static var empty: ReadFailure { ReadFailure(400, "empty_input", "EMPTY", "The input has no bytes") }
    static var notOpened: ReadFailure { ReadFailure(400, "not_opened", "NOT-OPENED", "The file could not be opened") }
    static var fileTooLarge: ReadFailure { ReadFailure(413, "too_large", "FILE-TOO-LARGE", "The file has too many bytes") }

    init(_ error: PrepareError) {
        let status: Int
        let code: String
        switch error.category {
        case .unreadable: (status, code) = (400, "unreadable")
        case .tooLarge: (status, code) = (413, "too_large")
        case .unknownKind: (status, code) = (415, "unknown_kind")
        case .unfit: (status, code) = (422, "unfit")
        }
        self.init(status, code, error.reason.value, error.reason.meaning)
        message = error.message
    }

    init(_ error: EngineError) {
        switch error {
        case .notFinite, .outputNotFinite: self.init(422, "unfit", "NOT-FINITE", "The model gives no finite output for this image")
        default: self.init(500, "internal", "ENGINE", "The engine failed")
        }
    }
}

extension CodedTerm {
    /// Nil for no code.
    init?(_ code: Code?) {
        guard let code else { return nil }
        self.init(scheme: code.scheme, value: code.value, meaning: code.meaning)
    }
}

extension InputKind {
    /// What the decoders say the bytes are; nil when none of them reads such a file.
    init?(recognising bytes: [UInt8]) {
        switch ImageKind(recognising: bytes.rawBytes) {
        case .dicom: self = .dicom
        case .jpeg: self = .jpeg
        case .png: self = .png
        case .nifti, nil: return nil
        }
    }
}

extension ImageKind {
    init(_ kind: InputKind) {
        switch kind {
        case .dicom: self = .dicom
        case .jpeg: self = .jpeg
        case .png: self = .png
        }
    }
}
