import Foundation

@testable import TernEvaluation

/// Figures by scikit-learn, SciPy and NumPy, Tests/Vectors/TernEvaluation/generate.py.
struct GoldenFigures: Decodable {
    struct Share: Decodable {
        var successes: Int
        var count: Int
        var interval: Golden
    }
    struct Golden: Decodable {
        var value, low, high: Double
    }
    struct ClassFigures: Decodable {
        var auc: Golden
        var rocAUC, brier, calibrationError, f1: Double
        var accuracy, sensitivity, specificity, ppv, npv: Golden
    }
    struct Expected: Decodable {
        var accuracy: Golden
        var macroF1, kappa, quadraticKappa, brier, calibrationError: Double
        var confusion: [[Int]]
        var perClass: [ClassFigures]
    }
    struct Case: Decodable {
        var name: String
        var truth: [Int]
        var scores: [[Float]]
        var expected: Expected
    }
    var cases: [Case]
    var shares: [Share]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors/TernEvaluation")

    static func read() throws -> GoldenFigures {
        try JSONDecoder().decode(GoldenFigures.self, from: Data(contentsOf: folder.appending(path: "figures.json")))
    }
}

/// Whether two figures agree to what sums in another order may change.
func agrees(_ found: Double?, _ expected: Double) -> Bool { found.map { ($0 - expected).magnitude < 1e-12 } ?? false }

func agrees(_ found: Interval?, _ expected: GoldenFigures.Golden) -> Bool {
    agrees(found?.value, expected.value) && agrees(found?.low, expected.low) && agrees(found?.high, expected.high)
}
