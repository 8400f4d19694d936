import Testing
import TernKernels
import TernModel

@testable import TernEngine

@Suite struct MapTests {
    static let readings: [BlockModel.Reading] = [
        .patches(normBefore: false, normBehind: false, reused: false), .patches(normBefore: false, normBehind: true, reused: false),
        .patches(normBefore: true, normBehind: false, reused: false), .classToken,
    ]

    private func infer(_ engine: Engine, _ input: [Float] = BlockModel.golden) throws -> [Float] {
        var output = [Float](repeating: 0, count: BlockModel.outputs)
        var span = output.mutableSpan
        try engine.infer(input.span, into: &span)
        return output
    }

    /// The base and the patches.
    private func map(_ engine: Engine, _ output: Int) throws -> [Float] {
        var values = [Float](repeating: -1, count: 9)
        var span = values.mutableSpan
        let base = try engine.makeMap(ofOutput: output, into: &span)
        return [base] + values
    }

    private func maps(_ model: BlockModel, _ set: InstructionSet = .best, threads: Int = 1) throws -> [UInt32] {
        let engine = try Engine(model: model.model(), instructionSet: set, threadCount: threads, makesMaps: true)
        _ = try infer(engine, BlockModel.golden.map { -$0 })
        _ = try map(engine, 0)
        _ = try infer(engine)
        return try (0..<BlockModel.outputs).flatMap { try map(engine, $0) }.map(\.bitPattern)
    }

    @Test(arguments: [ElementType.f32, .s8, .t2, .t5], readings)
    func everyTableAndThreadCountGivesTheSameBits(weights: ElementType, reading: BlockModel.Reading) throws {
        let model = BlockModel(weights: weights, reading: reading)
        let expected = try maps(model, .scalar)
        #expect(Set(expected).count > 9)
        for set in InstructionSet.available {
            for threads in 1...3 { #expect(try maps(model, set, threads: threads) == expected, "\(set.name), \(threads) threads") }
        }
    }

    /// In binary64: the parts of the engine's own values.
    @Test(arguments: [ElementType.f32, .s8, .t5], readings)
    func valuesAndBaseAddUp(weights: ElementType, reading: BlockModel.Reading) throws {
        let engine = try Engine(model: BlockModel(weights: weights, reading: reading).model(), instructionSet: .best, threadCount: 1, makesMaps: true)
        let output = try infer(engine)
        let shape = try #require(engine.mapShape)
        #expect(shape == MapShape(method: reading == .classToken ? .tokenRelevance : .patchShares, columns: 3, rows: 3))
        for index in output.indices {
            let values = try map(engine, index)
            let sum = values.reduce(0) { $0 + Double($1) }, magnitude = values.reduce(1) { $0 + Double($1.magnitude) }
            #expect((sum - (reading == .classToken ? 1 : Double(output[index]))).magnitude < 1e-5 * magnitude)
            var patches = Array(values[1...])
            var span = patches.mutableSpan
            Engine.spread(values[0], over: &span)
            #expect((patches.reduce(0) { $0 + Double($1) } - sum).magnitude < 1e-5 * magnitude)
        }
    }

    /// A softmax decides by differences: its map is that of the output less the mean of the others.
    @Test(arguments: [ElementType.f32, .s8, .t2, .t5], readings)
    func theMapOfASoftmaxIsADifference(weights: ElementType, reading: BlockModel.Reading) throws {
        func map(_ engine: Engine, _ activation: Labels.Activation) throws -> [Float] {
            let label = Label(name: "second", outputIndex: 1, isReported: true, code: nil, threshold: nil, operatingPoint: "")
            let labels = Labels(activation: activation, temperature: 1, isCalibrated: false, labels: [label])
            var values = [Float](repeating: -1, count: 9)
            var span = values.mutableSpan
            let base = try engine.makeMap(of: label, in: labels, into: &span)
            return [base] + values
        }
        let model = BlockModel(weights: weights, reading: reading)
        var expected: [UInt32]?
        for set in InstructionSet.available {
            let engine = try Engine(model: model.model(), instructionSet: set, threadCount: 2, makesMaps: true)
            let outputs = try infer(engine), alone = try (0..<3).map { try self.map(engine, $0) }
            #expect(try map(engine, .sigmoid) == alone[1])
            let found = try map(engine, .softmax)
            #expect(found.map(\.bitPattern) == expected ?? found.map(\.bitPattern), "\(set.name)")
            expected = found.map(\.bitPattern)
            guard reading != .classToken else {
                #expect(found == alone[1])
                continue
            }
            for index in found.indices { #expect((found[index] - (alone[1][index] - (alone[0][index] + alone[2][index]) / 2)).magnitude < 1e-4) }
            #expect((found.reduce(0, +) - (outputs[1] - (outputs[0] + outputs[2]) / 2)).magnitude < 1e-4 * found.reduce(1) { $0 + $1.magnitude })
        }
    }

    /// A planner may put what follows the mean where the tokens were.
    @Test(arguments: [ElementType.f32, .s8])
    func tokensThatLaterOperationsOverwriteAreKept(weights: ElementType) throws {
        func found(reused: Bool) throws -> [UInt32] {
            try maps(BlockModel(weights: weights, reading: .patches(normBefore: false, normBehind: true, reused: reused)))
        }
        #expect(try found(reused: true) == found(reused: false))
    }

    @Test(arguments: readings)
    func mapsDoNotChangeTheOutputs(reading: BlockModel.Reading) throws {
        let model = try BlockModel(weights: .t5, reading: reading).model()
        func outputs(_ makesMaps: Bool) throws -> [UInt32] {
            try infer(Engine(model: model, instructionSet: .best, threadCount: 2, makesMaps: makesMaps)).map(\.bitPattern)
        }
        #expect(try outputs(true) == outputs(false))
    }

    /// Moving what one patch shows moves its share most: the map lies the right way round.
    @Test func aPatchThatIsAllThereIsHasTheShares() throws {
        let engine = try Engine(
            model: BlockModel(weights: .f32, reading: .patches(normBefore: false, normBehind: false, reused: false)).model(), instructionSet: .best,
            threadCount: 1, makesMaps: true)
        _ = try infer(engine)
        let plain = try map(engine, 0)
        for patch in 0..<9 {
            var input = BlockModel.golden
            for y in 0..<4 {
                for x in 0..<4 { input[(patch / 3 * 4 + y) * 12 + patch % 3 * 4 + x] *= -40 }
            }
            _ = try infer(engine, input)
            let moved = zip(try map(engine, 0), plain).map { ($0 - $1).magnitude }[1...]
            #expect(moved.firstIndex(of: moved.max() ?? 0) == patch + 1)
        }
    }

    @Test func refusesWhatHasNoMap() throws {
        let mean = try BlockModel(weights: .s8).model()
        let none = try Engine(model: mean, instructionSet: .best, threadCount: 1, makesMaps: true)
        _ = try infer(none)
        #expect(none.mapShape == nil && Engine.mapShape(of: mean) == nil, "a mean over the class token too")
        #expect(throws: EngineError.noMap(output: 0)) { try map(none, 0) }
        let model = try BlockModel(weights: .s8, reading: .classToken).model()
        let without = try Engine(model: model, instructionSet: .best, threadCount: 1)
        _ = try infer(without)
        #expect(without.mapShape == nil && Engine.mapShape(of: model)?.count == 9)
        #expect(throws: EngineError.noMap(output: 0)) { try map(without, 0) }
        let with = try Engine(model: model, instructionSet: .best, threadCount: 1, makesMaps: true)
        #expect(with.arenaByteCount > without.arenaByteCount)
        _ = try infer(with)
        #expect(throws: EngineError.noMap(output: 3)) { try map(with, 3) }
        #expect(throws: EngineError.noMap(output: -1)) { try map(with, -1) }
        #expect(throws: EngineError.valueCount(expected: 9, found: 8)) {
            var values = [Float](repeating: 0, count: 8)
            var span = values.mutableSpan
            _ = try with.makeMap(ofOutput: 0, into: &span)
        }
    }
}
