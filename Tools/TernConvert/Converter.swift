import Foundation
import TernBytes
import TernEngine
import TernKernels
public import TernModel
import TernPlatform
import TernWriter

/// Makes a model file from a checkpoint and its description.
public struct Converter {
    public struct Options: Equatable, Sendable {
        public var weights: WeightFormat
        /// `t5` (1.6 bit a weight) or `t2`, for ternary weights.
        public var packing: ElementType
        /// Whether the stream of an INT8 model is rotated, see Rotation.swift; changes nothing for other weights, or with feature statistics.
        public var rotates: Bool
        /// `f16` rounds the positions and stores them in half the bytes.
        public var positions: PositionFormat
        /// Whether the thresholds of the description are confirmed for just the file that is made.
        public var confirms: Bool
        public init(
            weights: WeightFormat, packing: ElementType = .t5, rotates: Bool = true, positions: PositionFormat = .f32, confirms: Bool = false
        ) {
            self.weights = weights
            self.packing = packing
            self.rotates = rotates
            self.positions = positions
            self.confirms = confirms
        }
    }
    /// What is being done, for a progress display.
    public enum Stage: String, Sendable {
        case reading = "reading the checkpoint"
        case planning = "planning and quantising"
        case checking = "writing and checking"
        case golden = "computing golden vectors on the scalar table"
    }

    /// Gives the bytes of an unsigned model file whose golden vectors the scalar table computed.
    ///
    /// - Throws: `ConvertError`, which says what to change.
    public static func convert(
        _ checkpoint: Safetensors, description: ModelDescription, options: Options, progress: (Stage) -> Void = { _ in }
    ) throws(ConvertError) -> [UInt8] {
        if options.confirms, description.readingRules == nil { throw .missingKey("readingRules", expected: ModelDescription.readingExample) }
        progress(.reading)
        var model = try VisionTransformer(reading: checkpoint, description: description)
        progress(.planning)
        var rotated: VisionTransformer?
        let statistics = try DraftFeatureStatistics.reading(checkpoint, description, width: model.width)
        guard statistics == nil || model.head != nil && model.distillationHead == nil else {
            throw .unsupported("feature statistics need a model with one linear head, without a distillation token")
        }
        // The rotation turns the stream: the last norm then reads another feature than the statistics'.
        if options.weights == .int8, options.rotates, statistics == nil { rotated = model.rotated() }
        let isRotated = rotated != nil
        model = rotated ?? model
        if options.positions == .f16 { model = try model.withHalfPositions() }
        let plan = try Planner.plan(
            model,
            Planner.Options(
                weights: options.weights, packing: options.packing, levels: description.levels, positions: options.positions, keepsFeature: statistics != nil,
                int8Layers: description.int8Layers, float32Layers: description.float32Layers))
        let header = ModelHeader(
            name: description.name, version: description.version, arenaByteCount: plan.arenaByteCount, inputByteOffset: plan.inputByteOffset,
            outputByteOffset: plan.outputByteOffset, outputCount: model.outputCount, channels: model.channels, height: model.imageHeight,
            width: model.imageWidth)
        let count = model.channels * model.imageHeight * model.imageWidth
        var draft = ModelDraft(
            header: header, tensors: plan.tensors, operations: plan.operations, recipe: description.recipe, labels: description.labels,
            card: Array(card(description, options, checkpoint, isRotated: isRotated).text.utf8),
            golden: GoldenInputs.vectors(inputCount: count, outputCount: model.outputCount), operatingPoints: description.operatingPoints,
            featureStatistics: statistics, qualityRules: description.qualityRules, scoreReference: description.scoreReference,
            readingRules: description.readingRules)
        do {
            progress(.checking)
            let file = try ModelWriter.check(try ModelWriter.bytes(of: draft))
            progress(.golden)
            let outputs = try goldenOutputs(file)
            for (index, output) in outputs.enumerated() { draft.golden[index].output = output }
            if options.confirms { draft.readingRules?.confirmation = file.confirmation }
            progress(.checking)
            return try ModelWriter.bytes(of: draft)
        } catch let error as WriterError {
            throw .writer(error)
        } catch let error as EngineError {
            throw .engine(error)
        } catch {
            throw .unsupported("\(error)")
        }
    }

    private static func goldenOutputs(_ file: ModelFile) throws(EngineError) -> [[Float]] {
        let engine = try Engine(model: file, instructionSet: .scalar, threadCount: 1)
        var input = [Float](repeating: 0, count: engine.inputCount)
        var outputs: [[Float]] = []
        for index in 0..<file.goldenCount {
            var values = input.mutableSpan
            file.copyGoldenInput(index, into: &values)
            var output = [Float](repeating: 0, count: file.header.outputCount)
            var span = output.mutableSpan
            try engine.infer(input.span, into: &span)
            outputs.append(output)
        }
        return outputs
    }

    /// The description's card with a record of this conversion.
    private static func card(_ description: ModelDescription, _ options: Options, _ checkpoint: Safetensors, isRotated: Bool) -> JSONValue {
        var members = description.card.members ?? []
        members.removeAll { $0.key == "conversion" }
        var conversion = [
            JSONMember("checkpointSHA256", .string(checkpoint.sha256)),
            JSONMember("weights", .string(options.weights.rawValue)),
            JSONMember("packing", .string(options.weights == .ternary ? "\(options.packing)" : "none")),
            JSONMember("rotated", .boolean(isRotated)),
            JSONMember("activationLevels", .number(options.weights == .f32 ? 0 : Double(description.levels))),
        ]
        if options.positions != .f32 { conversion.append(JSONMember("positions", .string(options.positions.rawValue))) }
        members.append(JSONMember("conversion", .object(conversion)))
        return .object(members)
    }
}

/// The golden vectors of a conversion, the same for every model of one size; their outputs are still to be computed.
enum GoldenInputs {
    /// ASCII "TERN".
    static let seed: UInt64 = 0x5445_524E
    /// Above this an input is given by its seed, and alone: stored it would weigh more than some of the weights, and each vector delays the start
    /// of a device by an inference.
    static let limitStoredCount = 16_384

    static func vectors(inputCount count: Int, outputCount: Int) -> [GoldenVector] {
        let output = [Float](repeating: 0, count: outputCount)
        guard count <= limitStoredCount else { return [GoldenVector(seed: seed, output: output)] }
        let noise = (0..<count).map { GoldenGenerator.value(seed: seed, index: $0) }
        return [GoldenVector(input: waves(count: count), output: output), GoldenVector(input: noise, output: output)]
    }

    /// sin(0.01 k) + 0.5 cos(0.0007 k).
    static func waves(count: Int) -> [Float] {
        (0..<count).map { Float(sin(0.01 * Double($0)) + 0.5 * cos(0.0007 * Double($0))) }
    }
}
