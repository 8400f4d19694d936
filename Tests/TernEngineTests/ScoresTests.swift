import Foundation
import Testing
import TernEngine
import TernModel

@Suite struct ScoresTests {
    private func scores(_ outputs: [Float], _ activation: Labels.Activation, temperature: Float = 1) -> [Float] {
        Scores.scores(of: outputs.span, labels: Labels(activation: activation, temperature: temperature, isCalibrated: false, labels: []))
    }

    @Test func softmaxAgreesWithTheExactFormula() {
        for outputs: [Float] in [[0.3, -1.2], [5, 4, 3, 2], [100, -100], [0, 0, 0], [-3.5, 60, 59.5]] {
            for temperature: Float in [1, 1.7] {
                let exact = outputs.map { exp(Double($0) / Double(temperature)) }
                let sum = exact.reduce(0, +)
                for (found, value) in zip(scores(outputs, .softmax, temperature: temperature), exact) {
                    #expect(abs(Double(found) - value / sum) < 2e-6)
                }
            }
        }
    }

    @Test func sigmoidAgreesWithTheExactFormula() {
        let outputs = stride(from: Float(-40), through: 40, by: 0.37).map { $0 }
        for (found, value) in zip(scores(outputs, .sigmoid, temperature: 2), outputs) {
            #expect(abs(Double(found) - 1 / (1 + exp(-Double(value) / 2))) < 1e-6)
        }
    }

    @Test func withoutActivationTheOutputsAreTheScores() {
        #expect(scores([3, -2, 0.5], .none, temperature: 9) == [3, -2, 0.5])
    }
}
