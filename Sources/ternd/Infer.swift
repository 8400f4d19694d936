import TernFindings
import TernPlatform
import TernService

/// Largest image file, before decoding.
private let limitFileByteCount = 1 << 30

/// `ternd infer`.
func runInfer(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "infer", options: ModelOptions.options + [Arguments.operatingPoint], flags: ModelOptions.flags)
    guard !arguments.operands.isEmpty else { throw Failure(.usage, "infer: no image files; see ternd infer --help") }
    let options = try ModelOptions(arguments)
    let model = try options.open()
    let labels = try arguments.labels(of: model)
    let engine = try options.engine(model)
    try options.prove(engine)
    let reader = Reader(engine: engine, labels: labels)
    var outcome = ExitCode.ok
    for (index, path) in arguments.operands.enumerated() {
        var code = ExitCode.ok
        var analysis = try readFileOperand(path, reader, &code)
        analysis.result.sequence = index + 1
        try put(String(decoding: analysis.result.line(), as: UTF8.self))
        if let problem = analysis.problem {
            // The operand's number, not its name: names of image files may carry names of people.
            say("input \(index + 1): \(problem.message)")
            if code == .ok { code = problem.status == 500 ? .ourFault : .badInput }
            if outcome == .ok || outcome == .cannotOpen { outcome = code }
        }
    }
    return outcome
}

private func readFileOperand(_ path: String, _ reader: Reader, _ code: inout ExitCode) throws(Failure) -> Analysis {
    let identifier: StudyIdentifier
    do throws(ServiceError) { identifier = try StudyIdentifier() } catch { throw Failure(.unavailable, "the system gives no random bytes") }
    do throws(PlatformError) {
        let bytes = try readFile(path, limitByteCount: limitFileByteCount)
        return reader.read(bytes, kind: InputKind(recognising: bytes), identifier: identifier)
    } catch {
        switch error {
        case .emptyFile: return reader.read([], kind: nil, identifier: identifier)
        case .fileTooLarge: return reader.refuse(.fileTooLarge, identifier: identifier)
        default:
            code = .cannotOpen
            return reader.refuse(.notOpened, identifier: identifier)
        }
    }
}
