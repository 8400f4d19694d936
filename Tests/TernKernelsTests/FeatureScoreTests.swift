import Foundation
import TernKernels
import Testing

/// Scores that Tests/Vectors/TernKernels/generate.py has computed.
@Suite struct FeatureScoreTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var count, rank: Int
        var residualPrecision: Float
        /// Of the feature among the values; mean, inverse variances and directions follow it.
        var offset: Int
        /// By the whole covariance matrix in binary64.
        var distance: Double
        /// By N-13.
        var bits: UInt32
        var testDescription: String { name }
    }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Vectors/TernKernels")
    static let cases: [Case] = (try? JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appendingPathComponent("features.json")))) ?? []

    private static func values() throws -> [Float] {
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("features.f32")))
        return (0..<(bytes.count / 4)).map { index in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << (8 * UInt32($1)) })
        }
    }

    @Test func thereAreCases() { #expect(Self.cases.count == 40) }

    @Test(arguments: FeatureScoreTests.cases)
    func isTheMahalanobisDistanceAndHasTheBitsOfTheRule(one: Case) throws {
        let values = try Self.values()[one.offset...]
        let arena = try Arena(byteCount: 64 + 4 * one.count)
        arena.copyIn(Array(values.prefix(one.count)).span, at: 64)
        let statistics = Array(values.dropFirst(one.count).prefix(one.count + one.rank + one.rank * one.count))
        let found = arena.featureScore(
            at: 64, count: one.count, rank: one.rank, residualPrecision: one.residualPrecision, statistics: unsafe statistics.span.bytes)
        #expect(found.bitPattern == one.bits)
        // Rounding of binary32 in sums of up to 192 terms; where directions take nearly everything the residual is a difference of large numbers.
        #expect((Double(found) - one.distance).magnitude <= 1e-4 * max(one.distance, 1), "\(found)")
    }

    @Test(arguments: [Float.infinity, .nan, 3e38, -3e38])
    func valuesThatOverflowGiveNoFiniteScore(value: Float) throws {
        // Two values: mean 0; one direction along the first.
        let statistics: [Float] = [0, 0, 1e-30, 1, 0]
        for place in [0, 4] {
            let arena = try Arena(byteCount: 64)
            arena.copyIn([value].span, at: place)
            let score = arena.featureScore(at: 0, count: 2, rank: 1, residualPrecision: 1e-30, statistics: unsafe statistics.span.bytes)
            #expect(!score.isFinite)
        }
    }
}
