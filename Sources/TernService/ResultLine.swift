public import TernFindings
internal import TernPlatform

/// What a line says that `FindingResult.line` has written. Its order of members is known, and a quotation mark inside a text is written with a
/// reverse solidus before it, so that a search for `"name":` finds members only.
struct ResultLine {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// True for a result with findings of all or some of its frames.
    var hasSucceeded: Bool {
        guard let start = end(of: "\"status\":\"", from: 0) else { return false }
        return has("succeeded\"", at: start) || has("partially_succeeded\"", at: start)
    }

    /// True for a whole analysis of all frames of a file of which the sender said nothing, that was made and not copied.
    var isFirst: Bool {
        guard let status = end(of: "\"status\":\"", from: 0), has("succeeded\"", at: status), end(of: "\"source\":\"caller\"", from: 0) == nil,
            end(of: "\"answeredFrom\":", from: status) == nil
        else { return false }
        guard let frames = end(of: "\"frames\":{\"count\":", from: 0), frames < status else { return true }
        let count = bytes[frames...].prefix { $0 != 0x2C }
        return has(",\"first\":1,\"last\":" + String(decoding: count, as: UTF8.self) + ",\"stride\":1,", at: count.endIndex)
    }

    /// SHA-256 of the input, hexadecimal digits.
    var inputDigest: [UInt8]? { digits(after: "\"sha256\":\"", from: 0) }

    /// SHA-256 of the output, hexadecimal digits.
    var outputDigest: [UInt8]? {
        let name = "\"digest\":\""
        return bytes.count > 64 + 12 ? digits(after: name, from: bytes.count - 64 - 3 - name.utf8.count) : nil
    }

    /// The members behind the time, without the brace at the end.
    var members: [UInt8]? {
        guard let start = end(of: ",\"model\":", from: 0), bytes.count > start + 2 else { return nil }
        return Array(bytes[(start - 8)..<(bytes.count - 2)])
    }

    /// Names what a result depends on beside its input: the model, and label, operating point and threshold of each finding. BLAKE2b-256.
    var settings: [UInt8]? {
        guard var text = digits(after: "\"digest\":\"", from: 0), var position = end(of: "\"findings\":[", from: 0) else { return nil }
        var seen: [[UInt8]] = []
        while let label = end(of: "{\"label\":", from: position), let point = end(of: "\"operatingPoint\":", from: label),
            let last = end(of: ",\"call\":", from: point), let code = end(of: ",\"code\":", from: label)
        {
            // A cine names each label once a frame.
            let part = Array(bytes[label..<code] + bytes[point..<last])
            if !seen.contains(part) {
                seen.append(part)
                text += part
            }
            position = last
        }
        return Digest.blake2b256(text)
    }

    func contains(_ text: String) -> Bool { end(of: text, from: 0) != nil }

    func identifier(after name: String) -> StudyIdentifier? {
        guard let start = end(of: name, from: 0), bytes.count >= start + 36 else { return nil }
        return StudyIdentifier(Array(bytes[start..<(start + 36)]))
    }

    private func digits(after name: String, from start: Int) -> [UInt8]? {
        guard let start = end(of: name, from: start), bytes.count >= start + 64 else { return nil }
        return Array(bytes[start..<(start + 64)])
    }

    private func has(_ text: String, at position: Int) -> Bool { bytes[position...].starts(with: text.utf8) }

    /// Where the next occurrence of a text ends.
    private func end(of text: String, from start: Int) -> Int? {
        let wanted = Array(text.utf8)
        var position = start
        while position + wanted.count <= bytes.count {
            var matched = 0
            while matched < wanted.count, bytes[position + matched] == wanted[matched] { matched += 1 }
            if matched == wanted.count { return position + matched }
            position += 1
        }
        return nil
    }
}

extension FindingResult {
    /// Names what results of a model with these findings depend on, as `ResultLine.settings` reads it from a line; scores do not matter.
    public static func settings(model: ModelReference, findings: [Finding]) -> [UInt8] {
        var result = FindingResult(sequence: 1, id: "", time: "", model: model, input: InputReference(kind: nil, sha256: nil), status: .succeeded)
        result.findings = findings
        return ResultLine(result.line()).settings ?? []
    }
}

/// The results from which the same content is answered a second time, bounded. The worker's thread uses it.
final class AnsweredIndex {
    private struct First {
        var settings: [UInt8]
        var identifier: StudyIdentifier
        var sequence: Int
        var members: [UInt8]
    }

    private let limitCount: Int
    private let limitByteCount: Int
    private let settings: () -> [UInt8]
    /// By the digits of the input's SHA-256.
    private var firsts: [[UInt8]: First] = [:]
    private var order: [[UInt8]] = []
    private var byteCount = 0

    /// `settings` gives those in use.
    init(limitCount: Int = 4096, limitByteCount: Int = 8 << 20, settings: @escaping () -> [UInt8]) {
        self.limitCount = limitCount
        self.limitByteCount = limitByteCount
        self.settings = settings
    }

    /// Takes in a recorded result.
    func record(_ entry: ResultRing.Entry) {
        let line = ResultLine(entry.line)
        guard line.isFirst, let key = line.inputDigest, let settings = line.settings, let members = line.members, members.count <= limitByteCount / 8
        else { return }
        if let known = firsts[key] {
            if known.settings == settings { return }
            byteCount -= known.members.count
        } else {
            order.append(key)
        }
        firsts[key] = First(settings: settings, identifier: entry.identifier, sequence: entry.sequence, members: members)
        byteCount += members.count
        while firsts.count > limitCount || byteCount > limitByteCount {
            if let oldest = firsts.removeValue(forKey: order.removeFirst()) { byteCount -= oldest.members.count }
        }
    }

    /// The analysis of a study of the watched folder whose content has a result with the settings in use; nil when it is to be made.
    func copy(for study: Study, model: ModelReference) -> Analysis? {
        guard study.origin == .folder, study.selection == .all, study.modality == nil else { return nil }
        let digest = Hexadecimal.string(Digest.sha256(study.bytes))
        guard let first = firsts[Array(digest.utf8)], first.settings == settings() else { return nil }
        var result = FindingResult(
            sequence: 0, id: study.identifier.text, time: Clock.utcNow, model: model, input: InputReference(kind: study.kind, sha256: digest),
            status: .succeeded)
        result.answeredFrom = EarlierResult(id: first.identifier.text, sequence: first.sequence, members: first.members)
        if let digits = ResultLine(first.members + [0x7D, 0x0A]).outputDigest { result.outputDigest = String(decoding: digits, as: UTF8.self) }
        return Analysis(result: result, problem: nil)
    }
}
