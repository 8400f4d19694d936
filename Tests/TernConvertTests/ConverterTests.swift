import TernConvertTesting
import TernEngine
import TernKernels
import TernModel
import TernPlatform
import TernReference
import TernWriter
import Testing

@testable import TernConvert

@Suite struct ConverterTests {
    private func convert(_ one: CheckpointCase, _ weights: WeightFormat, packing: ElementType = .t5, rotates: Bool = true, positions: PositionFormat = .f32) throws -> ModelFile {
        let options = Converter.Options(weights: weights, packing: packing, rotates: rotates, positions: positions)
        return try ModelWriter.check(try Converter.convert(one.checkpoint, description: one.description, options: options))
    }

    private func run(_ file: ModelFile, _ input: [Float], verifies: Bool = true) throws -> [Float] {
        let engine = try Engine(model: file, instructionSet: .best, threadCount: 1)
        if verifies { try engine.verifyGolden() }
        var output = [Float](repeating: 0, count: file.header.outputCount)
        var span = output.mutableSpan
        try engine.infer(input.span, into: &span)
        return output
    }

    /// Small inputs are stored twice over; the noise is that of the seed. A large one is its seed.
    @Test func largeGoldenInputsAreGenerated() {
        let small = GoldenInputs.vectors(inputCount: 16_384, outputCount: 2)
        #expect(small.map(\.seed) == [nil, nil] && small.map(\.input.count) == [16_384, 16_384])
        #expect(small[1].input[99] == GoldenGenerator.value(seed: GoldenInputs.seed, index: 99))
        #expect(GoldenInputs.vectors(inputCount: 16_385, outputCount: 2) == [GoldenVector(seed: GoldenInputs.seed, output: [0, 0])])
    }

    /// Attention is INT8 for every kind of weights (N-06), which bounds the agreement of the output.
    @Test(arguments: CheckpointCase.floatNames)
    func floatWeightsAgreeWithPyTorch(name: String) throws {
        let one = try CheckpointCase(name)
        let file = try convert(one, .f32)
        for (input, output) in zip(one.inputs, one.outputs) { #expect(cosine(try run(file, input), output) >= 0.998) }
    }

    @Test(arguments: CheckpointCase.floatNames)
    func floatOperationsBeforeTheFirstAttentionAreThoseOfTheReference(name: String) throws {
        let one = try CheckpointCase(name)
        let engine = try Engine(model: try convert(one, .f32), instructionSet: .best, threadCount: 1)
        let input = one.inputs[0]
        var expected: [String: [Float]] = [:]
        _ = Reference(try VisionTransformer(reading: one.checkpoint, description: one.description)).run(input) { name, _, values in
            expected[name] = values
        }
        var output = [Float](repeating: 0, count: one.outputs[0].count)
        var span = output.mutableSpan
        var compared: [String] = []
        try engine.infer(input.span, into: &span) { index in
            let name = engine.model.operations[index].name
            guard !compared.contains("blocks.0.attn.qkv"), let wanted = expected[name] else { return }
            compared.append(name)
            #expect(relativeError(engine.copyOutput(of: index), wanted) < 1e-5, "\(name)")
        }
        #expect(compared.last == "blocks.0.attn.qkv" && compared.count >= 4)
    }

    @Test(arguments: CheckpointCase.floatNames, [true, false])
    func int8WeightsAgreeWithPyTorch(name: String, rotates: Bool) throws {
        let one = try CheckpointCase(name)
        let file = try convert(one, .int8, rotates: rotates)
        for (input, output) in zip(one.inputs, one.outputs) { #expect(cosine(try run(file, input), output) >= 0.99) }
    }

    @Test func ternaryPackingsAgreeWithPyTorchAndEachOther() throws {
        let one = try CheckpointCase("vit-ternary")
        let (five, two) = (try convert(one, .ternary), try convert(one, .ternary, packing: .t2))
        #expect(five.fileBytes.byteCount <= two.fileBytes.byteCount)
        for (input, output) in zip(one.inputs, one.outputs) {
            let found = try run(five, input)
            #expect(cosine(found, output) >= 0.99)
            let other = try run(two, input)
            #expect(found.map(\.bitPattern) == other.map(\.bitPattern))
        }
    }

    /// A file with positions in binary16 computes what one with the rounded positions in binary32 does, in every bit.
    @Test(arguments: CheckpointCase.floatNames + ["vit-ternary"])
    func halfPositionsAreTheRoundedOnes(name: String) throws {
        let one = try CheckpointCase(name)
        let weights: WeightFormat = name == "vit-ternary" ? .ternary : .int8
        let (half, whole) = (try convert(one, weights, positions: .f16), try convert(one, weights))
        let table = try #require(half.tensors.first { $0.name == "pos_embed" })
        #expect(table.elementType == .f16)
        #expect(half.operations.contains { $0.name == "pos_embed" } && !whole.operations.contains { $0.name == "pos_embed" })
        #expect(half.header.arenaByteCount == whole.header.arenaByteCount)
        var draft = ModelDraft(whole)
        let index = try #require(draft.tensors.firstIndex { $0.name == "pos_embed" })
        let raw = draft.tensors[index].bytes
        let values = stride(from: 0, to: raw.count, by: 4).map { start in
            Float(bitPattern: raw[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
        }
        draft.tensors[index] = DraftTensor(name: "pos_embed", values: values.map { Float(Float16($0)) }, dimensions: draft.tensors[index].dimensions)
        let rounded = try ModelWriter.check(try ModelWriter.bytes(of: draft))
        for (input, output) in zip(one.inputs, one.outputs) {
            let found = try run(half, input)
            #expect(found.map(\.bitPattern) == (try run(rounded, input, verifies: false)).map(\.bitPattern))
            #expect(cosine(found, output) >= 0.99)
        }
    }

    @Test func refusesPositionsBeyondBinary16() throws {
        let one = try CheckpointCase("vit")
        var model = try VisionTransformer(reading: one.checkpoint, description: one.description)
        model.positions.values[3] = 65_519
        #expect(try model.withHalfPositions().positions.values[3] == 65_504)
        model.positions.values[3] = 65_520
        #expect(throws: ConvertError.positionRange(65_520)) { try model.withHalfPositions() }
    }

    /// The reference beside a file with rounded positions is given them too, and names the fill.
    @Test func referenceTakesTheRoundedPositions() throws {
        let one = try CheckpointCase("vit")
        let model = try VisionTransformer(reading: one.checkpoint, description: one.description).withHalfPositions()
        let engine = try Engine(model: try convert(one, .f32, positions: .f16), instructionSet: .best, threadCount: 1)
        var expected: [String: [Float]] = [:]
        let input = one.inputs[0]
        _ = Reference(model).run(input) { name, _, values in expected[name] = values }
        var output = [Float](repeating: 0, count: one.outputs[0].count)
        var span = output.mutableSpan
        try engine.infer(input.span, into: &span) { index in
            let name = engine.model.operations[index].name
            if name == "pos_embed" { #expect(engine.copyOutput(of: index) == expected[name]) }
            if name == "patch_embed.proj" { #expect(relativeError(engine.copyOutput(of: index), expected[name] ?? []) < 1e-5) }
        }
    }

    @Test func refusesFloatCheckpointsForTernary() throws {
        let one = try CheckpointCase("vit")
        let error = #expect(throws: ConvertError.self) { try convert(one, .ternary) }
        guard case .notTernary(let layer, 0, let magnitudes) = try #require(error) else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
        #expect(layer == "patch_embed.proj" && magnitudes > 1)
        #expect(try #require(error).description.contains("quantisation-aware training"))
    }

    @Test func keepsNamedLayersInt8OrFloatInTernaryModels() throws {
        var one = try CheckpointCase("vit-ternary").description
        one.int8Layers = ["patch_embed.proj"]
        one.float32Layers = ["head"]
        let file = try ModelWriter.check(
            try Converter.convert(try CheckpointCase("vit-ternary").checkpoint, description: one, options: .init(weights: .ternary)))
        func type(_ name: String) -> ElementType? { file.tensors.first { $0.name == name }?.elementType }
        #expect(type("patch_embed.proj.weight") == .s8)
        #expect(type("head.weight") == .f32)
        #expect(type("blocks.0.mlp.fc1.weight") == .t5)
    }

    @Test func computesOnlyTheClassTokenInTheLastBlock() throws {
        let file = try convert(try CheckpointCase("vit"), .int8)
        func rows(_ name: String) -> Int? {
            guard let named = file.operations.first(where: { $0.name == name }), case .linear(let linear) = named.operation else { return nil }
            return linear.rows
        }
        #expect(rows("blocks.0.attn.qkv") == 17)
        #expect(rows("blocks.1.attn.q") == 1)
        #expect(rows("blocks.1.attn.kv") == 17)
        #expect(rows("blocks.1.mlp.fc1") == 1)
        #expect(rows("blocks.1.attn.qkv") == nil)
    }

    @Test func reusesTheArena() throws {
        let file = try convert(try CheckpointCase("vit"), .int8)
        // Stream, normed, qkv and hidden of 17 tokens, were all of them alive together.
        let bound = 17 * 4 * (32 + 32 + 96 + 64)
        #expect(file.header.arenaByteCount < bound)
    }

    @Test func readsOneCheckpointInEverySpelling() throws {
        let models = try ["vit", "vit-hf4", "vit-hf5"].map { name in
            let one = try CheckpointCase(name)
            return try VisionTransformer(reading: one.checkpoint, description: one.description)
        }
        #expect(models[0] == models[1] && models[0] == models[2])
    }

    @Test func takesTheArchitectureFromConfigurations() throws {
        var members = try #require(try CheckpointCase.document("vit").members)
        members.removeAll { $0.key == "architecture" }
        let configuration = try JSONValue(
            parsing: Array(
                """
                {"model_type": "vit", "num_attention_heads": 2, "layer_norm_eps": 1e-12, "image_size": 16, "patch_size": 4,
                 "num_channels": 3, "hidden_act": "gelu"}
                """.utf8))
        let description = try ModelDescription(parsing: .object(members), configuration: configuration)
        #expect(description.heads == 2 && description.epsilon == 1e-12 && description.pool == .classToken && description.patch == 4)
    }

    @Test(arguments: [
        ("architecture", "heads"), ("architecture", "layerNormEpsilon"), ("architecture", "pool"), ("architecture", "image"),
        ("input", "mean"), ("input", "filter"), ("output", "activation"),
    ])
    func namesTheMissingKey(group: String, key: String) throws {
        var members = try #require(try CheckpointCase.document("vit").members)
        let index = try #require(members.firstIndex { $0.key == group })
        members[index].value = .object(try #require(members[index].value.members).filter { $0.key != key })
        let error = #expect(throws: ConvertError.self) { try ModelDescription(parsing: .object(members)) }
        guard case .missingKey(let path, let expected) = try #require(error) else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(path == "\(group).\(key)" && expected.contains(key))
    }

    @Test func refusesProbabilitiesAndThresholdsOfRawOutputs() throws {
        func description(_ output: String, _ label: String) throws -> JSONValue {
            var members = try #require(try CheckpointCase.document("vit").members)
            members.removeAll { $0.key == "output" || $0.key == "labels" }
            members.append(JSONMember("output", try JSONValue(parsing: Array("{\"activation\": \"none\"\(output)}".utf8))))
            members.append(JSONMember("labels", try JSONValue(parsing: Array("[{\"name\": \"a\", \"index\": 0\(label)}]".utf8))))
            return .object(members)
        }
        #expect(try ModelDescription(parsing: description("", "")).labels.activation == .none)
        for (output, label, key) in [(", \"calibrated\": true", "", "output.calibrated"), ("", ", \"threshold\": 0.5", "labels[0].threshold")] {
            let error = #expect(throws: ConvertError.self) { try ModelDescription(parsing: description(output, label)) }
            guard case .badKey(let path, let expected) = try #require(error) else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
            #expect(path == key && expected.contains("activation"))
        }
    }

    @Test func refusesActivationsThatTheEngineDoesNotHave() throws {
        let configuration = JSONValue.object([JSONMember("hidden_act", .string("quick_gelu"))])
        #expect(throws: ConvertError.self) { try ModelDescription(parsing: try CheckpointCase.document("vit"), configuration: configuration) }
    }

    @Test func refusesTensorsThatNothingReads() throws {
        let one = try CheckpointCase("deit")
        var description = one.description
        description.isDistilled = nil
        description.head = .none
        #expect(throws: ConvertError.self) { try VisionTransformer(reading: one.checkpoint, description: description) }
    }
}
