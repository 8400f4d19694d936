import TernBytes
import TernEngine
import TernFindings
import TernImage
import TernModel
import TernPlatform
import TernPrepare
import TernQuality
import TernService

/// A study's bytes and what is asked of them.
struct Input {
    var bytes: [UInt8]
    /// Nil when the bytes are of no known kind.
    var kind: InputKind?
    var selection = FrameSelection.all
    /// What the caller says where the file says none.
    var modality: StatedModality?
    /// The header of a NIfTI pair, of which `bytes` are the samples.
    var pairHeader: [UInt8]?
}

/// The way of one file: bytes to result. One thread uses a reader at a time.
final class Reader {
    let engine: Engine
    /// The model's, with the thresholds in use.
    private let labels: Labels
    let reference: ModelReference
    private let reportedCount: Int
    /// Whether `read` fills `Analysis.evidence`, and locates findings; false costs nothing. Maps also need an engine that makes them.
    var makesEvidence = false
    /// Longest side of the picture of the evidence.
    var limitPictureSide = 1024
    /// Of the file that is being read.
    var evidence: EvidenceMaker?
    /// Called before each frame of a file of several, on the thread that reads.
    var betweenFrames: () -> Void = {}

    init(engine: Engine, labels: Labels) {
        self.engine = engine
        self.labels = labels
        reference = ModelReference(engine.model)
        var count = 0
        for label in labels.labels where label.isReported { count += 1 }
        reportedCount = count
    }

    /// What results depend on beside their input.
    var settings: [UInt8] { resultSettings(engine.model, labels) }

    /// Decodes, prepares, infers and reports; every way this can fail is a result with a coded reason.
    func read(_ input: Input, identifier: StudyIdentifier) -> Analysis {
        let start = Clock.monotonicNanoseconds
        let sum = input.pairHeader.map { Digest.sha256($0 + input.bytes) } ?? Digest.sha256(input.bytes)
        var result = FindingResult(
            sequence: 0, id: identifier.text, time: Clock.utcNow, model: reference,
            input: InputReference(kind: input.kind, sha256: Hexadecimal.string(sum)), status: .failed)
        var problem: Problem?
        evidence = makesEvidence ? EvidenceMaker(limitSide: limitPictureSide, reportedCount: reportedCount) : nil
        do throws(ReadFailure) {
            result.status = try analyse(input, into: &result)
        } catch {
            result.reason = error.reason
            problem = Problem(status: error.status, code: error.code, message: error.message)
            problem?.reason = error.reason
        }
        var analysis = Analysis(result: result, problem: problem)
        analysis.evidence = evidence?.evidence
        evidence = nil
        analysis.result.timing.totalMicroseconds = microseconds(since: start)
        return analysis
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

    private func analyse(_ input: Input, into result: inout FindingResult) throws(ReadFailure) -> ResultStatus {
        guard let kind = input.kind else { throw input.bytes.isEmpty ? .empty : ReadFailure(PrepareError.unknownKind) }
        let start = Clock.monotonicNanoseconds
        let file: ImageFile
        do throws(PrepareError) {
            if let header = input.pairHeader {
                file = try ImageFile(pairHeader: header.rawBytes, data: input.bytes.rawBytes)
            } else {
                file = try ImageFile(parsing: input.bytes.rawBytes, as: ImageKind(kind))
            }
            result.timing.decodeMicroseconds = microseconds(since: start)
            result.input.describe(file)
            try check(file.modality, input.modality, of: file.kind, into: &result)
        } catch {
            throw ReadFailure(error)
        }
        guard let indices = input.selection.indices(count: file.frameCount) else { throw .noSuchFrame(count: file.frameCount) }
        guard file.frameCount > 1 else {
            var frame = FrameResult(frame: 1)
            defer { result.take(frame) }
            result.outputDigest = Hexadecimal.string(
                Digest.sha256(littleEndianBytes(try read(0, of: file, input.bytes.rawBytes, &frame, &result.timing))))
            return .succeeded
        }
        let count = input.selection.chosenCount(of: file.frameCount)
        let limit = min(FrameResult.limitCount, FrameResult.limitFindingCount / max(reportedCount, 1))
        guard count <= limit else { throw .tooManyFrames(count: count, limit: limit) }
        result.input.frames = FramesReference(
            count: file.frameCount, first: input.selection.first, last: input.selection.last ?? file.frameCount, stride: input.selection.stride,
            frameTimeMilliseconds: file.attributes.frameTimeMilliseconds)
        return try readFrames(indices, of: file, input.bytes, into: &result)
    }

    /// Reads frame after frame; a frame that is refused does not keep the others from being read.
    ///
    /// - Throws: what refused the first frame, when every one is.
    private func readFrames(
        _ indices: StrideThrough<Int>, of file: ImageFile, _ bytes: [UInt8], into result: inout FindingResult
    ) throws(ReadFailure) -> ResultStatus {
        var output: [UInt8] = []
        var first: ReadFailure?
        var analysed = 0
        for index in indices {
            var frame = FrameResult(frame: index + 1, timeMilliseconds: file.milliseconds(toFrame: index))
            betweenFrames()
            do throws(ReadFailure) {
                let bits = littleEndianBytes(try read(index, of: file, bytes.rawBytes, &frame, &result.timing))
                output += bits
                frame.outputDigest = Hexadecimal.string(Digest.sha256(bits))
                frame.status = .succeeded
                analysed += 1
            } catch {
                frame.reason = error.reason
                if first == nil { first = error }
            }
            result.take(next: frame)
        }
        result.input.frames?.analysed = analysed
        if engine.model.featureStatistics != nil { result.input.frames?.flagged = result.frames.count(where: { $0.isFlagged }) }
        guard analysed > 0 else { throw first ?? .noSuchFrame(count: file.frameCount) }
        result.findings = FindingResult.highestFindings(of: result.frames)
        result.outputDigest = Hexadecimal.string(Digest.sha256(output))
        guard first != nil else { return .succeeded }
        result.reason = ReadFailure.someFramesRefused.reason
        return .partiallySucceeded
    }

    /// Decodes, prepares and infers one frame, and gives the raw output.
    func read(
        _ index: Int, of file: ImageFile, _ bytes: RawSpan, _ frame: inout FrameResult, _ timing: inout ResultTiming
    ) throws(ReadFailure) -> [Float] {
        let recipe = engine.model.recipe
        let image: DecodedImage
        let prepared: PreparedInput
        var quality: ImageQuality
        let refusal: QualityRefusal?
        do throws(PrepareError) {
            var start = Clock.monotonicNanoseconds
            image = try file.frame(index, of: bytes)
            timing.decodeMicroseconds += microseconds(since: start)
            quality = ImageQuality(image)
            frame.quality = quality
            start = Clock.monotonicNanoseconds
            prepared = try prepare(image, recipe: recipe)
            frame.grey = GreyReference(image, recipe: recipe)
            // The one place where a picture is judged before the model sees it.
            refusal = quality.assess(image, prepared, of: file, for: engine.model)
            timing.prepareMicroseconds += microseconds(since: start)
        } catch {
            throw ReadFailure(error)
        }
        frame.quality = quality
        if let refusal {
            evidence?.take(refused: image, frame: frame.frame)
            throw ReadFailure(refusal)
        }
        let output = try infer(prepared, &frame, &timing)
        evidence?.take(image, file, &frame, engine, labels)
        return output
    }

    func infer(_ prepared: PreparedInput, _ frame: inout FrameResult, _ timing: inout ResultTiming) throws(ReadFailure) -> [Float] {
        let start = Clock.monotonicNanoseconds
        var output = [Float](repeating: 0, count: engine.model.header.outputCount)
        do throws(EngineError) {
            var values = output.mutableSpan
            try engine.infer(prepared.values.span, into: &values)
        } catch {
            throw ReadFailure(error)
        }
        let score = engine.featureScore
        timing.inferMicroseconds += microseconds(since: start)
        if let score, let statistics = engine.model.featureStatistics {
            frame.outOfDistribution = OutOfDistribution(score: score, threshold: statistics.threshold, isFlagged: statistics.isFlagged(score))
        }
        read(output, into: &frame)
        return output
    }

    /// Findings and conformal set of an output.
    private func read(_ output: [Float], into frame: inout FrameResult) {
        guard !labels.labels.isEmpty else { return }
        let scores = Scores.scores(of: output.span, labels: labels)
        let (rules, isConfirmed) = (engine.model.readingRules, engine.model.isConfirmed)
        var set = rules?.conformalLevel.map { ConformalSet(level: $0, labels: []) }
        for (index, label) in labels.labels.enumerated() {
            let (rule, score) = (rules?.labels[index], scores[label.outputIndex])
            if let conformal = rule?.conformal, score >= conformal.least { set?.labels.append(label.name) }
            guard label.isReported else { continue }
            var finding = Finding(
                label: label.name, code: CodedTerm(label.code), score: score, isCalibrated: labels.isCalibrated, operatingPoint: label.operatingPoint,
                threshold: label.threshold, isOutOfDistribution: frame.isFlagged, isConfirmed: isConfirmed)
            finding.tierBounds = rule?.tiers.map { TierBounds($0) }
            frame.findings.append(finding)
        }
        if isConfirmed, !frame.isFlagged { frame.conformal = set }
    }

    /// What the digest of an output is taken of, N-12.
    func littleEndianBytes(_ values: [Float]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.count * 4)
        for value in values {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
        }
        return bytes
    }

    func microseconds(since start: UInt64) -> Int { Int(clamping: (Clock.monotonicNanoseconds - start) / 1000) }
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
    static var someFramesRefused: ReadFailure { ReadFailure(422, "unfit", "FRAMES-REFUSED", "Some frames were not analysed") }

    static var severalFrames: ReadFailure { ReadFailure(422, "unfit", "NOT-ONE-FRAME", "A live frame is one picture, and the file has several") }
    static var kindMismatch: ReadFailure { ReadFailure(415, "kind_mismatch", "KIND-MISMATCH", "The bytes do not begin like what they are said to be") }

    static func noSuchFrame(count: Int) -> ReadFailure {
        var failure = ReadFailure(422, "unfit", "NO-SUCH-FRAME", "The file has not all the frames that are asked for")
        failure.message += ": it has \(count)."
        return failure
    }

    static func tooManyFrames(count: Int, limit: Int) -> ReadFailure {
        var failure = ReadFailure(422, "unfit", "FRAMES-LIMIT", "Too many frames for one study")
        failure.message += ": \(count), limit \(limit); choose some with --frames FIRST-LAST:STRIDE or ?frames=FIRST-LAST:STRIDE."
        return failure
    }

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

    init(_ refusal: QualityRefusal) {
        self.init(422, "unfit", refusal.value, refusal.meaning)
        message = refusal.meaning + "."
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
