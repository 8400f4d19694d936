import TernBytes
import TernFindings
import TernPlatform
import TernPrepare
import TernService

/// Largest image file, before decoding.
let limitFileByteCount = 1 << 30

/// `ternd infer`.
func runInfer(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(
        words, verb: "infer",
        options: ModelOptions.options + [Arguments.operatingPoint, "--frames", "--modality", "--maps"] + InferForm.options + Arguments.outboxOptions,
        flags: ModelOptions.flags)
    guard !arguments.operands.isEmpty else { throw Failure(.usage, "infer: no image files; see ternd infer --help") }
    let selection = try frameSelection(arguments)
    let modality = try statedModality(arguments)
    let form = try InferForm(arguments)
    var options = try ModelOptions(arguments)
    let maps: MapFolder? = if let path = arguments.value("--maps") { try MapFolder(path) } else { nil }
    options.makesMaps = maps != nil || arguments.value("--outbox") != nil
    let model = try options.open()
    let labels = try arguments.labels(of: model)
    let reportModel = ReportModel(model, labels: labels)
    let engine = try options.engine(model)
    try options.prove(engine)
    let reader = Reader(engine: engine, labels: labels)
    try arguments.openOutbox()
    let outbox = try arguments.outbox(for: reportModel, reader)
    if maps != nil { reader.makesEvidence = true }
    var outcome = ExitCode.ok
    for (index, path) in arguments.operands.enumerated() {
        var code = ExitCode.ok
        var bytes: [UInt8] = []
        var analysis = try readFileOperand(path, selection, modality, reader, &code, &bytes)
        analysis.result.sequence = index + 1
        try maps?.write(analysis)
        try put(form.text(of: analysis, model: reportModel))
        try outbox?.write(analysis, input: bytes, number: index + 1)
        if let problem = analysis.problem {
            // The operand's number, not its name: names of image files may carry names of people.
            say("input \(index + 1): \(problem.message)")
            if code == .ok { code = problem.status == 500 ? .ourFault : .badInput }
            if outcome == .ok || outcome == .cannotOpen { outcome = code }
        } else if analysis.result.status == .partiallySucceeded {
            let frames = analysis.result.frames.count
            say("input \(index + 1): \(frames - (analysis.result.input.frames?.analysed ?? 0)) of \(frames) frames were not analysed")
            if outcome == .ok || outcome == .cannotOpen { outcome = .badInput }
        }
    }
    return outcome
}

/// What `--frames` asks for.
func frameSelection(_ arguments: Arguments) throws(Failure) -> FrameSelection {
    guard let text = arguments.value("--frames") else { return .all }
    guard let selection = FrameSelection(Array(text.utf8)) else {
        throw Failure(.usage, "\(arguments.verb): --frames is FIRST, FIRST-LAST or FIRST-, with :STRIDE behind a range; the first frame is 1")
    }
    return selection
}

/// What `--modality` says.
func statedModality(_ arguments: Arguments) throws(Failure) -> StatedModality? {
    guard let text = arguments.value("--modality") else { return nil }
    guard let modality = StatedModality(text.utf8) else { throw Failure(.usage, "\(arguments.verb): --modality is a term of DICOM: CR, DX, US, CT, MR ...") }
    return modality
}

private func readFileOperand(
    _ path: String, _ selection: FrameSelection, _ modality: StatedModality?, _ reader: Reader, _ code: inout ExitCode, _ bytes: inout [UInt8]
) throws(Failure) -> Analysis {
    let identifier: StudyIdentifier
    do throws(ServiceError) { identifier = try StudyIdentifier() } catch { throw Failure(.unavailable, "the system gives no random bytes") }
    do throws(PlatformError) {
        bytes = try readFile(path, limitByteCount: limitFileByteCount)
        var input = Input(bytes: bytes, kind: InputKind(recognising: bytes), selection: selection, modality: modality)
        completePair(Array(path.utf8), &input)
        return reader.read(input, identifier: identifier)
    } catch {
        switch error {
        case .emptyFile: return reader.read(Input(bytes: [], kind: nil), identifier: identifier)
        case .fileTooLarge: return reader.refuse(.fileTooLarge, identifier: identifier)
        default:
            code = .cannotOpen
            return reader.refuse(.notOpened, identifier: identifier)
        }
    }
}

/// Adds the other half of a NIfTI pair where a file of its name lies beside: `NAME.img` beside `NAME.hdr`, each with or without `.gz`.
func completePair(_ path: PathBytes, _ input: inout Input) {
    let isHeader = input.kind == .nifti && ImageFile.isPairHeader(input.bytes.rawBytes)
    guard isHeader || hasEnding(path, ".img") || hasEnding(path, ".img.gz") else { return }
    let stem = path.dropLast(hasEnding(path, ".gz") ? 7 : 4)
    guard !isHeader || hasEnding(path, ".hdr") || hasEnding(path, ".hdr.gz") else { return }
    for ending in isHeader ? [".img", ".img.gz"] : [".hdr", ".hdr.gz"] {
        let name = Array(stem) + Array(ending.utf8)
        guard let other = try? readFile(name, limitByteCount: limitFileByteCount) else { continue }
        if !isHeader, !ImageFile.isPairHeader(other.rawBytes) { continue }
        (input.pairHeader, input.bytes) = isHeader ? (input.bytes, other) : (other, input.bytes)
        input.kind = .nifti
        return
    }
}

private func hasEnding(_ path: PathBytes, _ ending: String) -> Bool { path.suffix(ending.utf8.count).elementsEqual(ending.utf8) }
