internal import TernKernels
public import TernModel

/// Turns raw outputs into scores, Models/NUMERICS.md N-11.
public enum Scores {
    /// log2 e.
    private static let base: Float = 0x1.715476p+0

    /// The scores of all outputs.
    ///
    /// - Parameter outputs: raw values of one inference, finite.
    /// - Returns: as many values as `outputs`: probabilities over all outputs with softmax, each alone with sigmoid, the raw values without activation.
    public static func scores(of outputs: Span<Float>, labels: Labels) -> [Float] {
        var values = [Float]()
        values.reserveCapacity(outputs.count)
        for index in outputs.indices { values.append(labels.activation == .none ? outputs[index] : outputs[index] / labels.temperature) }
        switch labels.activation {
        case .none: return values
        case .softmax: return softmax(values)
        case .sigmoid: return values.map(sigmoid)
        }
    }

    private static func softmax(_ values: [Float]) -> [Float] {
        var largest = -Float.infinity
        for value in values where value > largest { largest = value }
        let exponentials = values.map { Exponential.exp2(($0 - largest) * base) }
        var sum: Float = 0
        for value in exponentials { sum += value }
        return exponentials.map { $0 / sum }
    }

    private static func sigmoid(_ value: Float) -> Float {
        let exponential = Exponential.exp2(-value.magnitude * base)
        return (value >= 0 ? 1 : exponential) / (1 + exponential)
    }
}
