// fuzz-targets: TernStore
// fuzz-options: -max_len=2048 -malloc_limit_mb=64
import TernStore

/// Any bytes are settings, trusted keys, a selection and a trial, or none; what is read says what it was read from.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let settings = try? SettingsFile(parsing: bytes) {
        var last = 0
        for setting in settings.settings {
            precondition(setting.line > last && !setting.value.isEmpty && settings.value(setting.key) == setting.value)
            last = setting.line
        }
        if var selection = ModelSelection(settings) {
            precondition(isDigest(selection.current) && selection.number > 0)
            let trial = ModelTrial(settings)
            let choice = ModelChoice(selection, trial: trial)
            precondition(isDigest(choice.digest) && (choice.fallback == nil) == (choice.trial == nil))
            _ = selection.rollBack()
        }
        if let trial = ModelTrial(settings) {
            let again = (try? SettingsFile(parsing: Array(trial.text.utf8))).flatMap { ModelTrial($0) }
            precondition(again == trial)
        }
    }
    if let trust = try? TrustFile(parsing: bytes) {
        precondition(!trust.keys.isEmpty && trust.keys.allSatisfy { $0.bytes.count == 32 && trust.name(of: $0.bytes) == $0.name })
    }
    return 0
}
