/// Moves the spread of activations from the inputs of INT8 layers into their weights without changing the function.
///
/// A layer norm's output is divided per channel by s and the columns of the layers that read it are multiplied by s. The factors are
/// powers of two, so every product is exact. They come from the checkpoint alone: the size of channel c after the norm is taken as
/// 3·|gamma| + |beta|, and s = size^0.3 / (largest weight of the column)^0.7.
///
/// - Source: Xiao et al. 2023, arXiv:2211.10438, equation 4, with the norm's own parameters in place of calibration.
extension VisionTransformer {
    public func smoothed() -> VisionTransformer {
        var model = self
        for index in model.blocks.indices {
            let attention = Smoothing.factors(
                model.blocks[index].norm1, [model.blocks[index].queries, model.blocks[index].keys, model.blocks[index].values])
            model.blocks[index].norm1.divide(by: attention)
            model.blocks[index].queries.multiplyColumns(by: attention)
            model.blocks[index].keys.multiplyColumns(by: attention)
            model.blocks[index].values.multiplyColumns(by: attention)
            let expansion = Smoothing.factors(model.blocks[index].norm2, [model.blocks[index].expansion])
            model.blocks[index].norm2.divide(by: expansion)
            model.blocks[index].expansion.multiplyColumns(by: expansion)
        }
        return model
    }
}

private enum Smoothing {
    static let activationExponent = 0.3
    /// Factors stay within 2^-limit ... 2^limit.
    static let limitExponent = 6.0

    static func factors(_ norm: VisionTransformer.Norm, _ layers: [VisionTransformer.Linear]) -> [Float] {
        let width = norm.gamma.count
        var largest = [Float](repeating: 0, count: width)
        for layer in layers {
            for row in 0..<layer.weights.rows {
                for c in 0..<width { largest[c] = max(largest[c], layer.weights.values[row * width + c].magnitude) }
            }
        }
        let exponents = (0..<width).map { c -> Double in
            let activation = max(3 * Double(norm.gamma[c].magnitude) + Double(norm.beta[c].magnitude), 1e-6)
            return activationExponent * log2(activation) - (1 - activationExponent) * log2(max(Double(largest[c]), 1e-6))
        }
        let mean = exponents.reduce(0, +) / Double(width)
        return exponents.map { Float(sign: .plus, exponent: Int(min(max(($0 - mean).rounded(), -limitExponent), limitExponent)), significand: 1) }
    }

    /// Base-2 logarithm to well within the rounding of `factors`, by the exponent field and a series in (m - 1) / (m + 1).
    private static func log2(_ x: Double) -> Double {
        let t = (x.significand - 1) / (x.significand + 1)
        let square = t * t
        var sum = 0.0
        for power in stride(from: 31, through: 1, by: -2) { sum = sum * square + 1 / Double(power) }
        return Double(x.exponent) + 2 * t * sum / 0.693147180559945309
    }
}

extension VisionTransformer.Norm {
    fileprivate mutating func divide(by factors: [Float]) {
        for (c, factor) in factors.enumerated() {
            gamma[c] /= factor
            beta[c] /= factor
        }
    }
}

extension VisionTransformer.Linear {
    fileprivate mutating func multiplyColumns(by factors: [Float]) {
        for index in weights.values.indices { weights.values[index] *= factors[index % weights.columns] }
    }
}
