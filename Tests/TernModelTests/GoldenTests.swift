import TernBytes
import TernModel
import TernWriter
import Testing

@Suite struct GoldenTests {
    /// Computed with Python's integers from the definition of SplitMix64: the first three draws of seeds 0 and 2^64 - 1, shifted, over 2^22, less 2.
    @Test(arguments: [(0 as UInt64, GoldenTests.ofZero), (.max, GoldenTests.ofAllOnes)])
    func generatedValuesAreThoseOfTheRule(seed: UInt64, expected: [Float]) {
        #expect((0..<expected.count).map { GoldenGenerator.value(seed: seed, index: $0) } == expected)
    }

    @Test func generatedInputsTakeTheirSeedsPlace() throws {
        var draft = try SampleModel.draft()
        let stored = try ModelWriter.bytes(of: draft).count
        draft.golden = [GoldenVector(seed: 7, output: [0.25, -0.5]), GoldenVector(seed: 8, output: [1, 2])]
        let bytes = try ModelWriter.bytes(of: draft)
        let file = try load(bytes)
        #expect(bytes.count <= stored && bytes[8..<16].elementsEqual([1, 0, 1, 0, 1, 0, 0, 0]))
        #expect(file.goldenCount == 2 && file.goldenSeed(0) == 7 && file.goldenSeed(1) == 8)
        #expect(file.goldenOutput(0).floats == [0.25, -0.5] && file.goldenOutput(1).floats == [1, 2])
        var input = [Float](repeating: 0, count: 16)
        var values = input.mutableSpan
        file.copyGoldenInput(1, into: &values)
        #expect(input == (0..<16).map { GoldenGenerator.value(seed: 8, index: $0) })
        #expect(ModelDraft(file) == draft)
    }

    @Test func refusesToMixSeedsAndValues() throws {
        var draft = try SampleModel.draft()
        draft.golden.append(GoldenVector(seed: 7, output: [0.25, -0.5]))
        #expect(throws: WriterError.mixedGoldenVectors) { try ModelWriter.bytes(of: draft) }
    }

    static let ofZero: [Float] = [0x1.8882a00000000p+0, -0x1.1876200000000p-2, -0x1.e4ee8c0000000p+0]
    static let ofAllOnes: [Float] = [0x1.9365c40000000p+0, 0x1.a67fe00000000p+0, -0x1.1f40200000000p+0]
}
