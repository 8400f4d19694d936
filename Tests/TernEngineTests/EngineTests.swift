import Testing
import TernKernels
import TernModel
import TernPlatform
import TernWriter

@testable import TernEngine

@Suite struct EngineTests {
    private func infer(
        _ engine: Engine, _ input: [Float] = BlockModel.golden, count: Int = BlockModel.outputs, observe: ((Int) -> Void)? = nil
    ) throws -> [Float] {
        var output = [Float](repeating: 0, count: count)
        var span = output.mutableSpan
        try engine.infer(input.span, into: &span, observe: observe)
        return output
    }

    private func outputs(
        _ model: BlockModel, _ set: InstructionSet, threads: Int = 1, input: [Float] = BlockModel.golden
    ) throws -> [UInt32] {
        let engine = try Engine(model: model.model(), instructionSet: set, threadCount: threads)
        return try infer(engine, input).map(\.bitPattern)
    }

    @Test(arguments: [ElementType.f32, .s8, .t2, .t5], [127, 63, 42])
    func everyTableAndThreadCountGivesTheSameBits(weights: ElementType, levels: Int) throws {
        for seed in UInt64(1)...3 {
            let model = BlockModel(weights: weights, levels: levels, seed: seed)
            let expected = try outputs(model, .scalar)
            #expect(Set(expected).count == BlockModel.outputs, "a constant output would hide a fault")
            for set in InstructionSet.available {
                for threads in 1...3 { #expect(try outputs(model, set, threads: threads) == expected, "\(set.name), \(threads) threads") }
            }
        }
    }

    @Test func packingsOfTheSameTernaryWeightsGiveTheSameBits() throws {
        #expect(try outputs(BlockModel(weights: .t2), .best) == outputs(BlockModel(weights: .t5), .best))
    }

    @Test func multiQueryAttentionGivesTheSameBits() throws {
        let model = BlockModel(weights: .t5, heads: 4, keyValueHeads: 1)
        let expected = try outputs(model, .scalar)
        for set in InstructionSet.available { #expect(try outputs(model, set, threads: 2) == expected) }
    }

    @Test func aSecondInferenceDoesNotDependOnTheFirst() throws {
        let engine = try Engine(model: BlockModel(weights: .s8).model(), instructionSet: .best, threadCount: 1)
        let first = try infer(engine)
        #expect(try infer(engine, BlockModel.golden.map { -$0 }) != first)
        #expect(try infer(engine) == first)
    }

    @Test func goldenVectorsAgreeOrNameTheValue() throws {
        var model = BlockModel(weights: .t5)
        let expected = try outputs(model, .scalar).map { Float(bitPattern: $0) }
        model.goldenOutput = expected
        for set in InstructionSet.available {
            try Engine(model: model.model(), instructionSet: set, threadCount: 1).verifyGolden()
        }
        model.goldenOutput[1] = expected[1].nextUp
        let engine = try Engine(model: model.model(), instructionSet: .best, threadCount: 1)
        #expect(throws: EngineError.goldenMismatch(vector: 0, output: 1)) { try engine.verifyGolden() }
    }

    @Test func generatedGoldenInputsAreThoseOfTheSeed() throws {
        var model = BlockModel(weights: .t5)
        model.goldenSeed = 42
        let input = (0..<144).map { GoldenGenerator.value(seed: 42, index: $0) }
        model.goldenOutput = try outputs(model, .scalar, input: input).map { Float(bitPattern: $0) }
        for set in InstructionSet.available {
            try Engine(model: model.model(), instructionSet: set, threadCount: 1).verifyGolden()
        }
        model.goldenSeed = 43
        let other = try Engine(model: model.model(), instructionSet: .best, threadCount: 1)
        #expect(throws: EngineError.goldenMismatch(vector: 0, output: 0)) { try other.verifyGolden() }
    }

    @Test func refusesValuesThatAreNotFinite() throws {
        var input = BlockModel.golden
        input[5] = .nan
        #expect(throws: EngineError.notFinite(operation: 2)) { try outputs(BlockModel(weights: .t5), .best, input: input) }
        #expect(throws: EngineError.notFinite(operation: 12)) { try outputs(BlockModel(weights: .t5, mlpScale: 1e21), .best) }
    }

    /// Nothing behind the MLP of an f32 model quantises, so nothing but the output itself tells.
    @Test func namesTheOutputThatIsNotFinite() throws {
        #expect(throws: EngineError.outputNotFinite(index: 0)) { try outputs(BlockModel(weights: .f32, mlpScale: 1e21), .best) }
    }

    @Test func refusesWrongCounts() throws {
        let engine = try Engine(model: BlockModel(weights: .s8).model(), instructionSet: .best, threadCount: 1)
        #expect(throws: EngineError.valueCount(expected: 144, found: 143)) { try infer(engine, Array(BlockModel.golden.dropLast())) }
        #expect(throws: EngineError.valueCount(expected: 3, found: 2)) { try infer(engine, count: 2) }
    }

    @Test(arguments: [0, 65, -1])
    func refusesThreadCounts(count: Int) throws {
        let model = try BlockModel(weights: .s8).model()
        #expect(throws: EngineError.threadCount(count)) { try Engine(model: model, instructionSet: .scalar, threadCount: count) }
    }

    @Test func observesEveryOperationInOrder() throws {
        let engine = try Engine(model: BlockModel(weights: .t2).model(), instructionSet: .best, threadCount: 1)
        var seen: [Int] = []
        var head: [Float] = []
        let output = try infer(engine) { index in
            seen.append(index)
            if index == 12 { head = engine.copyOutput(of: index) }
        }
        #expect(seen == Array(0..<13))
        #expect(head == output)
    }

    @Test func aModelWithoutStatisticsHasNoFeatureScore() throws {
        let engine = try Engine(model: BlockModel(weights: .s8).model(), instructionSet: .best, threadCount: 1)
        _ = try infer(engine)
        #expect(engine.featureScore == nil)
    }

    /// N-13 on the pooled row, which the head reads; two directions along axes, so that the sums are easy.
    @Test(arguments: [ElementType.f32, .s8, .t2, .t5])
    func everyTableGivesTheSameFeatureScore(weights: ElementType) throws {
        let model = BlockModel(weights: weights, hasStatistics: true)
        var expected: UInt32?
        for set in InstructionSet.available {
            for threads in 1...2 {
                let engine = try Engine(model: model.model(), instructionSet: set, threadCount: threads)
                _ = try infer(engine, BlockModel.golden.map { -$0 })
                var pooled: [Float] = []
                _ = try infer(engine) { if $0 == 11 { pooled = engine.copyOutput(of: $0) } }
                let observed = try #require(engine.featureScore)
                _ = try infer(engine)
                let score = try #require(engine.featureScore)
                #expect(score.bitPattern == observed.bitPattern)
                let differences = pooled.map { Double($0) - 0.25 }
                let inside = 2 * differences[0] * differences[0] + 0.5 * differences[47] * differences[47]
                let outside = 3 * differences[1..<47].reduce(0) { $0 + $1 * $1 }
                #expect((Double(score) - ((inside + outside) / 48).squareRoot()).magnitude < 1e-5 * Double(score))
                #expect(score.bitPattern == expected ?? score.bitPattern, "\(set.name), \(threads) threads")
                expected = score.bitPattern
            }
        }
    }

    @Test func countsMultiplyAdds() throws {
        let engine = try Engine(model: BlockModel(weights: .s8).model(), instructionSet: .scalar, threadCount: 1)
        let t = 10, d = 48
        let layers = 9 * d * 16 + t * d * d * 4 + 2 * t * d * 80 + 3 * d
        #expect(engine.multiplyAddCount == layers + 2 * t * t * d)
        #expect(engine.multiplyAddCount(ofOperation: 0) == 0)
    }

    @Test func timeBeforeProductsIsMeasuredOnRequest() throws {
        let engine = try Engine(model: BlockModel(weights: .t5, levels: 63).model(), instructionSet: .best, threadCount: 1)
        _ = try infer(engine)
        #expect(engine.readyNanoseconds == nil)
        engine.readyNanoseconds = 0
        _ = try infer(engine)
        #expect(try #require(engine.readyNanoseconds) > 0)
    }

    /// Each operation by its shapes: values of 4 bytes, packed weights as they stand in the file: a byte a weight, K in groups of 4, panels of
    /// 64 output channels.
    @Test func countsBytesMoved() throws {
        let engine = try Engine(model: BlockModel(weights: .s8).model(), instructionSet: .scalar, threadCount: 1)
        func linear(_ rows: Int, _ columns: Int, _ depth: Int, panels: Int, residual: Int = 0) -> Int {
            let weights = panels * 64 * depth, scalesAndBiases = 2 * 4 * columns
            return 4 * rows * (depth + columns) + weights + scalesAndBiases + 4 * residual
        }
        let expected: [(String, Int)] = [
            ("patches", 2 * 4 * 144), ("class token", 2 * 4 * 48), ("patch_embed", linear(9, 48, 16, panels: 1, residual: 9 * 48)),
            ("norm1", 4 * (2 * 480 + 2 * 48)), ("query", linear(10, 48, 48, panels: 1)), ("keyvalue", linear(10, 96, 48, panels: 2)),
            ("attention", 4 * 4 * 480), ("proj", linear(10, 48, 48, panels: 1, residual: 480)), ("norm2", 4 * (2 * 480 + 2 * 48)),
            ("fc1", linear(10, 80, 48, panels: 2)), ("fc2", linear(10, 48, 80, panels: 1, residual: 480)), ("pool", 4 * (480 + 48)),
            ("head", linear(1, 3, 48, panels: 1)),
        ]
        #expect(engine.model.operations.map { $0.name } == expected.map { $0.0 })
        for (index, (name, byteCount)) in expected.enumerated() {
            #expect(engine.trafficByteCount(ofOperation: index) == byteCount, "\(name)")
        }
        #expect(engine.trafficByteCount(ofOperation: 5) == 12_672)
        #expect(engine.trafficByteCount(ofOperation: 10) == 12_544)
    }
}
