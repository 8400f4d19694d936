import ArgumentParser
import Foundation
import TernBytes
import TernConvert
import TernEngine
import TernKernels
import TernModel
import TernPlatform
import TernReference
import TernWriter

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs prepared inputs and writes raw outputs, for comparison with other implementations.",
        discussion: """
            Inputs and outputs are files of little-endian binary32 values: inputs [count, channels, height, width], outputs [count, outputs]. With
            --reference the FP32 reference runs the checkpoint instead of a model file.

            Example:
              tern run vit.tern --input images.f32 --output outputs.f32
              tern run --reference vit.safetensors --config vit.json --input images.f32 --output outputs.f32
            """)
    @Argument(help: "Model file.") var model: String?
    @Option(help: "Checkpoint to run in the FP32 reference.") var reference: String?
    @Option(help: "Description of the checkpoint.") var config: String?
    @Option(help: "Prepared inputs.") var input: String
    @Option(name: [.short, .long], help: "Outputs to write.") var output: String
    @Option(help: "Kernel table: \(InstructionSet.allCases.map { $0.name }.joined(separator: ", ")). Default: the fastest.") var isa: String?
    @Option(help: "Threads.") var threads = 1
    @Option(help: "Maps to write, as [count, outputs, 1 + patches]: the base, then the patches (Models/NUMERICS.md N-16, N-17).") var maps: String?

    func run() throws {
        try reporting {
            let mapping = try mapFile(input)
            let values = mapping.bytes
            let runner: any Runner = try makeRunner()
            guard values.byteCount % (4 * runner.inputCount) == 0 else {
                throw Failure(.badInput, "\(input) has \(values.byteCount) bytes, not a multiple of 4 · \(runner.inputCount) for this model")
            }
            let count = values.byteCount / (4 * runner.inputCount)
            var bytes: [UInt8] = [], mapBytes: [UInt8] = []
            var progress = ProgressBar("running", total: count)
            for index in 0..<count {
                let start = index * runner.inputCount
                let image = (0..<runner.inputCount).map { values.floatLE(at: 4 * (start + $0)) }
                bytes += littleEndianBytes(try runner.run(image))
                if maps != nil { mapBytes += littleEndianBytes(try runner.maps()) }
                progress.update(index + 1)
            }
            try writeFile(bytes, to: output)
            if let maps { try writeFile(mapBytes, to: maps) }
        }
    }

    private func makeRunner() throws -> any Runner {
        switch (model, reference) {
        case (let model?, nil): return EngineRunner(try openEngine(model, isa: isa, threads: threads, makesMaps: maps != nil))
        case (nil, let reference?):
            let source = try Source(path: reference, config: config)
            return ReferenceRunner(
                reference: Reference(try VisionTransformer(reading: source.checkpoint, description: source.description)))
        default: throw ValidationError("name a model file or --reference, one of them")
        }
    }
}

/// Something that turns a prepared image into outputs.
private protocol Runner {
    var inputCount: Int { get }
    func run(_ image: [Float]) throws -> [Float]
    /// Of the last image, for each output the base and the patches.
    func maps() throws -> [Float]
}

extension Runner {
    func maps() throws -> [Float] { throw Failure(.badInput, "there are no maps of this model") }
}

private struct EngineRunner: Runner {
    let engine: Engine
    init(_ engine: Engine) { self.engine = engine }
    var inputCount: Int { engine.inputCount }
    func run(_ image: [Float]) throws -> [Float] { try infer(engine, image) }
    func maps() throws -> [Float] {
        var values = [Float](repeating: 0, count: engine.mapShape?.count ?? 0), all: [Float] = []
        for output in 0..<engine.model.header.outputCount {
            do throws(EngineError) {
                var span = values.mutableSpan
                let base = try engine.makeMap(ofOutput: output, into: &span)
                all += [base] + values
            } catch { throw Failure(.badInput, "there is no map of output \(output) of this model") }
        }
        return all
    }
}

private struct ReferenceRunner: Runner {
    let reference: Reference
    var inputCount: Int { reference.model.channels * reference.model.imageHeight * reference.model.imageWidth }
    func run(_ image: [Float]) -> [Float] { reference.run(image) }
}

/// The engine for a model file, on a named kernel table or the best this CPU has.
func openEngine(_ path: String, isa: String?, threads: Int, makesMaps: Bool = false) throws(Failure) -> Engine {
    try openEngine(try openModel(path), isa: isa, threads: threads, makesMaps: makesMaps)
}

func openEngine(_ file: ModelFile, isa: String?, threads: Int, makesMaps: Bool = false) throws(Failure) -> Engine {
    var candidates = InstructionSet.allCases.reversed().map { $0 }
    if let isa {
        candidates = candidates.filter { $0.name == isa }
        guard !candidates.isEmpty else {
            throw Failure(.badInput, "\"\(isa)\" is no instruction set; choose one of \(InstructionSet.allCases.map { $0.name }.joined(separator: ", "))")
        }
    }
    var last = ""
    for candidate in candidates {
        do throws(EngineError) { return try Engine(model: file, instructionSet: candidate, threadCount: threads, makesMaps: makesMaps) } catch { last = "\(error)" }
    }
    throw Failure(.badInput, "this machine cannot run the model: \(last)")
}

/// One inference.
func infer(_ engine: Engine, _ image: [Float]) throws(Failure) -> [Float] {
    var output = [Float](repeating: 0, count: engine.model.header.outputCount)
    var span = output.mutableSpan
    do throws(EngineError) {
        try engine.infer(image.span, into: &span)
    } catch {
        throw Failure(.badInput, "the inference failed: \(error)")
    }
    return output
}
