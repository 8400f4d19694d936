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
        for label in model.labels.labels where label.isReported {
            text += "label: \(label.name)"
            if let code = label.code { text += " (\(code.value), \(code.scheme), \"\(code.meaning)\")" }
            if let threshold = label.threshold { text += ", positive from \(threshold.description) (\(label.operatingPoint))" }
            text += "\n"
        }
        text += "card: \(cardText(model))\n"
    }
    try put(text)
    return .ok
}
