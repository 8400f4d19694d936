import TernModel

/// Which input samples make each output sample along one side, and with which weights.
///
/// The rule is that of Pillow's `Image.resize`: the filter is stretched by the factor of reduction, sampled at the pixel centres, cut at the
/// image's edge and normalised.
struct ResampleAxis {
    /// First input index of each output; never decreases.
    let firsts: [Int]
    /// Number of inputs of each output, at least 1; first + count never decreases.
    let counts: [Int]
    /// Weights of output o are `weights[o * stride ..< o * stride + counts[o]]`; they sum to 1.
    let weights: [Double]
    let stride: Int

    /// - Precondition: both counts are positive.
    init(from inputCount: Int, to outputCount: Int, filter: InputRecipe.Filter) {
        precondition(inputCount > 0 && outputCount > 0, "a side has at least one pixel")
        let scale = Double(inputCount) / Double(outputCount)
        let filterScale = max(scale, 1)
        let support = filter.support * filterScale
        let stride = Int(support.rounded(.up)) * 2 + 1
        var firsts: [Int] = []
        var counts: [Int] = []
        var weights = [Double](repeating: 0, count: stride * outputCount)
        let inverse = 1 / filterScale
        for output in 0..<outputCount {
            let centre = (Double(output) + 0.5) * scale
            // Conversion to Int cuts towards zero, so the clamp must follow it.
            let first = max(Int(centre - support + 0.5), 0)
            let end = min(Int(centre + support + 0.5), inputCount)
            var sum = 0.0
            for index in first..<end {
                let weight = filter.weight(at: (Double(index) - centre + 0.5) * inverse)
                weights[output * stride + index - first] = weight
                sum += weight
            }
            if sum != 0 {
                for tap in 0..<(end - first) { weights[output * stride + tap] /= sum }
            }
            firsts.append(first)
            counts.append(end - first)
        }
        self.firsts = firsts
        self.counts = counts
        self.weights = weights
        self.stride = stride
    }

    /// One past the last input that an output wants.
    var end: Int { firsts.indices.last.map { firsts[$0] + counts[$0] } ?? 0 }

    /// The most outputs that one input takes part in.
    var limitActiveOutputs: Int {
        var most = 0
        var oldest = 0
        for output in firsts.indices {
            while firsts[oldest] + counts[oldest] <= firsts[output] { oldest += 1 }
            most = max(most, output - oldest + 1)
        }
        return most
    }
}

extension InputRecipe.Filter {
    /// Half the width of the filter at scale 1.
    var support: Double {
        switch self {
        case .box: 0.5
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The filter's value at distance `x` from its centre.
    func weight(at x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
        case .bilinear: return distance < 1 ? 1 - distance : 0
        case .bicubic:
            // Keys 1981 with a = -0.5.
            let a = -0.5
            if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
            if distance < 2 { return (((distance - 5) * distance + 8) * distance - 4) * a }
            return 0
        case .lanczos: return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }
}

/// sin(πx) / (πx) for |x| ≤ 3. Our own series: libraries differ in the last bit of sin.
private func sinc(_ x: Double) -> Double {
    guard x != 0 else { return 1 }
    let nearest = x.rounded(.toNearestOrEven)
    let t = (x - nearest) * Double.pi
    let square = t * t
    // Taylor to t^21: |t| ≤ π/2, the first term left out is below 2⁻⁵⁹.
    var sum = 1.0
    for k in [20.0, 18, 16, 14, 12, 10, 8, 6, 4, 2] { sum = 1 - sum * square / (k * (k + 1)) }
    let sine = Int(nearest) % 2 == 0 ? t * sum : -t * sum
    return sine / (x * Double.pi)
}
