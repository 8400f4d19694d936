import TernBytes
import TernConvert
import TernModel
import TernPlatform

/// Everything in a model file, as text for people and as JSON for scripts.
struct ModelReport {
    private let file: ModelFile
    let card: JSONValue

    init(_ file: ModelFile) throws(Failure) {
        self.file = file
        let bytes = file.card.array
        do throws(JSONError) {
            card = try JSONValue(parsing: bytes)
        } catch {
            throw Failure(.badInput, "the model card is not JSON: \(error)")
        }
    }

    private var signature: String {
        switch file.signature {
        case .unsigned: "unsigned"
        case .valid(let key): Hexadecimal.string(key)
        }
    }
    private var weightByteCount: Int { file.tensors.reduce(0) { $0 + $1.byteCount } }

    var json: JSONValue {
        let header = file.header
        return object(
            ("name", .string(header.name)), ("version", .string(header.version)), ("identity", .string(Hexadecimal.string(file.identity))),
            ("signature", .string(signature)), ("fileBytes", number(file.fileBytes.byteCount)), ("weightBytes", number(weightByteCount)),
            ("arenaBytes", number(header.arenaByteCount)), ("input", input), ("outputs", number(header.outputCount)), ("labels", labels),
            ("operatingPointsMeasuredOn", file.operatingPoints.isEmpty ? .null : .string(file.operatingPointsMeasuredOn)),
            ("outOfDistribution", outOfDistribution), ("qualityGate", qualityGate), ("scoreReference", scoreReference),
            ("confirmation", ReadingReport(file: file).confirmation), ("readingRules", ReadingReport(file: file).rules),
            ("card", card), ("goldenVectors", number(file.goldenCount)), ("operations", .array(file.operations.map(operation))),
            ("tensors", .array(file.tensors.map(tensor))))
    }

    private var input: JSONValue {
        let recipe = file.recipe
        var window = JSONValue.null
        if case .window(let centre, let width) = recipe.intensity { window = object(("centre", real(centre)), ("width", real(width))) }
        return object(
            ("modality", .string(recipe.modality)), ("channels", number(recipe.channels)), ("height", number(recipe.height)),
            ("width", number(recipe.width)), ("crop", .string("\(recipe.crop)")), ("filter", .string("\(recipe.filter)")), ("window", window),
            ("scale", .array(recipe.scale.map(real))), ("offset", .array(recipe.offset.map(real))))
    }

    private var labels: JSONValue {
        let entries = file.labels.labels.enumerated().map { index, label in
            object(
                ("name", .string(label.name)), ("index", number(label.outputIndex)), ("reported", .boolean(label.isReported)),
                (
                    "code",
                    label.code.map {
                        object(("scheme", .string($0.scheme)), ("value", .string($0.value)), ("meaning", .string($0.meaning)))
                    } ?? .null
                ),
                ("threshold", label.threshold.map(real) ?? .null), ("operatingPoint", .string(label.operatingPoint)),
                ("operatingPoints", .array(file.operatingPoints.filter { $0.labelIndex == index }.map(operatingPoint))))
        }
        return object(
            ("activation", .string("\(file.labels.activation)")), ("temperature", real(file.labels.temperature)),
            ("calibrated", .boolean(file.labels.isCalibrated)), ("labels", .array(entries)))
    }

    private func text(of point: OperatingPoint) -> String {
        func text(_ share: MeasuredShare) -> String { "\(share.value) (\(share.low) to \(share.high))" }
        return "\(point.name): positive from \(point.threshold), sensitivity \(text(point.sensitivity)) of \(point.positives), specificity "
            + "\(text(point.specificity)) of \(point.negatives), \(file.operatingPointsMeasuredOn)"
    }

    private func operatingPoint(_ point: OperatingPoint) -> JSONValue {
        func share(_ share: MeasuredShare) -> JSONValue { object(("value", real(share.value)), ("low", real(share.low)), ("high", real(share.high))) }
        return object(
            ("name", .string(point.name)), ("threshold", real(point.threshold)), ("sensitivity", share(point.sensitivity)),
            ("specificity", share(point.specificity)), ("positives", number(point.positives)), ("negatives", number(point.negatives)))
    }

    private var outOfDistribution: JSONValue {
        guard let statistics = file.featureStatistics else { return .null }
        return object(
            ("threshold", real(statistics.threshold)), ("residualPrecision", real(statistics.residualPrecision)),
            ("falseAlarmRate", real(statistics.falseAlarmRate)), ("values", number(statistics.count)), ("directions", number(statistics.rank)))
    }

    private var qualityGate: JSONValue {
        guard let gate = file.qualityRules else { return .null }
        let rules = gate.rules.map { rule in
            object(
                ("criterion", .string(rule.criterion.name)), ("threshold", rule.criterion.isMeasured ? real(rule.threshold) : .null),
                ("allowed", rule.text.isEmpty ? .null : .string(rule.text)), ("cases", number(rule.cases)), ("refused", number(rule.refused)))
        }
        return object(
            ("measuredOn", .string(gate.measuredOn)), ("cases", number(gate.cases)), ("refused", number(gate.refused)), ("rules", .array(rules)))
    }

    private var scoreReference: JSONValue {
        guard let reference = file.scoreReference else { return .null }
        let labels = reference.labels.map { one in
            object(
                ("name", .string(file.labels.labels[one.labelIndex].name)), ("edges", .array(one.edges.map(real))), ("counts", .array(one.counts.map(number))))
        }
        return object(("measuredOn", .string(reference.measuredOn)), ("cases", number(reference.cases)), ("labels", .array(labels)))
    }

    private func text(of rule: QualityRule) -> String {
        let condition =
            switch rule.criterion {
            case .viewPosition: "only \(rule.text), where the file states a view"
            case .burnedInAnnotation: "not YES"
            case .lossyCompression: "never"
            default: "\(rule.criterion.isLeast ? "at least" : "at most") \(rule.threshold)"
            }
        return "\(rule.criterion.name): \(condition)" + (rule.cases > 0 ? ", refuses \(rule.refused) of \(rule.cases)" : "")
    }

    private func operation(_ named: NamedOperation) -> JSONValue {
        let facts = OperationFacts(named.operation, tensors: file.tensors)
        return object(
            ("name", .string(named.name)), ("kind", .string(facts.kind)), ("output", .array([number(facts.rows), number(facts.columns)])),
            ("multiplyAdds", number(facts.multiplyAddCount)), ("details", .string(facts.details)))
    }

    private func tensor(_ tensor: Tensor) -> JSONValue {
        object(
            ("name", .string(tensor.name)), ("type", .string("\(tensor.elementType)")), ("recipe", .string("\(tensor.recipe)")),
            ("shape", .array(tensor.dimensions.map(number))), ("bytes", number(tensor.byteCount)), ("offset", number(tensor.byteOffset)))
    }

    var text: String {
        let header = file.header
        var lines = [
            "\(header.name) \(header.version)",
            "identity    \(Hexadecimal.string(file.identity))",
            "signature   \(signature == "unsigned" ? "unsigned" : "Ed25519 by \(signature)")",
            "file        \(byteText(file.fileBytes.byteCount)), weights \(byteText(weightByteCount)), arena \(byteText(header.arenaByteCount))",
            "input       \(input.text)",
            "outputs     \(header.outputCount), activation \(file.labels.activation), temperature \(file.labels.temperature), "
                + (file.labels.isCalibrated ? "calibrated" : "not calibrated"),
        ]
        for (index, label) in file.labels.labels.enumerated() {
            lines.append(
                "label       \(label.outputIndex) \(label.name)\(label.isReported ? "" : " (not reported)")"
                    + (label.code.map { " \($0.scheme) \($0.value) \"\($0.meaning)\"" } ?? "")
                    + (label.threshold.map { ", positive from \($0)" } ?? "")
                    + (label.operatingPoint.isEmpty ? "" : " at \(label.operatingPoint)"))
            for point in file.operatingPoints where point.labelIndex == index { lines.append("            \(text(of: point))") }
        }
        if let gate = file.featureStatistics {
            lines.append(
                "gate        out of distribution above \(gate.threshold), false alarms \(gate.falseAlarmRate); \(gate.count) values, "
                    + "\(gate.rank) directions")
        }
        if let gate = file.qualityRules {
            lines.append("quality     refuses \(gate.refused) of \(gate.cases) ordinary images, \(gate.measuredOn)")
            for rule in gate.rules { lines.append("            \(text(of: rule))") }
        }
        if let reference = file.scoreReference {
            lines.append("scores      distributions on \(reference.cases) images, \(reference.measuredOn)")
            for one in reference.labels {
                lines.append("            \(file.labels.labels[one.labelIndex].name): \(one.counts.count) bins from \(one.edges.map { "\($0)" }.joined(separator: " "))")
            }
        }
        lines += ReadingReport(file: file).lines
        lines.append("golden      \(file.goldenCount) vectors")
        for member in card.members ?? [] { lines.append("card        \(member.key): \(member.value.string ?? member.value.text)") }
        lines.append("")
        var total = 0
        for (index, named) in file.operations.enumerated() {
            let facts = OperationFacts(named.operation, tensors: file.tensors)
            total += facts.multiplyAddCount
            lines.append(
                padded("\(index)", 4, left: true) + "  " + padded(named.name, 24) + padded(facts.kind, 11)
                    + padded("[\(facts.rows), \(facts.columns)]", 14) + facts.details)
        }
        lines.append("      \(fixed(Double(total) / 1e6, 2)) million multiply-adds in linear layers and attention\n")
        for tensor in file.tensors {
            lines.append(
                padded(tensor.name, 32) + padded("\(tensor.elementType)", 5) + padded("\(tensor.dimensions)", 16)
                    + padded("\(tensor.byteCount)", 10, left: true) + " bytes  \(tensor.recipe)")
        }
        return lines.joined(separator: "\n")
    }
}

/// What a report says of one operation.
private struct OperationFacts {
    var kind: String
    var rows: Int
    var columns: Int
    var multiplyAddCount = 0
    var details = ""

    init(_ operation: Operation, tensors: [Tensor]) {
        switch operation {
        case .patches(let patches):
            let across = (patches.height / patches.patch) * (patches.width / patches.patch)
            (kind, rows, columns) = ("patches", across, patches.channels * patches.patch * patches.patch)
            details = "patch \(patches.patch)"
        case .fill(let fill): (kind, rows, columns) = ("fill", fill.rows, fill.columns)
        case .layerNorm(let norm):
            (kind, rows, columns) = ("layer norm", norm.rows, norm.columns)
            details = "epsilon \(norm.epsilon)"
        case .linear(let linear):
            (kind, rows, columns) = ("linear", linear.rows, linear.columns)
            multiplyAddCount = linear.rows * linear.columns * linear.depth
            details = "depth \(linear.depth), \(tensors[linear.weights].elementType)"
            if linear.levels > 0 { details += ", levels \(linear.levels)" }
            if linear.bias != nil { details += ", bias" }
            if linear.gelu { details += ", gelu" }
            switch linear.residual {
            case .none: break
            case .arena: details += ", residual"
            case .tensor(let index): details += ", plus \(tensors[index].name)"
            }
        case .attention(let attention):
            (kind, rows, columns) = ("attention", attention.queryCount, attention.heads * attention.width)
            multiplyAddCount = 2 * attention.queryCount * attention.tokens * attention.heads * attention.width
            details = "\(attention.tokens) tokens, \(attention.heads) heads, \(attention.keyValueHeads) key/value heads"
        case .meanPool(let pool):
            (kind, rows, columns) = ("mean pool", 1, pool.columns)
            details = "over \(pool.rows) rows"
        }
    }
}

private func object(_ members: (String, JSONValue)...) -> JSONValue { .object(members.map { JSONMember($0.0, $0.1) }) }
private func number(_ value: Int) -> JSONValue { .number(Double(value)) }
/// The shortest decimal that reads back as the same binary32 value.
private func real(_ value: Float) -> JSONValue { .number(Double("\(value)") ?? Double(value)) }
