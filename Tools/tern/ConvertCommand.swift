public import ArgumentParser
public import TernConvert
import TernModel
import TernPlatform
import TernWriter

extension WeightFormat: ExpressibleByArgument {}
extension PositionFormat: ExpressibleByArgument {}

enum Packing: String, CaseIterable, ExpressibleByArgument {
    case t5, t2
    var elementType: ElementType { self == .t5 ? .t5 : .t2 }
}

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Turns a trained checkpoint into a model file.",
        discussion: """
            SRC is a .safetensors file (or a folder with model.safetensors) with timm or Hugging Face names. The description (--config) says what
            weights cannot: heads, how images are prepared, labels and codes. Ternary weights need a checkpoint that was trained for them.

            Example:
              tern convert vit.safetensors --config vit.json --weights int8 -o vit.tern
            """)
    @Argument(help: "Checkpoint.") var source: String
    @Option(name: [.short, .long], help: "Model file to write.") var output: String
    @Option(help: "Weights: int8, ternary or f32.") var weights: WeightFormat
    @Option(help: "Model description (JSON). Default: the checkpoint's name with .json.") var config: String?
    @Option(help: "Packing of ternary weights: t5 (1.6 bit a weight) or t2 (2 bit).") var packing: Packing = .t5
    @Option(help: "Positions: f32, or f16, which rounds them and stores half the bytes.") var positions: PositionFormat = .f32
    @Option(help: "Sign with this secret key file (tern keygen).") var sign: String?
    @Flag(help: "Confirm the description's thresholds for just this file: you have measured them on it. Without it only a confirmation in readingRules counts.")
    var confirm = false
    @Flag(inversion: .prefixedNo, help: "Rotate the stream of an INT8 model, which keeps its function and loses less.") var rotate = true

    func run() throws {
        try reporting {
            let input = try Source(path: source, config: config)
            var bytes = try Converter.convert(
                input.checkpoint, description: input.description,
                options: Converter.Options(weights: weights, packing: packing.elementType, rotates: rotate, positions: positions, confirms: confirm)
            ) { writeStatus($0.rawValue) }
            if let sign { try signBytes(&bytes, keyPath: sign) }
            try writeFile(bytes, to: output)
            let model = try openModel(output)
            print(
                """
                \(output): \(byteText(bytes.count)), \(model.tensors.count) tensors, \(model.operations.count) operations, arena \
                \(byteText(model.header.arenaByteCount))
                identity \(Hexadecimal.string(model.identity))\(sign == nil ? ", unsigned (tern sign)" : ", signed")
                """)
        }
    }
}

/// Signs a model file in memory with the key of `tern keygen`.
func signBytes(_ bytes: inout [UInt8], keyPath: String) throws(Failure) {
    let text = String(decoding: try readBytes(keyPath, limit: 4096), as: UTF8.self)
    let digits = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    guard let key = Hexadecimal.bytes(digits), key.count == Ed25519.secretKeyByteCount else {
        throw Failure(.badInput, "\(keyPath) is not a secret key; make one with: tern keygen \(keyPath)")
    }
    do throws(WriterError) {
        try ModelWriter.sign(&bytes, secretKey: key)
    } catch {
        throw Failure(.badInput, "the model cannot be signed: \(error)")
    }
}
