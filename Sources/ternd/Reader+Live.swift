import TernBytes
import TernEngine
import TernFindings
import TernImage
import TernModel
import TernPlatform
import TernPrepare
import TernService

extension Reader {
    /// Looks at one live frame. It has no identifier and no sequence number, and no digest of its bytes, which would cost more than preparing it does.
    func read(_ live: LiveFrame) -> Analysis {
        let start = Clock.monotonicNanoseconds
        // A live frame may come between two frames of a study, whose evidence it is none of.
        let kept = evidence
        evidence = nil
        defer { evidence = kept }
        var result = FindingResult(
            sequence: 0, id: "", time: Clock.utcNow, model: reference, input: InputReference(kind: nil, sha256: nil), status: .failed)
        var frame = FrameResult(frame: 1)
        var problem: Problem?
        do throws(ReadFailure) {
            let output: [Float]
            switch live.content {
            case .bytes(let bytes, let kind): output = try read(bytes.rawBytes, as: kind, live.modality, into: &result, &frame)
            case .memory(let memory, let kind): output = try read(memory.bytes, as: kind, live.modality, into: &result, &frame)
            case .pixels(let memory, let pixels): output = try read(memory.bytes, pixels, live.modality, into: &result, &frame)
            }
            result.outputDigest = Hexadecimal.string(Digest.sha256(littleEndianBytes(output)))
            result.status = .succeeded
        } catch {
            problem = Problem(status: error.status, code: error.code, message: error.message)
            problem?.reason = error.reason
        }
        result.take(frame)
        result.timing.totalMicroseconds = microseconds(since: start)
        return Analysis(result: result, problem: problem)
    }

    /// The picture of a file, decoded from where it lies.
    private func read(
        _ bytes: RawSpan, as kind: InputKind, _ stated: StatedModality?, into result: inout FindingResult, _ frame: inout FrameResult
    ) throws(ReadFailure) -> [Float] {
        let start = Clock.monotonicNanoseconds
        let file: ImageFile
        result.input.kind = kind
        guard ImageKind(recognising: bytes) == ImageKind(kind) else { throw .kindMismatch }
        do throws(PrepareError) {
            file = try ImageFile(parsing: bytes, as: ImageKind(kind))
            result.timing.decodeMicroseconds = microseconds(since: start)
            result.input.describe(file)
            try check(file.modality, stated, of: file.kind, into: &result)
        } catch {
            throw ReadFailure(error)
        }
        guard file.frameCount == 1 else { throw .severalFrames }
        return try read(0, of: file, bytes, &frame, &result.timing)
    }

    /// A picture without a file, prepared from where it lies.
    private func read(
        _ bytes: RawSpan, _ pixels: RawPixels, _ stated: StatedModality?, into result: inout FindingResult, _ frame: inout FrameResult
    ) throws(ReadFailure) -> [Float] {
        let start = Clock.monotonicNanoseconds
        result.input.pixels = pixels.format
        let prepared: PreparedInput
        var quality = ImageQuality(width: pixels.width, height: pixels.height, channels: pixels.channels, bitsStored: pixels.bitsStored)
        frame.quality = quality
        do throws(PrepareError) {
            try check(nil, stated, of: .png, into: &result)
            prepared = try prepare(pixels, in: bytes, recipe: engine.model.recipe)
        } catch {
            throw ReadFailure(error)
        }
        if pixels.format == .grey16 { frame.grey = GreyReference(voi: nil) }
        let refusal = quality.assess(pixels, in: bytes, prepared, for: engine.model)
        result.timing.prepareMicroseconds = microseconds(since: start)
        frame.quality = quality
        if let refusal { throw ReadFailure(refusal) }
        return try infer(prepared, &frame, &result.timing)
    }

    /// Compares the modality of a picture with the model's, and says in the result who stated it.
    func check(_ said: String?, _ stated: StatedModality?, of kind: ImageKind, into result: inout FindingResult) throws(PrepareError) {
        let modality = said ?? stated?.term
        result.input.modality = ModalityReference(
            value: modality, source: said != nil ? .file : modality != nil ? .caller : nil,
            isChecked: modality != nil && !engine.model.recipe.modality.utf8.isEmpty)
        try checkModality(modality, of: kind, for: engine.model.recipe)
    }
}
