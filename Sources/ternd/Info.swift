import TernBytes
import TernFindings
import TernKernels
import TernModel
import TernPlatform

/// `ternd info`.
func runInfo(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "info", options: ModelOptions.options, flags: ModelOptions.flags)
    try arguments.refuseOperands()
    let (set, why) = try chosenInstructionSet(arguments.value("--isa"))
    var text = "ternd \(programVersion)\n"
    text += "instruction sets available: " + InstructionSet.available.map { $0.name }.joined(separator: " ") + "\n"
    text += "instruction set chosen: \(set.name) (\(why))\n"
    if arguments.value("--model") != nil {
        let model = try ModelOptions(arguments).open()
        let reference = ModelReference(model)
        text += "model: \(reference.name) \(reference.version)\n"
        text += "digest: \(reference.digest)\n"
        text += "signature: " + (reference.keyIdentifier.map { "valid, key \($0)" } ?? "none") + "\n"
        text += "input: \(model.header.channels) x \(model.header.height) x \(model.header.width)"
        text += model.recipe.modality.isEmpty ? "\n" : ", modality \(model.recipe.modality)\n"
        text += "outputs: \(model.header.outputCount)\n"
        text += "operations: \(model.operations.count)\n"
        text += "arena: \(model.header.arenaByteCount) bytes\n"
        text += "golden vectors: \(model.goldenCount)\n"
        text += "thresholds: " + (model.isConfirmed ? "confirmed\n" : "not confirmed for this file: every call is review\n")
        for (index, label) in model.labels.labels.enumerated() where label.isReported {
            text += "label: \(label.name)"
            if let code = label.code { text += " (\(code.value), \(code.scheme), \"\(code.meaning)\")" }
            if let threshold = label.threshold { text += ", positive from \(threshold.description) (\(label.operatingPoint))" }
            text += "\n"
            for point in model.operatingPoints where point.labelIndex == index {
                text += "  \(point.name): positive from \(point.threshold.description), sensitivity \(point.sensitivity.text) of \(point.positives)"
                text += ", specificity \(point.specificity.text) of \(point.negatives), \(model.operatingPointsMeasuredOn)\n"
            }
        }
        if let gate = model.featureStatistics {
            text += "out of distribution: above \(gate.threshold.description), false alarms \(gate.falseAlarmRate.description)\n"
        }
        if let gate = model.qualityRules {
            text += "quality gate: refuses \(gate.refused) of \(gate.cases) ordinary images, \(gate.measuredOn)\n"
            for rule in gate.rules {
                text += "  \(rule.criterion.name)"
                if rule.criterion.isMeasured { text += rule.criterion.isLeast ? ": at least " : ": at most " }
                text += rule.criterion.isMeasured ? rule.threshold.description : rule.text.isEmpty ? "" : ": \(rule.text)"
                text += rule.cases > 0 ? ", refuses \(rule.refused) of \(rule.cases)\n" : "\n"
            }
        }
        if let reference = model.scoreReference {
            text += "score reference: \(reference.labels.count) labels, \(reference.cases) images, \(reference.measuredOn)\n"
        }
        if let rules = model.readingRules { text += readingText(rules, model.labels) }
        text += "card: \(cardText(model))\n"
    }
    try put(printable(text))
    return .ok
}

/// The text with `?` for each control character but newline and tab: what a model file says must not steer a terminal.
func printable(_ text: String) -> String {
    var bytes = Array(text.utf8)
    for index in bytes.indices {
        let byte = bytes[index]
        if byte < 0x20 && byte != 0x0A && byte != 0x09 || byte == 0x7F {
            bytes[index] = 0x3F
        } else if byte == 0xC2, index + 1 < bytes.count, (0x80...0x9F).contains(bytes[index + 1]) {
            // U+0080 to U+009F in UTF-8.
            bytes[index] = 0x3F
            bytes[index + 1] = 0x3F
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
