import ArgumentParser
import Foundation
import TernBytes
import TernConvert
import TernEngine
import TernModel
import TernReference

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compares a model with its checkpoint in binary32, operation by operation.",
        discussion: """
            Runs the FP32 reference beside the engine on every image and prints cosine and signal-to-noise ratio of each operation's output over all
            images, then the worst. A quantisation that goes wrong shows at the first operation where the figures fall.

            Example:
              tern compare vit.tern --reference vit.safetensors --config vit.json images/
            """)
    @Argument(help: "Model file.") var model: String
    @Argument(help: "Images, or folders with images.") var images: [String]
    @Option(help: "Checkpoint the model was made from.") var reference: String
    @Option(help: "Description of the checkpoint.") var config: String?
    @Option(help: "Kernel table. Default: the fastest.") var isa: String?
    @Option(help: "Use at most this many images.") var limit: Int?
    @Flag(help: "One JSON object instead of a table.") var json = false

    func run() throws {
        try reporting {
            let engine = try openEngine(model, isa: isa, threads: 1)
            let source = try Source(path: reference, config: config)
            let checkpoint = try VisionTransformer(reading: source.checkpoint, description: source.description)
            let twin = Reference(try form(of: checkpoint, in: engine.model))
            let files = Array(try imageFiles(images).prefix(limit ?? .max))
            var agreements = [Agreement?](repeating: nil, count: engine.model.operations.count)
            var progress = ProgressBar("comparing", total: files.count)
            for (position, file) in files.enumerated() {
                try compare(engine, twin, try preparedImage(file, engine.model), &agreements)
                progress.update(position + 1)
            }
            report(engine.model, agreements, imageCount: files.count)
        }
    }

    /// The float model in the form the converter gave it: rotated and rounded when the file's table of positions is.
    private func form(of checkpoint: VisionTransformer, in file: ModelFile) throws -> VisionTransformer {
        let isHalf = file.tensors.contains { $0.name == "pos_embed" && $0.elementType == .f16 }
        func stored(_ model: VisionTransformer) throws -> VisionTransformer { isHalf ? try model.withHalfPositions() : model }
        let plain = try stored(checkpoint)
        if matches(plain, file) { return plain }
        if let rotated = try checkpoint.rotated().map(stored), matches(rotated, file) { return rotated }
        throw Failure(
            .badInput,
            "\(model) was not made from \(reference): their positions differ. Its card names the SHA-256 of its checkpoint (tern inspect)")
    }

    private func matches(_ candidate: VisionTransformer, _ file: ModelFile) -> Bool {
        let values = candidate.positions.values
        guard let index = file.tensors.firstIndex(where: { $0.name == "pos_embed" }), file.tensors[index].elementCount == values.count else {
            return false
        }
        let bytes = file.bytes(ofTensor: index)
        if file.tensors[index].elementType == .f16 {
            return values.indices.allSatisfy { Float(Float16(bitPattern: bytes.uint16LE(at: 2 * $0))) == values[$0] }
        }
        return values.indices.allSatisfy { bytes.floatLE(at: 4 * $0) == values[$0] }
    }

    private func compare(
        _ engine: Engine, _ twin: Reference, _ image: [Float], _ agreements: inout [Agreement?]
    ) throws(Failure) {
        var expected: [String: [Float]] = [:]
        _ = twin.run(image) { name, _, values in expected[name] = values }
        var found: [(Int, [Float])] = []
        var output = [Float](repeating: 0, count: engine.model.header.outputCount)
        var span = output.mutableSpan
        do throws(EngineError) {
            try engine.infer(image.span, into: &span) { found.append(($0, engine.copyOutput(of: $0))) }
        } catch {
            throw Failure(.badInput, "the inference failed: \(error)")
        }
        for (index, values) in found {
            guard let wanted = expected[engine.model.operations[index].name], wanted.count == values.count else { continue }
            agreements[index, default: Agreement()].add(values, wanted)
        }
    }

    private func report(_ file: ModelFile, _ agreements: [Agreement?], imageCount: Int) {
        let rows = zip(file.operations, agreements).compactMap { operation, agreement in agreement.map { (operation.name, $0) } }
        let worst = rows.min { $0.1.cosine < $1.1.cosine }
        if json {
            func entry(_ name: String, _ agreement: Agreement) -> JSONValue {
                .object([
                    JSONMember("name", .string(name)), JSONMember("cosine", .number(agreement.cosine)),
                    JSONMember("signalToNoiseDecibel", .number(agreement.signalToNoiseDecibel)),
                ])
            }
            print(
                JSONValue.object([
                    JSONMember("images", .number(Double(imageCount))), JSONMember("operations", .array(rows.map { entry($0.0, $0.1) })),
                    JSONMember("worst", worst.map { entry($0.0, $0.1) } ?? .null),
                ]).text)
            return
        }
        print(padded("operation", 26) + padded("cosine", 12, left: true) + padded("SNR dB", 10, left: true))
        for (name, agreement) in rows { print(line(name, agreement)) }
        if let worst { print("\nworst of \(rows.count) operations over \(imageCount) images:\n" + line(worst.0, worst.1)) }
    }

    private func line(_ name: String, _ agreement: Agreement) -> String {
        padded(name, 26) + padded(fixed(agreement.cosine, 6), 12, left: true)
            + padded(fixed(agreement.signalToNoiseDecibel, 1), 10, left: true)
    }
}

/// How well values agree with the wanted ones, over everything added.
struct Agreement {
    private var product = 0.0
    private var foundSquares = 0.0
    private var wantedSquares = 0.0
    private var differenceSquares = 0.0

    mutating func add(_ found: [Float], _ wanted: [Float]) {
        for (a, b) in zip(found, wanted) {
            let (a, b) = (Double(a), Double(b))
            product += a * b
            foundSquares += a * a
            wantedSquares += b * b
            differenceSquares += (a - b) * (a - b)
        }
    }

    /// 1 for equal directions; two zero vectors agree.
    var cosine: Double {
        let norm = (foundSquares * wantedSquares).squareRoot()
        return norm > 0 ? product / norm : foundSquares == wantedSquares ? 1 : 0
    }

    /// 10 log₁₀ of wanted power over the difference's power, at most 200.
    var signalToNoiseDecibel: Double {
        guard differenceSquares > 0 else { return 200 }
        return min(max(10 * log10(wantedSquares / differenceSquares), -200), 200)
    }
}

extension Array {
    fileprivate subscript<Wrapped>(index: Int, default fallback: Wrapped) -> Wrapped where Element == Wrapped? {
        get { self[index] ?? fallback }
        set { self[index] = newValue }
    }
}
