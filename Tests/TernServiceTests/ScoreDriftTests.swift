import Foundation
import Testing
import TernFindings

@testable import TernService

/// Values by NumPy and SciPy, Tests/Vectors/TernService/generate.py.
private struct Golden: Decodable {
    struct Case: Decodable {
        var expected, seen: [Int]
        var index: Double
    }
    struct Limit: Decodable {
        var bins, cases, images: Int
        var limit: Double
    }
    struct Logarithm: Decodable {
        var x, ln: Double
    }
    var cases: [Case]
    var limits: [Limit]
    var logarithms: [Logarithm]

    static func read() throws -> Golden {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: tests.appending(path: "Vectors/TernService/stability.json")))
    }
}

@Suite struct StabilityIndexTests {
    @Test func theIndexIsNumpys() throws {
        let golden = try Golden.read()
        #expect(golden.cases.count == 13)
        for one in golden.cases {
            let found = StabilityIndex.value(expected: one.expected, seen: one.seen)
            // Sums of up to 15 terms in another order.
            #expect(abs(found - one.index) <= 1e-13 * max(1, one.index), "\(one.expected) \(one.seen)")
        }
    }

    @Test func theLimitOfChanceIsSciPys() throws {
        for one in try Golden.read().limits {
            let found = StabilityIndex.chanceLimit(binCount: one.bins, expectedCount: one.cases, seenCount: one.images)
            // The table has three decimals.
            #expect(abs(found / one.limit - 1) < 1e-4, "\(one.bins) bins")
        }
    }

    @Test func theLogarithmIsNumpys() throws {
        for one in try Golden.read().logarithms {
            let found = StabilityIndex.naturalLogarithm(one.x)
            #expect(abs(found - one.ln) <= 2 * one.ln.ulp, "\(one.x)")
        }
    }
}

private let deciles = (1...9).map { Float($0) / 10 }

private func identity(_ labels: [DriftReference.Label], cases: Int) -> ServiceIdentity {
    var identity = ServiceIdentity(
        version: "1", model: ModelReference(name: "m", version: "1", digest: "aa", keyIdentifier: nil), instructionSet: "scalar", threadCount: 1,
        arenaByteCount: 0, goldenVectorCount: 1, modelDocument: [])
    identity.drift = DriftReference(labels: labels, measuredOn: "test", cases: cases, falseAlarmRate: 0.03125)
    return identity
}

private func finding(_ label: String, _ score: Float) -> Finding {
    Finding(label: label, code: nil, score: score, isCalibrated: true, operatingPoint: "", threshold: nil)
}

private func result(_ scores: [(String, Float)], flagged: Bool? = nil, digest: String = "aa") -> FindingResult {
    var result = FindingResult(
        sequence: 0, id: "", time: "", model: ModelReference(name: "m", version: "1", digest: digest, keyIdentifier: nil),
        input: InputReference(kind: .png, sha256: "bb"), status: .succeeded)
    result.findings = scores.map { finding($0.0, $0.1) }
    result.outOfDistribution = flagged.map { OutOfDistribution(score: 1, threshold: 1, isFlagged: $0) }
    return result
}

@Suite struct ScoreDriftTests {
    private let even = DriftReference.Label(name: "a", edges: deciles, counts: [Int](repeating: 50, count: 10))

    @Test func saysNothingOfTooFewAndNothingOfTheSame() {
        var drift = ScoreDrift(identity([even], cases: 500))
        for index in 0..<99 { #expect(drift.observe(result([("a", Float(index % 10) / 10 + 0.05)])) == []) }
        #expect(drift.reading(0).state == .tooFew && drift.reading(0).psi == nil && drift.reading(0).count == 99)
        _ = drift.observe(result([("a", 0.95)]))
        #expect(drift.reading(0).state == .stable && drift.reading(0).psi.map { $0 < 1e-12 } == true)
    }

    @Test func aScoreAtAnEdgeIsInTheUpperBin() {
        let halves = DriftReference.Label(name: "a", edges: [0.5], counts: [1, 999])
        var drift = ScoreDrift(identity([halves], cases: 1000))
        for _ in 0..<1000 { _ = drift.observe(result([("a", 0.5)])) }
        #expect(drift.reading(0).state == .stable)
        for _ in 0..<1000 { _ = drift.observe(result([("a", Float(0.5).nextDown)])) }
        #expect(drift.reading(0).state == .major)
    }

    @Test func aShiftIsToldOnceAndAgainAfterItWasOver() {
        var drift = ScoreDrift(identity([even], cases: 500))
        func told(_ scores: [Float]) -> Int { (0..<1000).map { drift.observe(result([("a", scores[$0 % scores.count])])).count }.reduce(0, +) }
        let (ordinary, shifted) = ((0..<10).map { Float($0) / 10 + 0.05 }, (5..<10).map { Float($0) / 10 + 0.05 })
        #expect(told(ordinary) == 0 && drift.reading(0).state == .stable)
        #expect(told(shifted) == 1 && told(shifted) == 0 && drift.reading(0).state == .major)
        #expect(told(ordinary) == 0 && drift.reading(0).state == .stable)
        #expect(told(shifted) == 1)
    }

    /// An index that comes and goes between `moderate` and `major` is one drift.
    @Test func whatGoesToAndFroIsToldOnce() {
        var drift = ScoreDrift(identity([even], cases: 500))
        func told(_ weights: [Int]) -> Int {
            let scores = weights.enumerated().flatMap { bin, weight in [Float](repeating: Float(bin) / 10 + 0.05, count: weight) }
            return (0..<1000).map { drift.observe(result([("a", scores[$0 % scores.count])])).count }.reduce(0, +)
        }
        // (0.05 ln 2 + 0.05 ln 1.5) * 4 = 0.22.
        let (shifted, less) = ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [1, 1, 1, 1, 2, 2, 3, 3, 3, 3])
        #expect(told(shifted) == 1 && drift.reading(0).state == .major)
        #expect(told(less) == 0 && drift.reading(0).state == .moderate)
        #expect(told(shifted) == 0 && drift.reading(0).state == .major)
    }

    @Test func betweenTheLimitsIsModerate() {
        let halves = DriftReference.Label(name: "a", edges: [0.5], counts: [5000, 5000])
        var drift = ScoreDrift(identity([halves], cases: 10_000))
        // 0.16 ln(0.66 / 0.34) = 0.106.
        for index in 0..<1000 { _ = drift.observe(result([("a", index % 50 < 33 ? 0.25 : 0.75)])) }
        #expect(drift.reading(0).state == .moderate && drift.reading(0).psi.map { (0.105..<0.107).contains($0) } == true)
    }

    /// With few cases in the reference, an index above 0.25 may be chance.
    @Test func whatChanceMakesIsStable() {
        let few = DriftReference.Label(name: "a", edges: deciles, counts: [Int](repeating: 4, count: 10))
        var drift = ScoreDrift(identity([few], cases: 40))
        let weights = [15, 15, 15, 15, 5, 5, 5, 5, 10, 10]
        for (bin, weight) in weights.enumerated() { for _ in 0..<weight { _ = drift.observe(result([("a", Float(bin) / 10 + 0.05)])) } }
        #expect(drift.reading(0).psi.map { $0 > 0.1 } == true && drift.reading(0).state == .stable)
    }

    @Test func eachLabelForItselfAndOneFrameOfAStudy() {
        var drift = ScoreDrift(identity([even, DriftReference.Label(name: "b", edges: [0.5], counts: [250, 250])], cases: 500))
        var study = result([("a", 0.95)])
        study.frames = (1...3).map { FrameResult(frame: $0) }
        for index in 1...2 {
            study.frames[index].status = .succeeded
            study.frames[index].findings = [finding("a", index == 2 ? 0.05 : 0.95), finding("b", 0.25)]
            study.frames[index].outOfDistribution = OutOfDistribution(score: 1, threshold: 1, isFlagged: index == 2)
        }
        _ = drift.observe(study)
        #expect(drift.reading(0).count == 1 && drift.reading(1).count == 1 && drift.flaggedShare == 1)
        _ = drift.observe(result([("b", 0.25)], flagged: false))
        #expect(drift.reading(0).count == 1 && drift.reading(1).count == 2 && drift.flaggedShare == 0.5)
        _ = drift.observe(result([("b", 0.25)], digest: "of another model"))
        #expect(drift.reading(1).count == 2)
    }

    @Test func aWindowForgets() {
        var recent = RecentValues(limit: 3)
        for value in [1, 2, 2, 0, 15] { recent.append(value) }
        #expect(recent.count == 3 && recent.counts(of: 16) == [1, 0, 1] + [Int](repeating: 0, count: 12) + [1])
    }
}

@Suite struct MetricsTests {
    @Test func aTimeAtABoundIsBelowIt() {
        var histogram = Histogram()
        for microseconds in [0, 100, 101, 60_000_000, 60_000_001] { histogram.observe(microseconds: microseconds) }
        #expect(histogram.counts[0] == 2 && histogram.counts[1] == 1 && histogram.counts[15] == 1)
        #expect(histogram.count == 5 && histogram.sumMicroseconds == 120_000_202)
        #expect(Histogram.bounds.map(\.microseconds) == Histogram.bounds.map(\.microseconds).sorted())
        for bound in Histogram.bounds { #expect(Double(bound.seconds) == Double(bound.microseconds) / 1e6) }
    }

    @Test func namesAreBounded() {
        var tally = Tally()
        for index in 0..<100 { tally.add("code=\"\(index)\"", other: "other") }
        tally.add("code=\"3\"", other: "other")
        #expect(tally.entries.count == Tally.limitCount + 1 && tally.entries.last == .init(labels: "other", count: 36))
        #expect(tally.entries[3].count == 2)
    }
}
